// SPDX-License-Identifier: BSD-3-Clause
// What the commands of `onefold tune` that measure share: options, problems, and the context.
#ifndef ONEFOLD_CLI_TUNING_H
#define ONEFOLD_CLI_TUNING_H

#include "cli/tune.h"

int onefold_cli_tune_run(int argc, char **argv);
int onefold_cli_tune_explain(int argc, char **argv);
int onefold_cli_tune_verify(int argc, char **argv);
int onefold_cli_tune_graph(int argc, char **argv);
int onefold_cli_tune_block(int argc, char **argv);
int onefold_cli_tune_gap(int argc, char **argv);

enum { CLI_MOST_LISTS = 32 };

/// A file of problems.
typedef struct cli_list {
  const char *path;
  int is_log; // of ONEFOLD_VERBOSE
} cli_list;

/// A problem with its layouts and epilogue, and the context that its plans are of.
typedef struct cli_problem {
  onefold_conv2d_desc desc;
  int32_t threads;
  onefold_accuracy accuracy;
  onefold_isa isa;
  uint32_t lists; // that have it, a bit each
} cli_problem;

/// Problems, none twice.
typedef struct cli_problems {
  cli_problem *one; // [count]
  size_t count, capacity;
} cli_problems;

typedef struct cli_tuning {
  cli_tune_options rows;         // command, record and json; of verify, the rows that are meant
  int32_t threads;               // 0: the usable cores
  int has_threads, has_accuracy; // given as options, before which logs do not come
  const onefold_isa *isa;
  onefold_isa isa_value;
  onefold_accuracy accuracy;
  onefold_situation situation;
  int has_layout;
  onefold_layout layout;
  onefold_activation activation;
  double budget, per_shape; // seconds; 0: not given
  int exhaustive;           // no candidate is pruned, and no time is the end
  int again;                // also what is recorded already
  int mpi;                  // the ranks of an MPI job share the problems
  int32_t ranks_per_node;   // that measure; 0: not given
  const char *mpi_as;       // for tests: the name of this rank's machine and its fingerprint, "a/x"
  cli_list lists[CLI_MOST_LISTS];
  size_t list_count;
  char **problems; // of the command line
  size_t problem_count;
  // Made by onefold_cli_tuning_open.
  onefold_context *context;
  onefold_peak peak;
  char pinned[160];
} cli_tuning;

/// Child of an argp, whose input is a cli_tuning: threads, level, class, situation, layout,
/// activation, problems, and the lists of --batch and --from.
extern const struct argp onefold_cli_tuning_argp;

/// Before the options are read.
void onefold_cli_tuning_init(cli_tuning *tuning, const char *command);

/// Seconds of "1.5", "60s", "2m" or "500ms"; leaves by argp_error where the text is none.
double onefold_cli_seconds(struct argp_state *state, const char *option, const char *text);

/// Pins the process, makes the context and measures the machine's peaks. Returns an onefold_exit
/// after a sentence; close all the same.
int onefold_cli_tuning_open(cli_tuning *tuning);
void onefold_cli_tuning_close(cli_tuning *tuning);

/// A context that problems are tuned in, and what it reaches.
typedef struct cli_place {
  onefold_context *context;
  onefold_peak peak;
} cli_place;

/// Those of problems that a log tells to be of other threads, another class or another level than
/// the tuning's.
typedef struct cli_places {
  cli_place *one; // [count]
  size_t count;
} cli_places;

/// The place of a problem, which is made where it is the first of its threads, class and level.
/// Returns an onefold_exit after a sentence.
int onefold_cli_place(const cli_tuning *tuning, cli_places *places, const cli_problem *problem,
                      cli_place *place);
void onefold_cli_places_free(cli_places *places);

/// "mb1ic64ih56.../act:relu/nchw:blocked", without an epilogue and layouts that are the usual.
typedef char cli_subject[sizeof(onefold_record_key) - sizeof((onefold_record_key *)0)->machine];
void onefold_cli_subject(const onefold_record_key *key, cli_subject subject);

/// The same, and " threads:1 strict avx2" where these are not the tuning's.
typedef char cli_label[sizeof(cli_subject) + 48];
void onefold_cli_problem_label(const cli_tuning *tuning, const onefold_record_key *key,
                               cli_label label);

/// The problems of the command line and of the lists. Returns an onefold_exit after a sentence;
/// free all the same.
int onefold_cli_problems_read(const cli_tuning *tuning, cli_problems *problems);
void onefold_cli_problems_free(cli_problems *problems);

/// What a plan by the record comes to.
typedef struct cli_planned {
  onefold_tiling tiling;
  char source[256];  // the rung of the look-up, and who measured where that is not this library
  const char *pairs; // a sentence on where its pairs are tuned; NULL: it has none
} cli_planned;

/// Zero where it cannot be planned.
int onefold_cli_planned(const cli_tuning *tuning, const cli_problem *problem, cli_planned *planned);

/// Tunes the problems with the other ranks of the job. Returns an onefold_exit after a sentence.
int onefold_cli_fleet_run(cli_tuning *tuning);

/// Non-zero where this library has measured the key of `row` with the kernels that there are: *old.
int onefold_cli_is_recorded(onefold_record *record, const onefold_record_row *row,
                            onefold_record_row *old);

/// "winograd4,pointwise_f32_14x2__avx512,threads=2": without what is always the same.
void onefold_cli_tiling_text(const onefold_tiling *tiling, char *text, size_t size);

/// onefold_bench_interrupted as onefold_tune_options.stopped.
int onefold_cli_stopped(void *user);

/// Why problems are left when a run has ended with an onefold_exit.
const char *onefold_cli_why_left(int code);

/// A bar on the standard error, where that is a terminal: what is tuned, how far, and the time that
/// is left at most (INFINITY: not known). `label` NULL: the line is cleared.
void onefold_cli_bar(const char *label, size_t done, size_t total, double part,
                     double seconds_left);

#endif
