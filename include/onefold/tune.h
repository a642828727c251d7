// SPDX-License-Identifier: BSD-3-Clause
// The tuner: the search for the fastest tilings, their record in an SQLite
// file, and its way into a context. In a library of its own, onefold_tune, which
// onefold.h leaves out and which alone needs SQLite. docs/tuning.md has the
// rules of the search and the file's schema.
//
// Nothing here ends the process or, but for the lines of onefold_verbose_attach,
// prints. What is worth saying goes to the caller's warning function; a failure
// is a status, and its sentence is kept by the record. A record is used by one
// thread at a time; any number of processes may have the same file open, and
// none loses what another wrote.
#ifndef ONEFOLD_TUNE_H
#define ONEFOLD_TUNE_H

#include <onefold/context.h>
#include <onefold/conv2d.h>
#include <onefold/export.h>
#include <onefold/graph.h>
#include <onefold/machine.h>
#include <onefold/peak.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

/// How a layer was measured.
typedef enum onefold_situation {
  ONEFOLD_WARM = 0,    // again and again by itself: its weights are in cache
  ONEFOLD_COLD = 1,    // by itself, its weights not in cache
  ONEFOLD_IN_PLACE = 2 // within whole runs of a graph
} onefold_situation;
#define ONEFOLD_SITUATION_COUNT 3

/// "warm", "cold", "in_place"; "?" outside the enum. Thread-safe.
ONEFOLD_API const char *onefold_situation_name(onefold_situation situation);

/// What was measured, and where.
typedef struct onefold_record_key {
  char machine[256]; // onefold_machine_fingerprint, with the context's level
  char kind[16];     // of operator: "conv2d"
  char problem[256]; // onefold_conv2d_desc_print
  char layouts[32];  // of input and output: "nchw:blocked"
  /// Activation, and what else the epilogue has, in this order: "relu", "none+residual_before",
  /// "silu+residual_after+residual_scale+channel_scale".
  char epilogue[80];
  int32_t threads; // onefold_context_threads
  onefold_situation situation;
  onefold_accuracy accuracy;
} onefold_record_key;

/// A key, the best tiling that was found for it, and the evidence.
typedef struct onefold_record_row {
  onefold_record_key key;
  onefold_tiling tiling; // all empty: the default choice was best. `source` is not kept
  double median_ns;      // of one run
  double spread;         // of the runs: interquartile range over median
  double default_ns;     // the default choice's median in the same measurement; 0: not measured
  int64_t trials;        // runs that the median is of
  char version[16];      // onefold_version of the library that measured
  uint64_t kernels;      // onefold_kernel_list_hash of the same
  char date[24];         // "2026-01-31T23:59:59Z"
} onefold_record_row;

/// Fills the key of a convolution in `context` on `machine` (NULL: this one), the version, the
/// kernel list and the date; all else is zero. Errors: those of onefold_conv2d_output_shape
/// (sentence in the context). Thread-safe.
ONEFOLD_API onefold_status onefold_record_row_init(onefold_context *context,
                                                   const onefold_machine *machine,
                                                   const onefold_conv2d_desc *desc,
                                                   onefold_situation situation,
                                                   onefold_record_row *row);

/// The convolution that a key is of. Errors: INVALID_ARGUMENT, and those of
/// onefold_conv2d_desc_parse (sentence in the context). Thread-safe.
ONEFOLD_API onefold_status onefold_record_key_desc(onefold_context *context,
                                                   const onefold_record_key *key,
                                                   onefold_conv2d_desc *desc);

/// Hash of the names of the kernels that a context dispatches to. Thread-safe.
ONEFOLD_API uint64_t onefold_kernel_list_hash(const onefold_context *context);

/// A tiling as text: "algorithm=winograd4,kernel=...,threads=2", fields that are zero left out.
/// Returns the length that it needs. Thread-safe.
ONEFOLD_API size_t onefold_tiling_print(const onefold_tiling *tiling, char *text, size_t size);

/// Reads that text. Errors: UNSUPPORTED (a field that this version does not have), FORMAT.
/// Thread-safe.
ONEFOLD_API onefold_status onefold_tiling_parse(const char *text, onefold_tiling *tiling);

// ------------------------------------------------------------------- record

