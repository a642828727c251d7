// SPDX-License-Identifier: BSD-3-Clause
// Which nodes are done by the steps of their reader: by the epilogue of a convolution, or by the
// chain of convolutions that a sum becomes.
#include "graph/lower.h"

/// Can the last step of a node apply an activation?
static int takes_activation(const onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  if (n->kind == ONEFOLD_NODE_SUM) return onefold_lower_plan_sum(lowering, node).links > 0;
  if (n->kind == ONEFOLD_NODE_BORDER) return lowering->into[n->inputs[0]] == node;
  return n->kind == ONEFOLD_NODE_CONV2D || n->kind == ONEFOLD_NODE_SQUEEZE_EXCITE;
}

/// Can the first step of a node add the constant of a border? A scaled residual leaves no room.
static int takes_constant(const onefold_lowering *lowering, onefold_node node) {
  if (lowering->graph->nodes[node].kind != ONEFOLD_NODE_SUM)
    return lowering->graph->nodes[node].kind == ONEFOLD_NODE_CONV2D;
  const onefold_sum_plan plan = onefold_lower_plan_sum(lowering, node);
  return plan.links > 0 && plan.scaled == ONEFOLD_NO_NODE;
}

static void absorb_terms(onefold_lowering *lowering, onefold_node sum) {
  const onefold_graph_node *n = &lowering->graph->nodes[sum];
  const onefold_sum_plan plan = onefold_lower_plan_sum(lowering, sum);
  for (int32_t k = 0; k < n->input_count; k++)
    if (onefold_lower_is_link(lowering, n->inputs[k])) lowering->into[n->inputs[k]] = sum;
  if (plan.scaled != ONEFOLD_NO_NODE) lowering->into[plan.scaled] = sum;
  if (plan.activated != ONEFOLD_NO_NODE) lowering->into[plan.activated] = sum;
}

/// Operands come before their readers, so that what has gone into an operand is known.
void onefold_lower_absorb(onefold_lowering *lowering) {
  for (int32_t i = 0; i < lowering->graph->node_count; i++) {
    const onefold_graph_node *n = &lowering->graph->nodes[i];
    if (lowering->uses[i] == 0) continue;
    if (n->kind == ONEFOLD_NODE_SUM) absorb_terms(lowering, i);
    if (n->kind != ONEFOLD_NODE_BORDER && n->kind != ONEFOLD_NODE_ACTIVATION) continue;
    const onefold_node input = n->inputs[0];
    const int takes = n->kind == ONEFOLD_NODE_BORDER ? takes_constant(lowering, input)
                                                     : takes_activation(lowering, input);
    if (takes && lowering->uses[input] == 1) lowering->into[input] = i;
  }
}
