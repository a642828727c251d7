// SPDX-License-Identifier: BSD-3-Clause
// The part of the reference that moves, pools, pads and joins channels.
#include "tests/graph_support.h"

#include <math.h>

/// Where an element of an NCHW tensor is.
static size_t offset_of(onefold_shape s, int64_t n, int64_t c, int64_t y, int64_t x) {
  return (size_t)(((n * s.c + c) * s.h + y) * s.w + x);
}

/// y[to] = x[from], with its scale.
static void take(graph_result *y, size_t to, const graph_result *x, size_t from) {
  y->value[to] = x->value[from];
  y->scale[to] = x->scale[from];
}

static void eval_concat(const onefold_graph *graph, const onefold_graph_node *node,
                        const graph_result *results, graph_result *y) {
  const onefold_shape s = node->shape;
  int64_t begin = 0;
  for (int32_t k = 0; k < node->input_count; k++) {
    const onefold_shape part = graph->nodes[node->inputs[k]].shape;
    const graph_result *x = &results[node->inputs[k]];
    const size_t image = (size_t)(part.c * part.h * part.w);
    for (int64_t n = 0; n < s.n; n++)
      for (size_t i = 0; i < image; i++)
        take(y, offset_of(s, n, begin, 0, 0) + i, x, (size_t)n * image + i);
    begin += part.c;
    if (x->products > y->products) y->products = x->products;
  }
}

static void eval_slice(const onefold_graph_node *node, onefold_shape in, const graph_result *x,
                       graph_result *y) {
  const onefold_shape s = node->shape;
  const size_t image = (size_t)(s.c * s.h * s.w);
  for (int64_t n = 0; n < s.n; n++)
    for (size_t i = 0; i < image; i++)
      take(y, (size_t)n * image + i, x, offset_of(in, n, node->as.slice_begin, 0, 0) + i);
  y->products = x->products;
}

static void eval_pad(const onefold_graph_node *node, onefold_shape in, const graph_result *x,
                     graph_result *y) {
  const onefold_pad_params *p = &node->as.pad;
  const onefold_shape s = node->shape;
  size_t to = 0;
  for (int64_t n = 0; n < s.n; n++)
    for (int64_t c = 0; c < s.c; c++)
      for (int64_t u = -p->top; u < in.h + p->bottom; u++)
        for (int64_t v = -p->left; v < in.w + p->right; v++, to++)
          if (u >= 0 && u < in.h && v >= 0 && v < in.w) {
            take(y, to, x, offset_of(in, n, c, u, v));
          } else {
            y->value[to] = p->value ? (double)p->value[c] : 0;
            y->scale[to] = fabs(y->value[to]);
          }
  y->products = x->products;
}

/// Class of a row or column of a border node.
static int64_t border_class(int64_t i, int64_t size, int64_t before, int64_t after) {
  const int64_t from_end = size - 1 - i;
  if (i < before) return i;
  return from_end < after ? before + after - from_end : before;
}

static void eval_border(const onefold_graph_node *node, const graph_result *x, graph_result *y) {
  const onefold_border_params *p = &node->as.border;
  const onefold_shape s = node->shape;
  const int64_t rows = p->top + 1 + p->bottom, columns = p->left + 1 + p->right;
  size_t to = 0;
  for (int64_t n = 0; n < s.n; n++)
    for (int64_t c = 0; c < s.c; c++)
      for (int64_t u = 0; u < s.h; u++)
        for (int64_t v = 0; v < s.w; v++, to++) {
          const int64_t r = border_class(u, s.h, p->top, p->bottom);
          const int64_t q = border_class(v, s.w, p->left, p->right);
          const double bias = (double)p->bias[(c * rows + r) * columns + q];
          y->value[to] = x->value[to] + bias;
          y->scale[to] = x->scale[to] + fabs(bias);
        }
  y->products = x->products + 1;
}

