// SPDX-License-Identifier: BSD-3-Clause
// Global mean pooling nodes.
#include "graph/graph.h"

onefold_node onefold_graph_global_pool(onefold_graph *graph, onefold_node input) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  const onefold_shape in = graph->nodes[input].shape;
  onefold_graph_node node = {.kind = ONEFOLD_NODE_GLOBAL_POOL, .shape = {in.n, in.c, 1, 1}};
  return onefold_graph_add_node(graph, &node, &input, 1, NULL, 0);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  (void)node;
  return onefold_graph_global_pool(to, inputs[0]);
}

const onefold_node_type onefold_node_type_global_pool = {
    .name = "global_pool",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
