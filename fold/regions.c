// SPDX-License-Identifier: BSD-3-Clause
// Finding the linear regions of a graph.
#include "fold/region.h"

/// Does `reader` take `node` into its region? The branches' level folds a batch normalisation
/// into the convolution or pooling before it, and padding into the one after it.
static int joins(const onefold_graph *graph, onefold_fold_level level, onefold_node node,
                 onefold_node reader) {
  const onefold_node_kind kind = graph->nodes[node].kind, above = graph->nodes[reader].kind;
  if (!onefold_node_is_linear(kind) || !onefold_node_is_linear(above)) return 0;
  if (level == ONEFOLD_FOLD_REGIONS) return 1;
  const int above_windows = above == ONEFOLD_NODE_CONV2D || above == ONEFOLD_NODE_AVG_POOL;
  const int scaled = kind == ONEFOLD_NODE_CONV2D || kind == ONEFOLD_NODE_AVG_POOL ||
                     kind == ONEFOLD_NODE_BATCH_NORM;
  return (above == ONEFOLD_NODE_BATCH_NORM && scaled) ||
         (above_windows && kind == ONEFOLD_NODE_PAD);
}

onefold_status onefold_regions_find(const onefold_graph *graph, onefold_fold_level level,
                                    onefold_regions *regions) {
  const size_t count = (size_t)graph->node_count;
  regions->arrays = onefold_allocate(graph->context, 5 * count * sizeof *regions->arrays);
  regions->summed = onefold_allocate(graph->context, count);
  if (!regions->arrays || !regions->summed)
    return onefold_fail(graph->context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu nodes",
                        count);
  regions->root = regions->arrays;
  regions->first = regions->arrays + count;
  regions->next = regions->arrays + 2 * count;
  onefold_node *reader = regions->arrays + 3 * count;
  int32_t *uses = regions->uses = regions->arrays + 4 * count;
  onefold_graph_count_uses(graph, uses);
  for (onefold_node i = 0; i < graph->node_count; i++) {
    reader[i] = regions->root[i] = regions->first[i] = regions->next[i] = ONEFOLD_NO_NODE;
    for (int32_t k = 0; uses[i] > 0 && k < graph->nodes[i].input_count; k++)
      reader[graph->nodes[i].inputs[k]] = i;
  }
  for (onefold_node i = graph->node_count - 1; i >= 0; i--) {
    if (!onefold_node_is_linear(graph->nodes[i].kind)) continue;
    const onefold_node r = reader[i];
    const int interior = uses[i] == 1 && r != ONEFOLD_NO_NODE && joins(graph, level, i, r);
    const onefold_node root = interior ? regions->root[r] : i;
    regions->root[i] = root;
    regions->summed[i] =
        interior && (graph->nodes[r].kind == ONEFOLD_NODE_SUM || regions->summed[r]);
    regions->next[i] = regions->first[root];
    regions->first[root] = i;
  }
  return ONEFOLD_OK;
}

void onefold_regions_destroy(const onefold_graph *graph, onefold_regions *regions) {
  onefold_release(graph->context, regions->arrays);
  onefold_release(graph->context, regions->summed);
}

int onefold_region_is_new(const onefold_regions *regions, onefold_node root,
                          const onefold_origin *origin) {
  const onefold_node first = regions->first[root];
  for (onefold_node i = first; origin && i != ONEFOLD_NO_NODE; i = regions->next[i])
    if (origin[i].node != origin[first].node) return 1;
  return !origin;
}

int onefold_region_is_open(const onefold_regions *regions, onefold_node root,
                           const onefold_origin *origin) {
  const onefold_node first = regions->first[root];
  return onefold_region_is_new(regions, root, origin) ||
         (regions->next[first] != ONEFOLD_NO_NODE && origin[first].changed);
}
