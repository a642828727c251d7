// SPDX-License-Identifier: BSD-3-Clause
// Sums of tensors of one shape.
#include "graph/graph.h"

static int same_shape(onefold_shape a, onefold_shape b) {
  return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

onefold_node onefold_graph_sum(onefold_graph *graph, const onefold_node *inputs, size_t count) {
  if (!graph || graph->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  if (!inputs || count == 0)
    return onefold_graph_fail(graph,
                              onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT, "sum: %s",
                                           inputs ? "no inputs" : "inputs is NULL"));
  for (size_t i = 0; i < count; i++) {
    if (!onefold_graph_check_node(graph, inputs[i])) return ONEFOLD_NO_NODE;
    const onefold_shape a = graph->nodes[inputs[0]].shape, b = graph->nodes[inputs[i]].shape;
    if (!same_shape(a, b))
      return onefold_graph_fail(
          graph, onefold_fail(graph->context, ONEFOLD_SHAPE_MISMATCH,
                              "sum: '%s' is %lldx%lldx%lldx%lld and '%s' is %lldx%lldx%lldx%lld",
                              graph->nodes[inputs[0]].name, (long long)a.n, (long long)a.c,
                              (long long)a.h, (long long)a.w, graph->nodes[inputs[i]].name,
                              (long long)b.n, (long long)b.c, (long long)b.h, (long long)b.w));
  }
  onefold_graph_node node = {.kind = ONEFOLD_NODE_SUM, .shape = graph->nodes[inputs[0]].shape};
  return onefold_graph_add_node(graph, &node, inputs, count, NULL, 0);
}

onefold_node onefold_graph_identity(onefold_graph *graph, onefold_node input) {
  return onefold_graph_sum(graph, &input, 1);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_sum(to, inputs, (size_t)node->input_count);
}

const onefold_node_type onefold_node_type_sum = {
    .name = "sum",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
