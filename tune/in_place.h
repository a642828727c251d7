// SPDX-License-Identifier: BSD-3-Clause
// The layers of a graph that are tuned where they run, and two executions that take turns.
#ifndef ONEFOLD_TUNE_IN_PLACE_H
#define ONEFOLD_TUNE_IN_PLACE_H

#include "tune/index.h"

enum { ONEFOLD_MOST_TURNS = 64 };

/// A problem of the graph, whatever steps have it.
typedef struct onefold_layer {
  onefold_index_problem about;
  onefold_record_row row; // its key
  onefold_conv2d_desc desc;
  onefold_tiling *candidate; // [count]
  size_t count, steps;
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

/// The layer with the problem, or NULL.
onefold_layer *onefold_rotation_find(const onefold_rotation *rotation,
                                     const onefold_conv2d_desc *desc);

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

/// Runs once more and adds the seconds of each layer's steps to base[turn] or other[turn]. Returns
/// those of all steps.
double onefold_runner_time(onefold_runner *runner, const onefold_rotation *rotation, int is_base,
                           int32_t turn);

#endif