typedef struct onefold_record onefold_record;

/// Receives a sentence without a newline.
typedef void (*onefold_warning_fn)(void *user, const char *sentence);

typedef struct onefold_record_options {
  size_t struct_size; // sizeof(onefold_record_options)
  /// NULL: ONEFOLD_RECORD of the environment, else onefold_record_default_path. Empty or
  /// ":memory:": no file; rows live as long as the record.
  const char *path;
  /// For looking up: nothing is moved or written, no record created, and a default file that is not
  /// there is no cause for a warning. (SQLite may leave <path>-shm and an empty <path>-wal.)
  int32_t read_only;
  onefold_warning_fn warning; // may be NULL
  void *warning_user;
} onefold_record_options;

/// $XDG_CACHE_HOME/onefold/tilings.db, by default ~/.cache/onefold/tilings.db. Returns the length
/// that it needs; 0 where neither is known. Thread-safe as far as getenv is.
ONEFOLD_API size_t onefold_record_default_path(char *text, size_t size);

/// Opens a record; `options` may be NULL. A file that is damaged or no record is renamed to
/// <path>.damaged-<date> and a new one begun; where no file can be had (missing or read-only
/// directory, a newer schema), the record lives in memory. Both give one warning and no failure.
/// With read_only such a file is left alone, and the record is empty. Only the default path's
/// directories are created.
/// Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Thread-safe.
ONEFOLD_API onefold_status onefold_record_open(const onefold_record_options *options,
                                               onefold_record **record);

/// NULL is allowed.
ONEFOLD_API void onefold_record_close(onefold_record *record);

/// The file, or "" where the record lives in memory; valid as long as the record is.
ONEFOLD_API const char *onefold_record_path(const onefold_record *record);

/// Copies the sentence of the last failed call with this record (at most `size` bytes, always
/// terminated) and returns its status.
ONEFOLD_API onefold_status onefold_record_last_error(const onefold_record *record, char *text,
                                                     size_t size);

/// What happens to a row whose key is there already. The better evidenced of two has more trials,
/// else the smaller spread, else the later date.
typedef enum onefold_record_policy {
  ONEFOLD_RECORD_REPLACE = 0, // the new one stays
  ONEFOLD_RECORD_BETTER = 1   // the better evidenced stays
} onefold_record_policy;

/// Writes a row, its real numbers rounded to nine digits; when it returns, a kill of the process
/// does not lose it. `written` (may be NULL) is zero where the policy kept the old row. Errors:
/// INVALID_ARGUMENT (a field that no row can have), UNSUPPORTED (opened read-only), IO (a full
/// disk, a lock that stays taken for ten seconds), FORMAT (the file is damaged), OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_record_put(onefold_record *record, const onefold_record_row *row,
                                              onefold_record_policy policy, int *written);

/// Errors: NOT_FOUND, INVALID_ARGUMENT, IO, FORMAT, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_record_get(onefold_record *record, const onefold_record_key *key,
                                              onefold_record_row *row);

/// Errors: NOT_FOUND and those of onefold_record_put.
ONEFOLD_API onefold_status onefold_record_delete(onefold_record *record,
                                                 const onefold_record_key *key);

/// Non-zero ends the visit.
typedef int (*onefold_record_visit_fn)(void *user, const onefold_record_row *row);

/// Calls `visit` with every row that this version understands, in the order of machine, kind,
/// problem, layouts, epilogue, threads, situation, accuracy; `visit` must not use the record.
/// `skipped` (may be NULL) counts the others. Errors: INVALID_ARGUMENT, IO, FORMAT, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_record_visit(onefold_record *record,
                                                onefold_record_visit_fn visit, void *user,
                                                int64_t *skipped);

/// Removes the rows for which `drop` returns non-zero, in one change, and counts them in `removed`
/// (may be NULL). Rows that this version does not understand stay. Errors: those of
/// onefold_record_put.
ONEFOLD_API onefold_status onefold_record_prune(onefold_record *record,
                                                onefold_record_visit_fn drop, void *user,
                                                int64_t *removed);

/// What became of rows: written; not written, as the record's own was kept; left out, as this
/// version does not understand them.
typedef struct onefold_record_counts {
  int64_t written, kept, skipped;
} onefold_record_counts;