/// One window of a pooling; padding is what lies outside the image, and nothing lies beyond it.
static void eval_window(const onefold_pool2d_params *p, int max, onefold_shape in,
                        const graph_result *x, int64_t n, int64_t c, int64_t top, int64_t left,
                        double *value, double *scale) {
  int64_t counted = 0;
  double sum = 0, sum_scale = 0, most = -INFINITY, most_scale = 0;
  for (int64_t u = top; u < top + p->kernel_h; u++)
    for (int64_t v = left; v < left + p->kernel_w; v++) {
      const int inside = u >= 0 && u < in.h && v >= 0 && v < in.w;
      counted +=
          inside || (p->count_include_pad && u < in.h + p->pad_bottom && v < in.w + p->pad_right);
      if (!inside) continue;
      const size_t from = offset_of(in, n, c, u, v);
      sum += x->value[from];
      sum_scale += x->scale[from];
      // What is not a number stays that.
      if (!isnan(most) && !(x->value[from] <= most)) most = x->value[from];
      if (!isnan(most_scale) && !(x->scale[from] <= most_scale)) most_scale = x->scale[from];
    }
  const double divisor = (double)(p->divisor ? p->divisor : counted);
  *value = max ? most : sum / divisor;
  *scale = max ? most_scale : sum_scale / divisor;
}

static void eval_pool(const onefold_graph_node *node, onefold_shape in, const graph_result *x,
                      graph_result *y) {
  const onefold_pool2d_params *p = &node->as.pool;
  const int max = node->kind == ONEFOLD_NODE_MAX_POOL;
  const onefold_shape s = node->shape;
  size_t to = 0;
  for (int64_t n = 0; n < s.n; n++)
    for (int64_t c = 0; c < s.c; c++)
      for (int64_t u = 0; u < s.h; u++)
        for (int64_t v = 0; v < s.w; v++, to++)
          eval_window(p, max, in, x, n, c, u * p->stride_h - p->pad_top,
                      v * p->stride_w - p->pad_left, &y->value[to], &y->scale[to]);
  y->products = x->products + (max ? 0 : (double)(p->kernel_h * p->kernel_w));
}

static void eval_global_pool(onefold_shape in, const graph_result *x, graph_result *y) {
  const size_t plane = (size_t)(in.h * in.w);
  for (size_t i = 0; i < y->count * plane; i++) {
    y->value[i / plane] += x->value[i] / (double)plane;
    y->scale[i / plane] += x->scale[i] / (double)plane;
  }
  y->products = x->products + (double)plane;
}

static void eval_upsample(const onefold_graph_node *node, onefold_shape in, const graph_result *x,
                          graph_result *y) {
  const onefold_shape s = node->shape;
  const int64_t factor = node->as.upsample_factor;
  size_t to = 0;
  for (int64_t n = 0; n < s.n; n++)
    for (int64_t c = 0; c < s.c; c++)
      for (int64_t u = 0; u < s.h; u++)
        for (int64_t v = 0; v < s.w; v++, to++)
          take(y, to, x, offset_of(in, n, c, u / factor, v / factor));
  y->products = x->products;
}

void graph_eval_channels(const onefold_graph *graph, onefold_node node, graph_result *results) {
  const onefold_graph_node *n = &graph->nodes[node];
  graph_result *y = &results[node];
  assert_true(n->input_count > 0);
  const graph_result *x = &results[n->inputs[0]];
  const onefold_shape in = graph->nodes[n->inputs[0]].shape;
  switch (n->kind) {
  case ONEFOLD_NODE_BORDER:
    eval_border(n, x, y);
    break;
  case ONEFOLD_NODE_PAD:
    eval_pad(n, in, x, y);
    break;
  case ONEFOLD_NODE_CONCAT:
    eval_concat(graph, n, results, y);
    break;
  case ONEFOLD_NODE_SLICE:
    eval_slice(n, in, x, y);
    break;
  case ONEFOLD_NODE_AVG_POOL:
  case ONEFOLD_NODE_MAX_POOL:
    eval_pool(n, in, x, y);
    break;
  case ONEFOLD_NODE_GLOBAL_POOL:
    eval_global_pool(in, x, y);
    break;
  case ONEFOLD_NODE_UPSAMPLE:
    eval_upsample(n, in, x, y);
    break;
  default:
    test_failed("no reference for node kind %d", (int)n->kind);
  }
}
