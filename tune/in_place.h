// SPDX-License-Identifier: BSD-3-Clause
// The layers of a graph that are tuned where they run, and executions that take turns.
#ifndef ONEFOLD_TUNE_IN_PLACE_H
#define ONEFOLD_TUNE_IN_PLACE_H

#include "tune/index.h"

#include <onefold/tune.h>

enum { ONEFOLD_MOST_TURNS = 256, ONEFOLD_MOST_RATIOS = 1024 };

/// Whether a convolution and the one after it are to be one step, as both ways of it were timed.
typedef struct onefold_pairing {
  size_t steps;          // pairs that it is the first of; 0: nothing is known
  int32_t by_default;    // is it one without a tiling?
  int32_t choice;        // of a tiling: 0 the default is best, 1 no, 2 yes
  double default_ns, ns; // of both convolutions, by default and by the choice
  double spread;
  int32_t turns;
} onefold_pairing;

/// A candidate of a layer, and its time over the default choice's in the same turns.
typedef struct onefold_contender {
  onefold_tiling tiling;
  double ratio[ONEFOLD_MOST_RATIOS], median, spread;
  int32_t turns;
  int is_out; // it is behind, or gains too little
} onefold_contender;

/// A problem of the graph, whatever steps have it.
typedef struct onefold_layer {
  onefold_index_problem about;
  onefold_record_row row; // its key
  onefold_conv2d_desc desc;
  onefold_contender *contender; // [count]
  size_t count, steps;          // steps: those that are of this convolution alone
  onefold_pairing pairing;
  onefold_contender *current; // what plans get; NULL: the default choice
  onefold_contender *best;    // of the end game; NULL: the default choice
  const onefold_contender *announced;
  // Of the turns of the last comparison: seconds of its steps in each execution.
  double base[ONEFOLD_MOST_TURNS], other[ONEFOLD_MOST_TURNS];
} onefold_layer;

struct onefold_rotation {
  onefold_context *context; // without tilings, for describing problems
  onefold_layer *layer;     // [count]
  size_t count;
};

/// A tuning under way.
typedef struct onefold_in_place {
  onefold_context *context;
  onefold_rotation *rotation;
  const onefold_graph *graph;
  const onefold_exec_options *exec;
  const onefold_tune_options *options;
  onefold_tune_result *result;
  onefold_tune_row_fn put; // may be NULL
  double start, budget;    // seconds
  int ending;              // the end game: what the user wants no longer counts
  // Seconds of whole runs in the turns of the last comparison: with what is tried, and by default.
  double tried[ONEFOLD_MOST_TURNS], by_default[ONEFOLD_MOST_TURNS];
} onefold_in_place;

/// Has less than that part of the budget been used, and does the user want to go on?
int onefold_in_place_goes_on(const onefold_in_place *t, double part);

/// The layer with the problem, or NULL.
onefold_layer *onefold_rotation_find(const onefold_rotation *rotation,
                                     const onefold_conv2d_desc *desc);

/// The same; it is made where it is not there: *layer, NULL where the problem is none. Layers may
/// move. Errors: OUT_OF_MEMORY, and those of onefold_record_row_init.
onefold_status onefold_rotation_add(onefold_in_place *t, const onefold_conv2d_desc *desc,
                                    onefold_layer **layer);

/// Drops all layers.
void onefold_rotation_forget(onefold_rotation *rotation);

/// An execution with arrays for its inputs and outputs.
typedef struct onefold_runner {
  onefold_exec *exec;
  float **array; // [inputs + outputs]
  size_t inputs, outputs, steps;
  double *seconds; // [steps]
} onefold_runner;

/// Plans, packs and runs once. Errors: those of the calls on executions. Destroy all the same.
onefold_status onefold_runner_make(onefold_context *context, const onefold_graph *graph,
                                   const onefold_exec_options *options, onefold_runner *runner);
void onefold_runner_destroy(onefold_runner *runner);

/// Runs once more. Returns the seconds of all steps, 0 where it failed; those of each are in
/// runner->seconds.
double onefold_runner_run(onefold_runner *runner);

/// The same, and adds the seconds of each layer's steps to base[turn] or other[turn].
double onefold_runner_time(onefold_runner *runner, const onefold_rotation *rotation, int is_base,
                           int32_t turn);

/// Median over the turns of times over those of the same turn; 0 where there are too few.
double onefold_turns_ratio(const double *other, const double *base, int32_t turns, double *spread);

/// What a gain must exceed: the options' margin, or what it is by default.
double onefold_in_place_margin(const onefold_tune_options *options);

/// Is that part of the default choice's time less than it by more than the margin and the noise?
int onefold_in_place_gains(const onefold_tune_options *options, double ratio, double spread,
                           int32_t turns);

// contenders.c: which candidates of a layer are left.

/// Number n of those that are left, from the first again after the last; NULL where there is none.
onefold_contender *onefold_layer_nth(const onefold_layer *layer, size_t n);
size_t onefold_layer_left(const onefold_layer *layer);

/// Adds the ratios of the last comparison to those of the current contender.
void onefold_layer_count_turns(onefold_layer *layer, int32_t turns);

/// The fastest of those that are left; NULL where none had enough turns.
onefold_contender *onefold_layer_leader(const onefold_layer *layer);

/// After all that are left had turns: the slower half goes, who is behind the leader beyond the
/// noise, and who is not faster than the default choice by the margin, whatever the noise.
void onefold_layer_cull(const onefold_tune_options *options, onefold_layer *layer);

/// Can more turns change what the layer's row will say?
int onefold_layer_is_open(const onefold_tune_options *options, const onefold_layer *layer);

// settle.c: rows.

/// Gives out the layer's row as it is so far, where something gains, or did and no longer does.
void onefold_layer_announce(const onefold_in_place *t, onefold_layer *layer, int32_t turns);

/// After an end game: are whole runs with all that was fastest slower beyond the noise? And is that
/// noise still larger than half the margin?
int onefold_in_place_is_slower(const onefold_in_place *t, int32_t turns);
int onefold_in_place_is_unclear(const onefold_in_place *t, int32_t turns);

/// Leaves out what does not gain. Returns how many those are.
size_t onefold_in_place_leave_out(const onefold_in_place *t, int32_t turns);

/// Gives out all rows and fills the result. Where whole runs are slower, nothing is taken.
void onefold_in_place_settle(onefold_in_place *t, int32_t turns);

/// Fills the pairing of each convolution that can be the first of a pair, where the options leave
/// the choice; `base` is the execution by the default choice. Errors: those of calls on executions.
onefold_status onefold_pairs_tune(onefold_in_place *t, const onefold_runner *base);

#endif