/// Adds the rows of another record, in one change. `counts` may be NULL. Errors: those of
/// onefold_record_put; the sentence is this record's.
ONEFOLD_API onefold_status onefold_record_merge(onefold_record *record, onefold_record *from,
                                                onefold_record_policy policy,
                                                onefold_record_counts *counts);

// --------------------------------------------------------------------- text

/// A row as a JSON object on one line, its members in a fixed order and numbers with nine digits.
/// Returns the length that it needs, 0 where there is no memory. Thread-safe.
ONEFOLD_API size_t onefold_record_row_print(const onefold_record_row *row, char *text, size_t size);

/// Calls `line` with each row as onefold_record_row_print writes it, in the order of a visit: two
/// exports can be compared line by line. `skipped` as in onefold_record_visit. Errors: those of a
/// visit.
ONEFOLD_API onefold_status onefold_record_export(onefold_record *record, onefold_line_fn line,
                                                 void *user, int64_t *skipped);

/// Adds the rows of an export, `length` bytes of text: all of them, or on failure none. Empty lines
/// are allowed; rows with tilings of a newer version are skipped. `counts` may be NULL. Errors:
/// FORMAT (the sentence names the line and the value), and those of onefold_record_put.
ONEFOLD_API onefold_status onefold_record_import(onefold_record *record, const char *text,
                                                 size_t length, onefold_record_policy policy,
                                                 onefold_record_counts *counts);

// ------------------------------------------------------------------- search

/// What became of a candidate.
typedef enum onefold_tune_fate {
  ONEFOLD_TUNE_REFUSED = 0, // its algorithm does not apply
  ONEFOLD_TUNE_SAME = 1,    // it comes to a plan that there is
  ONEFOLD_TUNE_PRUNED = 2,  // by its estimate
  ONEFOLD_TUNE_UNTIMED = 3, // the time was over before its turn
  ONEFOLD_TUNE_FAILED = 4,  // it could not be run
  ONEFOLD_TUNE_SLOWER = 5,  // than others in its last round
  ONEFOLD_TUNE_NO_GAIN = 6, // the fastest, but not by enough over the default choice
  ONEFOLD_TUNE_BEST = 7
} onefold_tune_fate;
#define ONEFOLD_TUNE_FATES 8

/// "refused", "same", "pruned", ...; "?" outside the enum. Thread-safe.
ONEFOLD_API const char *onefold_tune_fate_name(onefold_tune_fate fate);

typedef struct onefold_tune_candidate {
  onefold_tiling tiling; // the default choice's is the plan's
  int32_t is_default;
  double estimate_ns; // of one run
  onefold_tune_fate fate;
  char reason[128];         // a sentence, or ""
  double median_ns, spread; // 0: not timed
  int32_t rounds, trials;
} onefold_tune_candidate;

/// Receives a candidate; non-zero ends the visit.
typedef int (*onefold_tune_candidate_fn)(void *user, const onefold_tune_candidate *candidate);

/// A sample of a candidate.
typedef struct onefold_tune_sample {
  size_t candidate; // its place in the order of onefold_tune_options.visit
  int32_t round;    // 0: the first look; -1: the end game
  double seconds;   // when it ended, of the search
  double ns;        // of one run
} onefold_tune_sample;

typedef struct onefold_tune_options {
  size_t struct_size;          // sizeof(onefold_tune_options)
  onefold_situation situation; // WARM or COLD
  double budget;               // seconds at most, but for what has begun; 0: 2, exhaustive: none
  double margin;               // a gain over the default choice that is no larger is none; 0: 0.02
  int32_t candidates;          // that are timed at most; 0: 48; exhaustive: all are
  int32_t exhaustive;          // non-zero: no estimate prunes, and only noise ends the rounds
  int32_t plan_only;           // non-zero: nothing is timed, and no row made
  const onefold_tiling *only;  // NULL: all candidates; else this alone against the default choice
  const onefold_peak *peak;    // of the context; NULL: estimates are at 100 GFLOP/s a thread
  /// All may be NULL. Non-zero from `stopped` ends the search without a result; `advanced` is told
  /// what part of the budget is used; `sampled` is told each sample; `visit` receives all
  /// candidates at the end, the default choice first, then by their estimates.
  int (*stopped)(void *user);
  void (*advanced)(void *user, double part);
  void (*sampled)(void *user, const onefold_tune_sample *sample);
  onefold_tune_candidate_fn visit;
  void *user;
} onefold_tune_options;

