// SPDX-License-Identifier: BSD-3-Clause
// Parameters in one line, and what sources of weights of a test's own need.
#include "tests/block_support.h"

#include <string.h>

onefold_block_params block_params(onefold_context *context, const char *block, const char *text) {
  onefold_block_params p;
  test_ok(context, onefold_block_params_init(context, block, &p));
  test_ok(context, onefold_block_params_set(context, &p, text));
  return p;
}

int block_name_ends(const char *name, const char *end) {
  const size_t length = strlen(name), part = strlen(end);
  return length >= part && strcmp(name + length - part, end) == 0;
}

void block_keep_weights(onefold_weights *weights) {
  (void)weights;
}

onefold_graph *block_build_from(onefold_context *context, const char *block, const char *text,
                                const onefold_weights *weights) {
  onefold_block_params params;
  onefold_graph *graph = NULL;
  test_case("%s %s", block, text);
  test_ok(context, onefold_block_params_init(context, block, &params));
  test_ok(context, onefold_block_params_set(context, &params, text));
  test_ok(context, onefold_block_build(context, block, &params, weights, &graph));
  return graph;
}

onefold_graph *block_build(onefold_context *context, const char *block, const char *text) {
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 5, &weights));
  onefold_graph *graph = block_build_from(context, block, text, weights);
  onefold_weights_close(weights);
  return graph;
}

onefold_shape block_result_shape(const onefold_graph *graph) {
  return onefold_graph_shape(graph, graph->outputs[0]);
}
