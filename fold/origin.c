// SPDX-License-Identifier: BSD-3-Clause
// What the target's nodes were made for, and whether a region has become other nodes than it was:
// by that a pass knows what the next one has to look at again.
#include "fold/pass.h"

/// FNV-1a of 64 bits, continued from `hash`.
static uint64_t mix(uint64_t hash, const void *data, size_t size) {
  const unsigned char *bytes = data;
  // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): a node's bytes are all set
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static int has_bias(const onefold_graph_node *conv) {
  for (int64_t o = 0; conv->as.conv2d.bias && o < conv->as.conv2d.params.out_channels; o++)
    if (conv->as.conv2d.bias[o] != 0) return 1;
  return 0;
}

/// What decides how a node may be folded, but for its neighbours: its kind, sizes and window.
static uint64_t node_geometry(const onefold_graph *graph, onefold_node node) {
  const onefold_graph_node *n = &graph->nodes[node];
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int32_t k = -1; k < n->input_count; k++) {
    const onefold_graph_node *m = k < 0 ? n : &graph->nodes[n->inputs[k]];
    const int64_t sizes[] = {(int64_t)m->kind, m->shape.n, m->shape.c, m->shape.h, m->shape.w};
    hash = mix(hash, sizes, sizeof sizes);
  }
  if (n->kind != ONEFOLD_NODE_CONV2D) return hash;
  const int bias = has_bias(n);
  hash = mix(hash, &n->as.conv2d.params, sizeof n->as.conv2d.params);
  return mix(hash, &bias, sizeof bias);
}

uint64_t onefold_fold_geometry(const onefold_graph *graph) {
  uint64_t sum = (uint64_t)graph->node_count;
  for (onefold_node i = 0; i < graph->node_count; i++) sum += node_geometry(graph, i);
  return sum;
}

/// Are the target's nodes from `begin` on other ones than the region's, in whatever order?
static int has_changed(const onefold_folding *folding, onefold_node root, onefold_node begin) {
  uint64_t difference = 0;
  int32_t nodes = 0;
  for (onefold_node i = folding->regions.first[root]; i != ONEFOLD_NO_NODE;
       i = folding->regions.next[i], nodes++)
    difference += node_geometry(folding->source, i);
  for (onefold_node i = begin; i < folding->target->node_count; i++, nodes--)
    difference -= node_geometry(folding->target, i);
  return nodes != 0 || difference != 0;
}

void onefold_fold_note_origin(onefold_folding *folding, onefold_node node) {
  const onefold_origin origin = {.node = node,
                                 .changed = folding->regions.root[node] == node &&
                                            has_changed(folding, node, folding->origin_count)};
  while (folding->status == ONEFOLD_OK && folding->origin_count < folding->target->node_count) {
    if (!onefold_graph_reserve(folding->context, (void **)&folding->origin, folding->origin_count,
                               &folding->origin_capacity, sizeof *folding->origin)) {
      folding->status = onefold_fail(folding->context, ONEFOLD_OUT_OF_MEMORY,
                                     "no memory to fold '%s'", folding->source->nodes[node].name);
      return;
    }
    folding->origin[folding->origin_count++] = origin;
  }
}