typedef struct onefold_tune_result {
  size_t struct_size;     // sizeof(onefold_tune_result)
  int32_t finished;       // zero: stopped, or nothing timed: there is no row
  int32_t separated;      // the fastest is ahead of all others beyond the noise
  onefold_record_row row; // for onefold_record_put
  int64_t candidates, timed, samples;
  double seconds;
  int64_t dropped; // of a graph: rows left at the default choice, as whole runs were slower
} onefold_tune_result;

/// Finds the fastest tiling of a convolution in this context: all candidates are ordered and pruned
/// by estimates; then successive halving, in rounds in which they take turns, and an end game of
/// the fastest against the default choice. The accuracy class is the context's. Errors: those of
/// onefold_conv2d_output_shape, INVALID_ARGUMENT, OUT_OF_MEMORY (sentence in the context).
ONEFOLD_API onefold_status onefold_tune_conv2d(onefold_context *context,
                                               const onefold_conv2d_desc *desc,
                                               const onefold_tune_options *options,
                                               onefold_tune_result *result);

/// A tiling beside others.
typedef struct onefold_tune_side {
  const onefold_tiling *tiling; // NULL or empty: the default choice
  // Made by onefold_tune_compare.
  double median_ns, spread;
  double ratio; // median of its time over that of the first side in the same turn
  double noise; // of the ratio: twice its standard error, relative to it
  int32_t turns;
} onefold_tune_side;

/// Times tilings of a convolution in turns, so that drift hits all alike; sides that come to the
/// same plan are timed as one. Of the options `situation`, `stopped`, `advanced` and `user` are
/// used, and `budget` where it is not 0. `turns` at most (0: 51). Errors: INVALID_ARGUMENT,
/// OUT_OF_MEMORY, UNSUPPORTED (one cannot be run), and those of onefold_conv2d_plan_create
/// (sentence in the context).
ONEFOLD_API onefold_status onefold_tune_compare(onefold_context *context,
                                                const onefold_conv2d_desc *desc,
                                                const onefold_tune_options *options, int32_t turns,
                                                onefold_tune_side *sides, size_t count);

/// The tilings of a context whose graphs are tuned in place.
typedef struct onefold_rotation onefold_rotation;

/// Sets options->tiling and tiling_user; the rotation must live as long as the context that is
/// created with them, which plans by the default choice but in onefold_tune_graph. Errors:
/// INVALID_ARGUMENT, OUT_OF_MEMORY, and those of onefold_context_create.
ONEFOLD_API onefold_status onefold_rotation_create(onefold_context_options *options,
                                                   onefold_rotation **rotation);

/// NULL is allowed.
ONEFOLD_API void onefold_rotation_destroy(onefold_rotation *rotation);

/// Receives the row of a convolution, in place, which so many steps of the graph have. Before the
/// final one may come others of the same key: what is fastest so far by more than margin and noise,
/// for a record of which a process that is killed leaves something.
typedef void (*onefold_tune_row_fn)(void *user, const onefold_record_row *row, size_t steps,
                                    int is_final);

/// Tunes the convolutions of a graph where they run. First, where exec->pairs leaves the choice,
/// runs in which all convolutions are pairs that can be take turns with runs in which none are. In
/// each round then every problem takes its next candidate, all at once, and whole runs take turns
/// with those by the default choice; each layer's time is compared with its own of the same turn.
/// Rounds go on with the faster half of each problem's candidates while that may tell and there is
/// time. An end game of all that were fastest gives the final rows; once a round is done, non-zero
/// from `stopped` leads to a short one. Where whole runs with all of them are slower than by the
/// default choice beyond the noise, also without those that gained nothing, all rows say that the
/// default choice is best. The row of a pair's first has the times of both convolutions,
/// and `pair` in its tiling where the default choice is beaten; of a pair nothing else is tuned.
/// The options' situation, `exhaustive`, `sampled` and `visit` are not used, the budget is 60 s
/// where it is 0, and 8 candidates of each are tried where that is 0; `put` gets options->user. Of
/// result->row only the times and trials are set, those of whole runs with all that were fastest,
/// and by the default choice. Errors: INVALID_ARGUMENT, and those of the calls on executions
/// (sentence in the context). The context is used by no other thread.
ONEFOLD_API onefold_status onefold_tune_graph(onefold_context *context, onefold_rotation *rotation,
                                              const onefold_graph *graph,
                                              const onefold_exec_options *exec,
                                              const onefold_tune_options *options,
                                              onefold_tune_row_fn put, onefold_tune_result *result);

