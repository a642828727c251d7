// SPDX-License-Identifier: BSD-3-Clause
// Nearest-neighbour upsampling nodes.
#include "graph/graph.h"

onefold_node onefold_graph_upsample(onefold_graph *graph, onefold_node input, int64_t factor) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  if (factor <= 0)
    return onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                                  "upsample: factor is %lld", (long long)factor));
  const onefold_shape in = graph->nodes[input].shape;
  onefold_graph_node node = {
      .kind = ONEFOLD_NODE_UPSAMPLE, .shape = in, .as.upsample_factor = factor};
  size_t elements;
  if (__builtin_mul_overflow(in.h, factor, &node.shape.h) ||
      __builtin_mul_overflow(in.w, factor, &node.shape.w) ||
      !onefold_shape_elements(node.shape, &elements))
    return onefold_graph_fail(graph,
                              onefold_fail(graph->context, ONEFOLD_OVERFLOW,
                                           "upsample: an image of %lldx%lld by %lld does "
                                           "not fit in memory",
                                           (long long)in.h, (long long)in.w, (long long)factor));
  return onefold_graph_add_node(graph, &node, &input, 1, NULL, 0);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_upsample(to, inputs[0], node->as.upsample_factor);
}

const onefold_node_type onefold_node_type_upsample = {
    .name = "upsample",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
