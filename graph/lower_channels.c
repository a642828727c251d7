// SPDX-License-Identifier: BSD-3-Clause
// Lowering of concat, slice, padding, pooling and upsampling. Parts of a concat are written
// where they belong, and slices read where they are, as far as the channel blocks allow it.
#include "graph/lower.h"

/// Parts from `first` on that are slices of one node, one after the other, and together all of
/// it; 1 where there is no such run.
static int32_t parts_of_whole(const onefold_graph *graph, const onefold_graph_node *concat,
                              int32_t first, onefold_node *whole) {
  *whole = concat->inputs[first];
  const onefold_graph_node *slice = &graph->nodes[*whole];
  if (slice->kind != ONEFOLD_NODE_SLICE) return 1;
  const onefold_node source = slice->inputs[0];
  int64_t channels = 0;
  for (int32_t k = first; k < concat->input_count; k++) {
    const onefold_graph_node *part = &graph->nodes[concat->inputs[k]];
    if (part->kind != ONEFOLD_NODE_SLICE || part->inputs[0] != source ||
        part->as.slice_begin != channels)
      return 1;
    channels += part->shape.c;
    if (channels < graph->nodes[source].shape.c) continue;
    *whole = source;
    return k + 1 - first;
  }
  return 1;
}

/// Makes the value of a part a view of the concat's, so that its producer writes there; `shared`
/// where others read it. Zero where that cannot be.
static int place_part(onefold_lowering *lowering, onefold_node part, int shared, int32_t dst,
                      int64_t to) {
  const onefold_shape s = lowering->graph->nodes[part].shape;
  const int32_t value = onefold_lower_operand(lowering, part);
  if (!lowering->fused || lowering->copies_parts || value == ONEFOLD_NO_VALUE ||
      dst == ONEFOLD_NO_VALUE)
    return 0;
  onefold_value *v = &lowering->exec->values[value], *all = &lowering->exec->values[dst];
  const int64_t block = onefold_context_block(lowering->exec->context), end = to + s.c;
  if (to % block || (end % block && end < all->shape.c) || v->input >= 0 ||
      v->parent != ONEFOLD_NO_VALUE)
    return 0;
  v->parent = dst;
  v->offset = (size_t)(to * s.h * s.w) * sizeof(float);
  all->shared |= shared || v->shared;
  return 1;
}

int32_t onefold_lower_concat(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph *graph = lowering->graph;
  const onefold_graph_node *n = &graph->nodes[node];
  const int32_t dst = onefold_emit_value(lowering, n->shape, ONEFOLD_BLOCKED);
  int64_t to = 0;
  for (int32_t k = 0; k < n->input_count;) {
    onefold_node part;
    const int32_t parts = parts_of_whole(graph, n, k, &part);
    const int64_t count = graph->nodes[part].shape.c;
    const int shared = part != n->inputs[k] || lowering->uses[part] > 1;
    if (!place_part(lowering, part, shared, dst, to)) {
      const onefold_channel_copy copy = {0, to, count, count};
      onefold_emit_copy(lowering, n->name, &copy, onefold_lower_operand(lowering, part), dst);
    }
    k += parts;
    to += count;
  }
  return dst;
}

int32_t onefold_lower_slice(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const int32_t src = onefold_lower_operand(lowering, n->inputs[0]);
  const int64_t begin = n->as.slice_begin;
  const int64_t channels = lowering->graph->nodes[n->inputs[0]].shape.c;
  if (!lowering->copies_parts && begin % onefold_context_block(lowering->exec->context) == 0)
    return onefold_emit_view(lowering, src, begin, n->shape);
  const onefold_channel_copy copy = {begin, 0, n->shape.c, channels};
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
