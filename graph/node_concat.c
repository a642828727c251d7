// SPDX-License-Identifier: BSD-3-Clause
// Concat nodes: tensors joined along the channels.
#include "graph/graph.h"

onefold_node onefold_graph_concat(onefold_graph *graph, const onefold_node *inputs, size_t count) {
  if (!graph || graph->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const onefold_context *context = graph->context;
  if (!inputs || count == 0)
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "concat: %s",
                                                  inputs ? "no inputs" : "inputs is NULL"));
  onefold_graph_node node = {.kind = ONEFOLD_NODE_CONCAT};
  for (size_t i = 0; i < count; i++) {
    if (!onefold_graph_check_node(graph, inputs[i])) return ONEFOLD_NO_NODE;
    const onefold_graph_node *a = &graph->nodes[inputs[0]], *b = &graph->nodes[inputs[i]];
    const onefold_shape s = a->shape, t = b->shape;
    if (i == 0) node.shape = (onefold_shape){s.n, 0, s.h, s.w};
    if (s.n != t.n || s.h != t.h || s.w != t.w)
      return onefold_graph_fail(
          graph,
          onefold_fail(context, ONEFOLD_SHAPE_MISMATCH,
                       "concat: '%s' is %lldx%lldx%lldx%lld and '%s' is "
                       "%lldx%lldx%lldx%lld",
                       a->name, (long long)s.n, (long long)s.c, (long long)s.h, (long long)s.w,
                       b->name, (long long)t.n, (long long)t.c, (long long)t.h, (long long)t.w));
    size_t elements;
    if (__builtin_add_overflow(node.shape.c, t.c, &node.shape.c) ||
        !onefold_shape_elements(node.shape, &elements))
      return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_OVERFLOW,
                                                    "concat: %zu tensors of %lldx%lld pixels do "
                                                    "not fit in memory",
                                                    count, (long long)s.h, (long long)s.w));
  }
  return onefold_graph_add_node(graph, &node, inputs, count, NULL, 0);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_concat(to, inputs, (size_t)node->input_count);
}

const onefold_node_type onefold_node_type_concat = {
    .name = "concat",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
