// SPDX-License-Identifier: BSD-3-Clause
// Evaluates a graph in double precision, one node after the other, with the scale of the error
// that a float evaluation may have.
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>

static graph_result make_result(onefold_shape shape) {
  graph_result r = {.count = (size_t)(shape.n * shape.c * shape.h * shape.w)};
  r.value = calloc(r.count, sizeof *r.value);
  r.scale = calloc(r.count, sizeof *r.scale);
  assert_non_null(r.value);
  assert_non_null(r.scale);
  return r;
}

void graph_result_free(graph_result *result) {
  free(result->value);
  free(result->scale);
  *result = (graph_result){0};
}

static void eval_conv2d(const onefold_graph_node *node, onefold_shape in, const graph_result *x,
                        graph_result *y) {
  const onefold_graph_conv2d_params *p = &node->as.conv2d.params;
  const int64_t ig = in.c / p->groups, og = p->out_channels / p->groups;
  const onefold_shape out = node->shape;
  size_t at = 0;
  for (int64_t n = 0; n < out.n; n++)
    for (int64_t o = 0; o < out.c; o++)
      for (int64_t u = 0; u < out.h; u++)
        for (int64_t v = 0; v < out.w; v++, at++) {
          double sum = node->as.conv2d.bias ? (double)node->as.conv2d.bias[o] : 0;
          double scale = fabs(sum);
          for (int64_t j = 0; j < ig; j++)
            for (int64_t a = 0; a < p->kernel_h; a++)
              for (int64_t b = 0; b < p->kernel_w; b++) {
                const int64_t row = u * p->stride_h + a * p->dilation_h - p->pad_top;
                const int64_t col = v * p->stride_w + b * p->dilation_w - p->pad_left;
                if (row < 0 || row >= in.h || col < 0 || col >= in.w) continue;
                const int64_t from = ((n * in.c + o / og * ig + j) * in.h + row) * in.w + col;
                const double w =
                    (double)
                        node->as.conv2d.weight[((o * ig + j) * p->kernel_h + a) * p->kernel_w + b];
                sum += w * x->value[from];
                scale += fabs(w) * x->scale[from];
              }
          y->value[at] = sum;
          y->scale[at] = scale;
        }
  y->products = x->products + (double)(ig * p->kernel_h * p->kernel_w);
}

static void eval_batch_norm(const onefold_graph_node *node, const graph_result *x,
                            graph_result *y) {
  const onefold_batch_norm_params *p = &node->as.batch_norm;
  const int64_t plane = node->shape.h * node->shape.w;
  for (size_t i = 0; i < y->count; i++) {
    const int64_t c = (int64_t)i / plane % node->shape.c;
    const double t =
        (p->gamma ? (double)p->gamma[c] : 1) / sqrt((double)p->variance[c] + p->epsilon);
    const double beta = p->beta ? (double)p->beta[c] : 0;
    y->value[i] = t * (x->value[i] - (double)p->mean[c]) + beta;
    y->scale[i] = fabs(t) * (x->scale[i] + fabs((double)p->mean[c])) + fabs(beta);
  }
  y->products = x->products + 1;
}

static void eval_sum(const onefold_graph_node *node, const graph_result *results, graph_result *y) {
  for (int32_t k = 0; k < node->input_count; k++) {
    const graph_result *x = &results[node->inputs[k]];
    for (size_t i = 0; i < y->count; i++) {
      y->value[i] += x->value[i];
      y->scale[i] += x->scale[i];
    }
    y->products += x->products;
  }
}

static void eval_activation(const onefold_graph_node *node, const graph_result *x,
                            graph_result *y) {
  const onefold_node_activation *act = &node->as.activation;
  const double slope = test_activation_slope(act->function, (double)act->param);
  for (size_t i = 0; i < y->count; i++) {
    y->value[i] = test_activation(act->function, (double)act->param, x->value[i]);
    y->scale[i] = slope * x->scale[i] + fabs(y->value[i]);
  }
  y->products = x->products;
}

/// One fully connected layer of an image's channels: value and scale.
static void linear(const float *weight, const float *bias, int64_t in, int64_t out,
                   onefold_activation activation, const double *x, const double *s, double *y,
                   double *t) {
  for (int64_t o = 0; o < out; o++) {
    double sum = bias ? (double)bias[o] : 0, scale = fabs(sum);
    for (int64_t i = 0; i < in; i++) {
      sum += (double)weight[o * in + i] * x[i];
      scale += fabs((double)weight[o * in + i]) * s[i];
    }
    y[o] = test_activation(activation, 0, sum);
    t[o] = test_activation_slope(activation, 0) * scale + fabs(y[o]);
  }
}

