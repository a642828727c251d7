// SPDX-License-Identifier: BSD-3-Clause
// Lowering of the nodes that neither multiply nor apply a function: concat, slice, padding,
// pooling, upsampling.
#include "graph/lower.h"

int32_t onefold_lower_concat(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const int32_t dst = onefold_emit_value(lowering, n->shape, ONEFOLD_BLOCKED);
  int64_t to = 0;
  for (int32_t k = 0; k < n->input_count; k++) {
    const int64_t count = lowering->graph->nodes[n->inputs[k]].shape.c;
    const int32_t src = onefold_lower_operand(lowering, n->inputs[k]);
    const onefold_channel_copy copy = {0, to, count, count};
    onefold_emit_copy(lowering, n->name, &copy, src, dst);
    to += count;
  }
  return dst;
}

int32_t onefold_lower_slice(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const int32_t src = onefold_lower_operand(lowering, n->inputs[0]);
  const onefold_channel_copy copy = {n->as.slice_begin, 0, n->shape.c,
                                     lowering->graph->nodes[n->inputs[0]].shape.c};
  return onefold_emit_copy(lowering, n->name, &copy, src,
                           onefold_emit_value(lowering, n->shape, ONEFOLD_BLOCKED));
}

int32_t onefold_lower_pad(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  return onefold_emit_pad(lowering, n->name, &n->as.pad, n->shape,
                          onefold_lower_operand(lowering, n->inputs[0]));
}

int32_t onefold_lower_avg_pool(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  return onefold_emit_pool(lowering, n->name, ONEFOLD_POOL_MEAN, &n->as.pool, n->shape,
                           onefold_lower_operand(lowering, n->inputs[0]));
}

int32_t onefold_lower_max_pool(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  return onefold_emit_pool(lowering, n->name, ONEFOLD_POOL_MAX, &n->as.pool, n->shape,
                           onefold_lower_operand(lowering, n->inputs[0]));
}

int32_t onefold_lower_global_pool(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  return onefold_emit_mean(lowering, n->name, onefold_lower_operand(lowering, n->inputs[0]));
}

int32_t onefold_lower_upsample(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  return onefold_emit_upsample(lowering, n->name, n->as.upsample_factor, n->shape,
                               onefold_lower_operand(lowering, n->inputs[0]));
}
