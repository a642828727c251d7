// SPDX-License-Identifier: BSD-3-Clause
// The node that stands for a tensor of the caller.
#include "graph/graph.h"

onefold_node onefold_graph_input(onefold_graph *graph, onefold_shape shape) {
  if (!graph || graph->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  size_t elements;
  if (shape.n <= 0 || shape.c <= 0 || shape.h <= 0 || shape.w <= 0)
    return onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                                  "input shape %lldx%lldx%lldx%lld has a size "
                                                  "that is not positive",
                                                  (long long)shape.n, (long long)shape.c,
                                                  (long long)shape.h, (long long)shape.w));
  if (!onefold_shape_elements(shape, &elements))
    return onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_OVERFLOW,
                                                  "input shape %lldx%lldx%lldx%lld does not fit "
                                                  "in memory",
                                                  (long long)shape.n, (long long)shape.c,
                                                  (long long)shape.h, (long long)shape.w));
  onefold_graph_node node = {.kind = ONEFOLD_NODE_INPUT, .shape = shape};
  return onefold_graph_add_node(graph, &node, NULL, 0, NULL, 0);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  (void)inputs;
  return onefold_graph_input(to, node->shape);
}

const onefold_node_type onefold_node_type_input = {
    .name = "input",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
