// SPDX-License-Identifier: BSD-3-Clause
// Evaluates a graph in double precision, one node after the other, with the scale of the error
// that a float evaluation may have.
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>

static graph_result make_result(onefold_shape shape) {
  graph_result r = {.count = test_elements(shape)};
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
                const double w =
                    (double)
                        node->as.conv2d.weight[((o * ig + j) * p->kernel_h + a) * p->kernel_w + b];
                if (row < 0 || row >= in.h || col < 0 || col >= in.w) {
                  sum += w * 0; // NaN by a weight that is not finite
                  continue;
                }
                const int64_t from = ((n * in.c + o / og * ig + j) * in.h + row) * in.w + col;
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

static double largest_scale(const graph_result *results, int32_t count) {
  double largest = 0;
  for (int32_t i = 0; i < count; i++)
    for (size_t k = 0; k < results[i].count; k++)
      if (!(results[i].scale[k] <= largest))
        largest = isnan(results[i].scale[k]) ? INFINITY : results[i].scale[k];
  return largest;
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
    default:
      graph_eval_channels(graph, i, results);
    }
  }
  const onefold_node wanted = graph->outputs[output];
  graph_result result = results[wanted];
  result.largest = largest_scale(results, graph->node_count);
  results[wanted] = (graph_result){0};
  for (int32_t i = 0; i < graph->node_count; i++) graph_result_free(&results[i]);
  free(results);
  return result;
}
