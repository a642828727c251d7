// SPDX-License-Identifier: BSD-3-Clause
// Whole runs of a graph with the time of each of its layers.
#include "tune/in_place.h"

#include <stdlib.h>
#include <string.h>

static size_t count_nodes(const onefold_graph *graph,
                          onefold_node (*at)(const onefold_graph *, size_t)) {
  size_t count = 0;
  while (at(graph, count) != ONEFOLD_NO_NODE) count++;
  return count;
}

/// An array for the node's result in a layout, of small numbers.
static float *make_array(const onefold_context *context, const onefold_graph *graph,
                         onefold_node node, onefold_layout layout) {
  const size_t n = onefold_tensor_elements(context, onefold_graph_shape(graph, node), layout);
  float *values = n ? aligned_alloc(64, (n * sizeof *values + 63) / 64 * 64) : NULL;
  for (size_t i = 0; values && i < n; i++) values[i] = (float)(i % 17) / 16 - 0.5f;
  return values;
}

static onefold_status make_arrays(onefold_context *context, const onefold_graph *graph,
                                  const onefold_exec_options *options, onefold_runner *r) {
  r->inputs = count_nodes(graph, onefold_graph_input_at);
  r->outputs = count_nodes(graph, onefold_graph_output_at);
  r->array = calloc(r->inputs + r->outputs + 1, sizeof *r->array);
  r->seconds = calloc(r->steps + 1, sizeof *r->seconds);
  if (!r->array || !r->seconds) return ONEFOLD_OUT_OF_MEMORY;
  for (size_t i = 0; i < r->inputs + r->outputs; i++) {
    const int is_input = i < r->inputs;
    const onefold_node node =
        is_input ? onefold_graph_input_at(graph, i) : onefold_graph_output_at(graph, i - r->inputs);
    r->array[i] =
        make_array(context, graph, node, is_input ? options->in_layout : options->out_layout);
    if (!r->array[i]) return ONEFOLD_OUT_OF_MEMORY;
  }
  return ONEFOLD_OK;
}

static onefold_status run(onefold_runner *r) {
  return onefold_exec_run_timed(r->exec, (const float *const *)r->array, r->array + r->inputs,
                                r->seconds);
}

onefold_status onefold_runner_make(onefold_context *context, const onefold_graph *graph,
                                   const onefold_exec_options *options, onefold_runner *runner) {
  onefold_exec_info info = {0};
  memset(runner, 0, sizeof *runner);
  onefold_status status = onefold_exec_create(context, graph, options, &runner->exec);
  if (status == ONEFOLD_OK) status = onefold_exec_pack(runner->exec);
  if (status != ONEFOLD_OK) return status;
  onefold_exec_get_info(runner->exec, &info);
  runner->steps = info.steps;
  status = make_arrays(context, graph, options, runner);
  return status == ONEFOLD_OK ? run(runner) : status;
}

void onefold_runner_destroy(onefold_runner *runner) {
  for (size_t i = 0; runner->array && i < runner->inputs + runner->outputs; i++)
    free(runner->array[i]);
  free(runner->array);
  free(runner->seconds);
  onefold_exec_destroy(runner->exec);
  memset(runner, 0, sizeof *runner);
}

double onefold_runner_run(onefold_runner *runner) {
  double sum = 0;
  if (run(runner) != ONEFOLD_OK) return 0;
  for (size_t i = 0; i < runner->steps; i++) sum += runner->seconds[i];
  return sum;
}

double onefold_runner_time(onefold_runner *runner, const onefold_rotation *rotation, int is_base,
                           int32_t turn) {
  for (size_t i = 0; i < rotation->count; i++)
    (is_base ? rotation->layer[i].base : rotation->layer[i].other)[turn] = 0;
  const double sum = onefold_runner_run(runner);
  for (size_t i = 0; i < runner->steps && sum > 0; i++) {
    onefold_exec_step step;
    if (onefold_exec_get_step(runner->exec, i, &step) != ONEFOLD_OK || step.conv_count != 1)
      continue;
    onefold_layer *layer = onefold_rotation_find(rotation, &step.convs[0].desc);
    if (layer) (is_base ? layer->base : layer->other)[turn] += runner->seconds[i];
  }
  return sum;
}