// -------------------------------------------------------------- verbose log

/// A planned problem as a line: "onefold plan conv2d <problem> <layouts> <epilogue> threads:2
/// standard <tiling> from <source>". Returns the length that it needs, 0 where there is no
/// convolution. Thread-safe.
ONEFOLD_API size_t onefold_verbose_print(onefold_context *context, const onefold_conv2d_desc *desc,
                                         const onefold_tiling *tiling, char *text, size_t size);

/// Reads such a line, wherever in `text` it begins. Errors: NOT_FOUND (there is none), FORMAT, and
/// those of onefold_conv2d_desc_parse. Thread-safe.
ONEFOLD_API onefold_status onefold_verbose_parse(onefold_context *context, const char *text,
                                                 onefold_conv2d_desc *desc);

/// The same, with the threads and accuracy class of the context that planned: a row that is to be
/// found there is tuned in a context of these. Of `key` the machine is empty and the situation is
/// WARM, as the line does not tell them. Errors: those of onefold_verbose_parse. Thread-safe.
ONEFOLD_API onefold_status onefold_verbose_parse_key(onefold_context *context, const char *text,
                                                     onefold_conv2d_desc *desc,
                                                     onefold_record_key *key);

/// Where ONEFOLD_VERBOSE of the environment is set, and not to 0: sets options->planned to write
/// such lines to the standard error. Returns non-zero where it did. Thread-safe as far as getenv
/// is.
ONEFOLD_API int onefold_verbose_attach(onefold_context_options *options);

// ------------------------------------------------------------------ look-up

/// The rows of a record that fit a context, in memory, by problem. Immutable: any number of
/// threads and contexts may use it at once, and the record may be closed or written to.
typedef struct onefold_tilings onefold_tilings;

/// Reads the rows for contexts with these options on `machine` (NULL: this one), and sets
/// options->tiling and tiling_user; the index must live as long as the context that is created
/// with them. Rows measured in `situation` come first; between the others, cold and in_place are
/// taken for each other before warm. A row that names a kernel that this context has not is
/// skipped. Errors: INVALID_ARGUMENT, IO, FORMAT, OUT_OF_MEMORY; options are then left alone.
ONEFOLD_API onefold_status onefold_record_attach(onefold_record *record,
                                                 onefold_situation situation,
                                                 const onefold_machine *machine,
                                                 onefold_context_options *options,
                                                 onefold_tilings **tilings);

/// NULL is allowed.
ONEFOLD_API void onefold_tilings_destroy(onefold_tilings *tilings);

/// Rows that were read, and rows of this micro-architecture, threads and accuracy class that were
/// skipped. Thread-safe.
ONEFOLD_API void onefold_tilings_count(const onefold_tilings *tilings, int64_t *rows,
                                       int64_t *skipped);

/// The onefold_tiling_fn of an index. The first of these that there is, which `source` names:
///   "record"                              this problem on this machine
///   "record: same micro-architecture"     this problem on another machine with the same cores
///   "record: nearest mb1ic64ih56..."      the nearest problem: of the same kernel, stride,
///       dilation, low pads, groups (or also depthwise) and layouts, any epilogue, batch, channels,
///       heights and widths within a factor of two each; the least sum of |log2 of their ratios|
/// and ", measured warm" or the like where that is not the situation asked for. Returns zero where
/// there is none. Takes no lock, allocates nothing, calls no SQL. Thread-safe.
ONEFOLD_API int onefold_tilings_find(void *tilings, const onefold_conv2d_desc *desc,
                                     onefold_tiling *tiling);

ONEFOLD_END

#endif
