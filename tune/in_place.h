// SPDX-License-Identifier: BSD-3-Clause
// The layers of a graph that are tuned where they run, and two executions that take turns.
#ifndef ONEFOLD_TUNE_IN_PLACE_H
#define ONEFOLD_TUNE_IN_PLACE_H

#include "tune/index.h"

enum { ONEFOLD_MOST_TURNS = 64 };

/// Whether a convolution and the one after it are to be one step, as both ways of it were timed.
typedef struct onefold_pairing {
  size_t steps;          // pairs that it is the first of; 0: nothing is known
  int32_t by_default;    // is it one without a tiling?
  int32_t choice;        // of a tiling: 0 the default is best, 1 no, 2 yes
  double default_ns, ns; // of both convolutions, by default and by the choice
  double spread;
  int32_t turns;
} onefold_pairing;

/// A problem of the graph, whatever steps have it.
typedef struct onefold_layer {
  onefold_index_problem about;
  onefold_record_row row; // its key
  onefold_conv2d_desc desc;
  onefold_tiling *candidate; // [count]
  size_t count, steps;       // steps: those that are of this convolution alone
  onefold_pairing pairing;
  const onefold_tiling *current; // what plans get; NULL: the default choice
  const onefold_tiling *best;
  double best_ratio;
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
  double start, budget; // seconds
  int ending;           // the end game: what the user wants no longer counts
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

/// Median over the turns of the layer's other[] over its base[], 0 where it was in too few.
double onefold_layer_ratio(const onefold_layer *layer, int32_t turns, double *spread);

/// Fills the pairing of each convolution that can be the first of a pair, where the options leave
/// the choice; `base` is the execution by the default choice. Errors: those of calls on executions.
onefold_status onefold_pairs_tune(onefold_in_place *t, const onefold_runner *base);

#endif
