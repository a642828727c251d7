// SPDX-License-Identifier: BSD-3-Clause
// Activation nodes.
#include "graph/graph.h"

#include <math.h>

onefold_node onefold_graph_activation(onefold_graph *graph, onefold_node input,
                                      onefold_activation activation, float param) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  if ((int)activation < 0 || activation >= ONEFOLD_ACT_COUNT || !isfinite(param))
    return onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                                  "activation %d with parameter %g",
                                                  (int)activation, (double)param));
  onefold_graph_node node = {.kind = ONEFOLD_NODE_ACTIVATION,
                             .shape = graph->nodes[input].shape,
                             .as.activation = {activation, param}};
  return onefold_graph_add_node(graph, &node, &input, 1, NULL, 0);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_activation(to, inputs[0], node->as.activation.function,
                                  node->as.activation.param);
}

const onefold_node_type onefold_node_type_activation = {
    .name = "activation",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
