// SPDX-License-Identifier: BSD-3-Clause
// The search for the fastest tilings, which become rows of record.h. In the
// same library, onefold_tune. docs/tuning.md has the rules of the search.
#ifndef ONEFOLD_TUNE_H
#define ONEFOLD_TUNE_H

#include <onefold/context.h>
#include <onefold/conv2d.h>
#include <onefold/exec.h>
#include <onefold/export.h>
#include <onefold/peak.h>
#include <onefold/record.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

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
  size_t struct_size; // sizeof(onefold_tune_result)
  int32_t finished;   // zero: stopped, or nothing timed: there is no row
  int32_t separated;  // the fastest is ahead of all others beyond the noise
  /// Of onefold_tune_conv2d: it is shown that no candidate that was left at the end gains more than
  /// the margin. Zero with a row of the default choice: the noise or the budget left it open.
  int32_t no_gain;
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

ONEFOLD_END

#endif
