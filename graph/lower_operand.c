// SPDX-License-Identifier: BSD-3-Clause
// What the steps of a node read, what they may overwrite, and the activation that they apply.
#include "graph/lower.h"

int32_t onefold_lower_operand(onefold_lowering *lowering, onefold_node node) {
  if (lowering->value[node] == ONEFOLD_NO_VALUE && lowering->plain[node] != ONEFOLD_NO_VALUE)
    lowering->value[node] = onefold_emit_reorder(lowering, lowering->graph->nodes[node].name,
                                                 lowering->plain[node], ONEFOLD_BLOCKED);
  return lowering->value[node];
}

/// Non-zero when every reader of the node is a convolution in one group.
static int only_convs_read(const onefold_graph *graph, onefold_node node) {
  for (int32_t i = 0; i < graph->node_count; i++)
    for (int32_t k = 0; k < graph->nodes[i].input_count; k++)
      if (graph->nodes[i].inputs[k] == node && (graph->nodes[i].kind != ONEFOLD_NODE_CONV2D ||
                                                graph->nodes[i].as.conv2d.params.groups != 1))
        return 0;
  return 1;
}

int32_t onefold_lower_conv_source(onefold_lowering *lowering, onefold_node conv) {
  const onefold_node input = lowering->graph->nodes[conv].inputs[0];
  if (lowering->fused && lowering->plain[input] != ONEFOLD_NO_VALUE &&
      lowering->graph->nodes[input].shape.c < onefold_context_block(lowering->exec->context) &&
      only_convs_read(lowering->graph, input))
    return lowering->plain[input];
  return onefold_lower_operand(lowering, input);
}

void onefold_lower_set_conv(onefold_lowering *lowering, onefold_node node,
                            onefold_emit_conv *conv) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  conv->name = n->name;
  conv->weight = n->as.conv2d.weight;
  conv->bias = n->as.conv2d.bias;
  conv->src = onefold_lower_conv_source(lowering, node);
  onefold_node_conv2d_desc(lowering->graph, n, &conv->desc);
}

int32_t onefold_lower_in_place(onefold_lowering *lowering, onefold_node operand) {
  const int32_t value = onefold_lower_operand(lowering, operand);
  if (value == ONEFOLD_NO_VALUE || lowering->uses[operand] != 1 ||
      lowering->exec->values[value].input >= 0 || lowering->exec->values[value].shared)
    return ONEFOLD_NO_VALUE;
  return value;
}

onefold_node_activation onefold_lower_absorbed_activation(const onefold_lowering *lowering,
                                                          onefold_node node) {
  const onefold_node into = lowering->into[node];
  const onefold_graph_node *n = &lowering->graph->nodes[into];
  if (into != node && n->kind == ONEFOLD_NODE_ACTIVATION) return n->as.activation;
  if (into != node && n->kind == ONEFOLD_NODE_BORDER)
    return onefold_lower_absorbed_activation(lowering, into);
  return (onefold_node_activation){ONEFOLD_ACT_NONE, 0};
}
