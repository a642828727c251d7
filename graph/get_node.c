// SPDX-License-Identifier: BSD-3-Clause
// A graph's nodes as others may read them.
#include "graph/graph.h"

/// What the node's kind has.
static void fill(const onefold_graph_node *node, onefold_node_info *info) {
  switch (node->kind) {
  case ONEFOLD_NODE_CONV2D:
    info->conv2d = &node->as.conv2d.params;
    info->fixed = node->as.conv2d.fixed;
    info->weight = node->as.conv2d.weight;
    info->bias = node->as.conv2d.bias;
    break;
  case ONEFOLD_NODE_BATCH_NORM:
    info->batch_norm = &node->as.batch_norm;
    break;
  case ONEFOLD_NODE_ACTIVATION:
    info->activation = node->as.activation.function;
    info->activation_param = node->as.activation.param;
    break;
  case ONEFOLD_NODE_SQUEEZE_EXCITE:
    info->squeeze_excite = &node->as.squeeze_excite;
    break;
  case ONEFOLD_NODE_BORDER:
    info->border = &node->as.border;
    break;
  case ONEFOLD_NODE_PAD:
    info->pad = &node->as.pad;
    break;
  case ONEFOLD_NODE_AVG_POOL:
  case ONEFOLD_NODE_MAX_POOL:
    info->pool = &node->as.pool;
    break;
  case ONEFOLD_NODE_SLICE:
    info->slice_begin = node->as.slice_begin;
    break;
  case ONEFOLD_NODE_UPSAMPLE:
    info->upsample_factor = node->as.upsample_factor;
    break;
  case ONEFOLD_NODE_INPUT:
  case ONEFOLD_NODE_SUM:
  case ONEFOLD_NODE_CONCAT:
  case ONEFOLD_NODE_GLOBAL_POOL:
  case ONEFOLD_NODE_KIND_COUNT:
    break;
  }
}

onefold_status onefold_graph_get_node(const onefold_graph *graph, onefold_node node,
                                      onefold_node_info *info) {
  if (!graph) return ONEFOLD_INVALID_ARGUMENT;
  if (!info) return onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT, "info is NULL");
  if (node < 0 || node >= graph->node_count)
    return onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT, "node %d of %d", (int)node,
                        (int)graph->node_count);
  const onefold_graph_node *n = &graph->nodes[node];
  *info = (onefold_node_info){.kind = onefold_node_type_of(n->kind)->name,
                              .name = n->name,
                              .inputs = n->inputs,
                              .input_count = (size_t)n->input_count,
                              .shape = n->shape};
  fill(n, info);
  return ONEFOLD_OK;
}
