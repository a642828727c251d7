// SPDX-License-Identifier: BSD-3-Clause
// A graph that is one convolution with its activation, as a descriptor and weights.
#include "graph/graph.h"

onefold_status onefold_graph_as_conv2d(const onefold_graph *graph, onefold_conv2d_desc *desc,
                                       onefold_conv2d_weights *weights) {
  if (!graph) return ONEFOLD_INVALID_ARGUMENT;
  if (!desc || !weights)
    return onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        desc ? "weights" : "desc");
  if (graph->status != ONEFOLD_OK)
    return onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                        "the graph is incomplete: building it failed (%s)",
                        onefold_status_name(graph->status));
  if (graph->output_count != 1)
    return onefold_fail(graph->context, ONEFOLD_UNSUPPORTED, "the graph has %d outputs, not 1",
                        (int)graph->output_count);
  const onefold_graph_node *node = &graph->nodes[graph->outputs[0]];
  onefold_node_activation activation = {ONEFOLD_ACT_NONE, 0};
  if (node->kind == ONEFOLD_NODE_ACTIVATION) {
    activation = node->as.activation;
    node = &graph->nodes[node->inputs[0]];
  }
  if (node->kind != ONEFOLD_NODE_CONV2D || graph->nodes[node->inputs[0]].kind != ONEFOLD_NODE_INPUT)
    return onefold_fail(graph->context, ONEFOLD_UNSUPPORTED,
                        "the graph is not one convolution: its result is that of %s \"%s\"",
                        onefold_node_type_of(node->kind)->name, node->name);
  onefold_node_conv2d_desc(graph, node, desc);
  desc->activation = activation.function;
  desc->activation_param = activation.param;
  *weights =
      (onefold_conv2d_weights){.weight = node->as.conv2d.weight, .bias = node->as.conv2d.bias};
  return ONEFOLD_OK;
}
