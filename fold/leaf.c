// SPDX-License-Identifier: BSD-3-Clause
// Linear nodes as affine maps.
#include "fold/leaf.h"

#include "ops/batch_norm.h"

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

onefold_affine *onefold_leaf_batch_norm(const onefold_context *context, const onefold_graph *graph,
                                        const onefold_graph_node *node) {
  (void)graph;
  onefold_affine *affine = onefold_affine_scale(context, node->shape, NULL, NULL);
  for (int64_t c = 0; affine && c < node->shape.c; c++)
    onefold_batch_norm_channel(&node->as.batch_norm, (size_t)c, &affine->weight[c],
                               &affine->bias[c]);
  return affine;
}

/// Non-zero when the divisor of some window is not that of the others.
static int divisor_varies(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t before,
                          int64_t after, int counts_padding) {
  const int64_t low = -before, high = (out - 1) * stride - before + kernel;
  return counts_padding ? high > in + after : low < 0 || high > in;
}

onefold_fold_verdict onefold_leaf_verdict(const onefold_graph *graph,
                                          const onefold_graph_node *node) {
  if (node->kind == ONEFOLD_NODE_BATCH_NORM && !node->as.batch_norm.mean)
    return ONEFOLD_FOLD_BN_NO_STATS;
  if (node->kind != ONEFOLD_NODE_AVG_POOL) return ONEFOLD_FOLD_EXACT;
  const onefold_pool2d_params *p = &node->as.pool;
  const onefold_shape in = graph->nodes[node->inputs[0]].shape, out = node->shape;
  const int varies = divisor_varies(in.h, out.h, p->kernel_h, p->stride_h, p->pad_top,
                                    p->pad_bottom, p->count_include_pad) ||
                     divisor_varies(in.w, out.w, p->kernel_w, p->stride_w, p->pad_left,
                                    p->pad_right, p->count_include_pad);
  return varies && p->divisor == 0 ? ONEFOLD_FOLD_NOT_TI : ONEFOLD_FOLD_EXACT;
}

/// One channel a group, windows as given, zero weights and border.
static onefold_affine *per_channel(const onefold_context *context, int64_t channels, onefold_axis h,
                                   onefold_axis w, onefold_ring ring) {
  const onefold_affine geometry = {.in_channels = channels,
                                   .out_channels = channels,
                                   .groups = channels,
                                   .h = h,
                                   .w = w,
                                   .ring = ring};
  return onefold_affine_create(context, &geometry);
}

static onefold_axis pool_axis(int64_t in, int64_t out, int64_t kernel, int64_t stride,
                              int64_t before) {
  return (onefold_axis){in, out, stride, -before, kernel > 1, kernel};
}

onefold_affine *onefold_leaf_avg_pool(const onefold_context *context, const onefold_graph *graph,
                                      const onefold_graph_node *node) {
  const onefold_pool2d_params *p = &node->as.pool;
  const onefold_shape in = graph->nodes[node->inputs[0]].shape, out = node->shape;
  onefold_affine *affine =
      per_channel(context, in.c, pool_axis(in.h, out.h, p->kernel_h, p->stride_h, p->pad_top),
                  pool_axis(in.w, out.w, p->kernel_w, p->stride_w, p->pad_left), (onefold_ring){0});
  const size_t count = affine ? onefold_affine_weights(affine) : 0;
  const double divisor = (double)(p->divisor ? p->divisor : p->kernel_h * p->kernel_w);
  for (size_t i = 0; i < count; i++) affine->weight[i] = 1 / divisor;
  return affine;
}

onefold_affine *onefold_leaf_border(const onefold_context *context, const onefold_graph *graph,
                                    const onefold_graph_node *node) {
  (void)graph;
  const onefold_border_params *p = &node->as.border;
  const onefold_shape s = node->shape;
  const onefold_axis h = {s.h, s.h, 1, 0, 0, 1}, w = {s.w, s.w, 1, 0, 0, 1};
  const onefold_ring ring = {p->top, p->bottom, p->left, p->right};
  onefold_affine *affine = per_channel(context, s.c, h, w, ring);
  if (!affine) return NULL;
  // The class of the pixels between the edges is a bias; the border is what the others differ by.
  const int64_t cols = onefold_ring_cols(&ring), classes = onefold_ring_rows(&ring) * cols;
  const int inner = p->top + p->bottom < s.h && p->left + p->right < s.w;
  for (int64_t c = 0; c < s.c; c++) {
    const float *values = p->bias + c * classes;
    affine->weight[c] = 1;
    if (inner) affine->bias[c] = (double)values[p->top * cols + p->left];
    for (int64_t i = 0; affine->border && i < classes; i++) {
      const int empty = onefold_ring_position(i / cols, s.h, p->top, p->bottom) < 0 ||
                        onefold_ring_position(i % cols, s.w, p->left, p->right) < 0;
      affine->border[c * classes + i] = empty ? 0 : (double)values[i] - affine->bias[c];
    }
  }
  return affine;
}

/// Outside the image the identity gives 0, so the constants are its border.
onefold_affine *onefold_leaf_pad(const onefold_context *context, const onefold_graph *graph,
                                 const onefold_graph_node *node) {
  const onefold_pad_params *p = &node->as.pad;
  const onefold_shape in = graph->nodes[node->inputs[0]].shape, out = node->shape;
  const onefold_ring ring = {p->top, p->bottom, p->left, p->right}, none = {0};
  onefold_affine *affine =
      per_channel(context, in.c, (onefold_axis){in.h, out.h, 1, -p->top, 0, 1},
                  (onefold_axis){in.w, out.w, 1, -p->left, 0, 1}, p->value ? ring : none);
  if (!affine) return NULL;
  const int64_t rows = onefold_ring_rows(&affine->ring), cols = onefold_ring_cols(&affine->ring);
  for (int64_t c = 0; c < in.c; c++) {
    affine->weight[c] = 1;
    for (int64_t i = 0; p->value && affine->border && i < rows * cols; i++)
      if (i / cols != p->top || i % cols != p->left)
        affine->border[c * rows * cols + i] = (double)p->value[c];
  }
  return affine;
}

onefold_affine *onefold_leaf_slice(const onefold_context *context, const onefold_graph *graph,
                                   const onefold_graph_node *node) {
  const onefold_shape in = graph->nodes[node->inputs[0]].shape;
  const onefold_affine geometry = {.in_channels = in.c,
                                   .out_channels = node->shape.c,
                                   .groups = 1,
                                   .h = {in.h, in.h, 1, 0, 0, 1},
                                   .w = {in.w, in.w, 1, 0, 0, 1}};
  onefold_affine *affine = onefold_affine_create(context, &geometry);
  for (int64_t o = 0; affine && o < node->shape.c; o++)
    affine->weight[o * in.c + node->as.slice_begin + o] = 1;
  return affine;
}
