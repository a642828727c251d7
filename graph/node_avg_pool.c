// SPDX-License-Identifier: BSD-3-Clause
// Mean pooling nodes, and what they share with maximum pooling.
#include "graph/graph.h"

onefold_node onefold_node_add_pool(onefold_graph *graph, onefold_node_kind kind, onefold_node input,
                                   const onefold_pool2d_params *params) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  const onefold_context *context = graph->context;
  if (!params)
    return onefold_graph_fail(graph,
                              onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: params is NULL",
                                           onefold_node_type_of(kind)->name));
  onefold_graph_node node = {.kind = kind, .as.pool = *params};
  const onefold_status status =
      onefold_pool2d_output_shape(context, graph->nodes[input].shape, params, &node.shape);
  if (status != ONEFOLD_OK) return onefold_graph_fail(graph, status);
  size_t elements;
  if (!onefold_shape_elements(node.shape, &elements))
    return onefold_graph_fail(graph,
                              onefold_fail(context, ONEFOLD_OVERFLOW,
                                           "%s: a result of %lldx%lldx%lldx%lld does not "
                                           "fit in memory",
                                           onefold_node_type_of(kind)->name,
                                           (long long)node.shape.n, (long long)node.shape.c,
                                           (long long)node.shape.h, (long long)node.shape.w));
  return onefold_graph_add_node(graph, &node, &input, 1, NULL, 0);
}

onefold_node onefold_graph_avg_pool(onefold_graph *graph, onefold_node input,
                                    const onefold_pool2d_params *params) {
  return onefold_node_add_pool(graph, ONEFOLD_NODE_AVG_POOL, input, params);
}

/// As a depthwise convolution.
static double macs(const onefold_graph *graph, const onefold_graph_node *node) {
  (void)graph;
  return (double)node->as.pool.kernel_h * (double)node->as.pool.kernel_w * (double)node->shape.n *
         (double)node->shape.c * (double)node->shape.h * (double)node->shape.w;
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_avg_pool(to, inputs[0], &node->as.pool);
}

const onefold_node_type onefold_node_type_avg_pool = {
    .name = "avg_pool",
    .parameters = onefold_node_no_parameters,
    .macs = macs,
    .copy = copy,
};
