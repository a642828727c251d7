// SPDX-License-Identifier: BSD-3-Clause
// Maximum pooling nodes.
#include "graph/graph.h"

onefold_node onefold_graph_max_pool(onefold_graph *graph, onefold_node input,
                                    const onefold_pool2d_params *params) {
  return onefold_node_add_pool(graph, ONEFOLD_NODE_MAX_POOL, input, params);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_max_pool(to, inputs[0], &node->as.pool);
}

const onefold_node_type onefold_node_type_max_pool = {
    .name = "max_pool",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
