// SPDX-License-Identifier: BSD-3-Clause
// Linear nodes as affine maps.
#include "fold/leaf.h"

#include <math.h>

static onefold_leaf_fn *const leaves[ONEFOLD_NODE_KIND_COUNT] = {
#define ONEFOLD_NODE_LINEAR(id, name) [ONEFOLD_NODE_##id] = onefold_leaf_##name,
#include "graph/node_list.def"
};

onefold_leaf_fn *onefold_leaf_of(onefold_node_kind kind) {
  return leaves[kind];
}

onefold_affine *onefold_leaf_conv2d(const onefold_context *context, const onefold_graph *graph,
                                    const onefold_graph_node *node) {
  const onefold_node_conv2d *conv = &node->as.conv2d;
  return onefold_affine_conv2d(context, graph->nodes[node->inputs[0]].shape, &conv->params,
                               conv->weight, conv->bias);
}

void onefold_leaf_batch_norm_vectors(const onefold_graph_node *node, double *scale, double *shift) {
  const onefold_batch_norm_params *p = &node->as.batch_norm;
  for (int64_t c = 0; c < node->shape.c; c++) {
    const double gamma = p->gamma ? (double)p->gamma[c] : 1;
    scale[c] = gamma / sqrt((double)p->variance[c] + p->epsilon);
    shift[c] = (p->beta ? (double)p->beta[c] : 0) - (double)p->mean[c] * scale[c];
  }
}

onefold_affine *onefold_leaf_batch_norm(const onefold_context *context, const onefold_graph *graph,
                                        const onefold_graph_node *node) {
  (void)graph;
  onefold_affine *affine = onefold_affine_scale(context, node->shape, NULL, NULL);
  if (affine) onefold_leaf_batch_norm_vectors(node, affine->weight, affine->bias);
  return affine;
}

onefold_affine *onefold_leaf_sum(const onefold_context *context, const onefold_graph *graph,
                                 const onefold_graph_node *node) {
  (void)graph;
  return onefold_affine_scale(context, node->shape, NULL, NULL);
}