static void eval_squeeze_excite(const onefold_graph_node *node, const graph_result *x,
                                graph_result *y) {
  const onefold_squeeze_excite_params *p = &node->as.squeeze_excite;
  const int64_t channels = node->shape.c, plane = node->shape.h * node->shape.w;
  double *buffer = calloc((size_t)(4 * channels + 2 * p->hidden), sizeof *buffer);
  assert_non_null(buffer);
  double *mean = buffer, *mean_scale = mean + channels, *gate = mean_scale + channels;
  double *gate_scale = gate + channels, *hidden = gate_scale + channels;
  double *hidden_scale = hidden + p->hidden;
  for (int64_t n = 0; n < node->shape.n; n++) {
    const size_t image = (size_t)(n * channels * plane);
    for (int64_t c = 0; c < channels; c++) {
      mean[c] = mean_scale[c] = 0;
      for (int64_t i = 0; i < plane; i++) {
        mean[c] += x->value[image + (size_t)(c * plane + i)] / (double)plane;
        mean_scale[c] += x->scale[image + (size_t)(c * plane + i)] / (double)plane;
      }
    }
    linear(p->reduce_weight, p->reduce_bias, channels, p->hidden, ONEFOLD_ACT_RELU, mean,
           mean_scale, hidden, hidden_scale);
    linear(p->expand_weight, p->expand_bias, p->hidden, channels, p->gate, hidden, hidden_scale,
           gate, gate_scale);
    for (int64_t i = 0; i < channels * plane; i++) {
      const size_t at = image + (size_t)i;
      y->value[at] = x->value[at] * gate[i / plane];
      y->scale[at] =
          fabs(gate[i / plane]) * x->scale[at] + fabs(x->value[at]) * gate_scale[i / plane];
    }
  }
  y->products = x->products + (double)(plane + channels + p->hidden);
  free(buffer);
}

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
      if (x->value[from] > most) most = x->value[from];
      if (x->scale[from] > most_scale) most_scale = x->scale[from];
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

graph_result graph_reference(const onefold_graph *graph, const float *const *inputs,
                             int32_t output) {
  graph_result *results = calloc((size_t)graph->node_count, sizeof *results);
  assert_non_null(results);
  int32_t next_input = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    const onefold_graph_node *node = &graph->nodes[i];
    graph_result *y = &results[i];
    const onefold_node source = node->input_count ? node->inputs[0] : i;
    const graph_result *x = &results[source];
    const onefold_shape in = graph->nodes[source].shape;
    *y = make_result(node->shape);
    switch (node->kind) {
    case ONEFOLD_NODE_INPUT:
      for (size_t k = 0; k < y->count; k++) {
        y->value[k] = (double)inputs[next_input][k];
        y->scale[k] = fabs(y->value[k]);
      }
      next_input++;
      break;
    case ONEFOLD_NODE_CONV2D:
      eval_conv2d(node, in, x, y);
      break;
    case ONEFOLD_NODE_BATCH_NORM:
      eval_batch_norm(node, x, y);
      break;
    case ONEFOLD_NODE_SUM:
      eval_sum(node, results, y);
      break;
    case ONEFOLD_NODE_ACTIVATION:
      eval_activation(node, x, y);
      break;
    case ONEFOLD_NODE_SQUEEZE_EXCITE:
      eval_squeeze_excite(node, x, y);
      break;
    case ONEFOLD_NODE_BORDER:
      eval_border(node, x, y);
      break;
    case ONEFOLD_NODE_PAD:
      eval_pad(node, in, x, y);
      break;
    case ONEFOLD_NODE_CONCAT:
      eval_concat(graph, node, results, y);
      break;
    case ONEFOLD_NODE_SLICE:
      eval_slice(node, in, x, y);
      break;
    case ONEFOLD_NODE_AVG_POOL:
    case ONEFOLD_NODE_MAX_POOL:
      eval_pool(node, in, x, y);
      break;
    case ONEFOLD_NODE_GLOBAL_POOL:
      eval_global_pool(in, x, y);
      break;
    case ONEFOLD_NODE_UPSAMPLE:
      eval_upsample(node, in, x, y);
      break;
    default:
      test_failed("no reference for node kind %d", (int)node->kind);
    }
  }
  const onefold_node wanted = graph->outputs[output];
  const graph_result result = results[wanted];
  results[wanted] = (graph_result){0};
  for (int32_t i = 0; i < graph->node_count; i++) graph_result_free(&results[i]);
  free(results);
  return result;
}
