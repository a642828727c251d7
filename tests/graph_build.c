// SPDX-License-Identifier: BSD-3-Clause
// Random nodes and graphs.
#include "tests/graph_support.h"

#include <stdlib.h>

onefold_graph *graph_empty(onefold_context *context) {
  onefold_graph *graph;
  test_ok(context, onefold_graph_create(context, &graph));
  return graph;
}

onefold_graph *graph_with_input(onefold_context *context, onefold_shape shape) {
  onefold_graph *graph = graph_empty(context);
  assert_int_equal(onefold_graph_input(graph, shape), 0);
  return graph;
}

onefold_node graph_relu(onefold_graph *graph, onefold_node input) {
  return onefold_graph_activation(graph, input, ONEFOLD_ACT_RELU, 0);
}

onefold_node graph_concat(onefold_graph *graph, onefold_node first, onefold_node second) {
  return onefold_graph_concat(graph, (const onefold_node[]){first, second}, 2);
}

onefold_node graph_random_conv(test_rng *rng, onefold_graph *graph, onefold_node input,
                               const onefold_graph_conv2d_params *params, int bias) {
  const int64_t in = onefold_graph_shape(graph, input).c / params->groups;
  const size_t count = (size_t)(params->out_channels * in * params->kernel_h * params->kernel_w);
  float *values = malloc((count + (size_t)params->out_channels) * sizeof *values);
  assert_non_null(values);
  test_fill_uniform(rng, values, count + (size_t)params->out_channels);
  const onefold_node node =
      onefold_graph_conv2d(graph, input, params, values, bias ? values + count : NULL);
  free(values);
  return node;
}

onefold_node graph_random_bn(test_rng *rng, onefold_graph *graph, onefold_node input,
                             double epsilon) {
  const size_t channels = (size_t)onefold_graph_shape(graph, input).c;
  float *v = malloc(4 * channels * sizeof *v);
  assert_non_null(v);
  for (size_t c = 0; c < channels; c++) {
    v[c] = test_uniform(rng, 0.5f, 1.5f) * (test_once_in(rng, 2) ? -1.0f : 1.0f);
    v[channels + c] = test_uniform(rng, -0.5f, 0.5f);
    v[2 * channels + c] = test_uniform(rng, -0.5f, 0.5f);
    v[3 * channels + c] = test_uniform(rng, 0.5f, 1.5f);
  }
  const onefold_batch_norm_params params = {v, v + channels, v + 2 * channels, v + 3 * channels,
                                            epsilon};
  const onefold_node node = onefold_graph_batch_norm(graph, input, &params);
  free(v);
  return node;
}

onefold_node graph_random_border(test_rng *rng, onefold_graph *graph, onefold_node input) {
  const onefold_shape in = onefold_graph_shape(graph, input);
  onefold_border_params p = {.top = test_range(rng, 0, in.h > 3 ? 3 : in.h),
                             .left = test_range(rng, 0, in.w > 3 ? 3 : in.w)};
  p.bottom = test_range(rng, 0, in.h - p.top > 3 ? 3 : in.h - p.top);
  p.right = test_range(rng, 0, in.w - p.left > 3 ? 3 : in.w - p.left);
  const size_t count =
      (size_t)in.c * (size_t)(p.top + 1 + p.bottom) * (size_t)(p.left + 1 + p.right);
  float *bias = malloc(count * sizeof *bias);
  assert_non_null(bias);
  test_fill_uniform(rng, bias, count);
  p.bias = bias;
  const onefold_node node = onefold_graph_border(graph, input, &p);
  free(bias);
  return node;
}

onefold_graph *graph_mixed(onefold_context *context, test_rng *rng, onefold_shape in) {
  onefold_graph *g = graph_with_input(context, in);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(in.c, 3, 1, 1);
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(in.c, 1, 1, 1);
  const onefold_node x = 0;
  const onefold_node a = onefold_graph_activation(g, graph_random_conv(rng, g, x, &k3, 1),
                                                  ONEFOLD_ACT_LEAKY_RELU, 0.1f);
  const onefold_node b = graph_random_conv(rng, g, a, &k1, 0);
  // act(conv) + a: a residual after the activation.
  const onefold_node c = onefold_graph_sum(
      g, (const onefold_node[]){onefold_graph_activation(g, b, ONEFOLD_ACT_SILU, 0), a}, 2);
  // Three tensors and two convolutions.
  const onefold_node d =
      onefold_graph_sum(g,
                        (const onefold_node[]){c, graph_random_bn(rng, g, x, 1e-3),
                                               graph_random_conv(rng, g, c, &k1, 1), a,
                                               graph_random_conv(rng, g, x, &k3, 0)},
                        5);
  const float weights[4 * 40] = {0.5f, -0.25f, 1, 0.75f, -1, 0.125f};
  assert_true(in.c <= 40);
  const onefold_squeeze_excite_params se = {.hidden = 4,
                                            .reduce_weight = weights,
                                            .reduce_bias = weights,
                                            .expand_weight = weights,
                                            .expand_bias = weights,
                                            .gate = ONEFOLD_ACT_HARD_SIGMOID};
  const onefold_node e = onefold_graph_squeeze_excite(
      g, onefold_graph_activation(g, d, ONEFOLD_ACT_HARD_SWISH, 0), &se);
  const onefold_node f = onefold_graph_sum(g, (const onefold_node[]){e, e, x}, 3);
  test_ok(context, onefold_graph_output(g, onefold_graph_sum(g, &f, 1)));
  test_ok(context, onefold_graph_status(g));
  return g;
}

// Multiples of every channel block, and what is not.
static const int64_t channel_counts[] = {3, 8, 16, 16, 17, 32};

/// A convolution of random channels whose weights do not let values grow.
static onefold_node calm_conv(test_rng *rng, onefold_graph *g, onefold_node x, int64_t kernel) {
  const int64_t in = onefold_graph_shape(g, x).c;
  const onefold_graph_conv2d_params p =
      onefold_graph_conv2d_square(test_pick(rng, channel_counts), kernel, 1, 1);
  const size_t count = (size_t)(p.out_channels * in * kernel * kernel);
  float *values = malloc((count + (size_t)p.out_channels) * sizeof *values);
  assert_non_null(values);
  test_fill_uniform(rng, values, count + (size_t)p.out_channels);
  for (size_t i = 0; i < count; i++) values[i] *= 2 / (float)(in * kernel);
  const onefold_node node =
      onefold_graph_conv2d(g, x, &p, values, test_once_in(rng, 2) ? values + count : NULL);
  free(values);
  return node;
}

/// x and, where there are any among a few guesses, other nodes of its shape.
static onefold_node some_sum(test_rng *rng, onefold_graph *g, onefold_node x) {
  onefold_node terms[3] = {x};
  size_t count = 1;
  for (int guess = 0; guess < 12 && count < 3; guess++) {
    const onefold_node other = (onefold_node)test_range(rng, 0, x);
    const onefold_shape a = onefold_graph_shape(g, x), b = onefold_graph_shape(g, other);
    if (a.c == b.c && a.h == b.h && a.w == b.w) terms[count++] = other;
  }
  return onefold_graph_sum(g, terms, count);
}

/// Up to four nodes of one image size, at most 100 channels.
static onefold_node some_concat(test_rng *rng, onefold_graph *g, onefold_node x,
                                const onefold_node *nodes, int count) {
  onefold_node parts[4] = {x};
  size_t part_count = 1;
  int64_t channels = onefold_graph_shape(g, x).c;
  for (int i = 0; i < 3; i++) {
    const onefold_node other = nodes[test_range(rng, 0, count - 1)];
    const int64_t more = onefold_graph_shape(g, other).c;
    if (channels + more > 100) continue;
    channels += more;
    parts[part_count++] = other;
  }
  return onefold_graph_concat(g, parts, part_count);
}

static onefold_node some_slice(test_rng *rng, onefold_graph *g, onefold_node x) {
  const int64_t channels = onefold_graph_shape(g, x).c;
  int64_t begin = test_range(rng, 0, channels - 1);
  if (!test_once_in(rng, 3)) begin -= begin % 8;
  return onefold_graph_slice(g, x, begin, test_range(rng, 1, channels - begin));
}

/// Two slices that together are x, joined again.
static onefold_node parted(test_rng *rng, onefold_graph *g, onefold_node x) {
  const int64_t channels = onefold_graph_shape(g, x).c;
  if (channels == 1) return x;
  onefold_node parts[3];
  const int64_t first = test_range(rng, 1, channels - 1), sizes[2] = {first, channels - first};
  onefold_graph_split(g, x, sizes, 2, parts);
  parts[2] = calm_conv(rng, g, parts[1], 3);
  return onefold_graph_concat(g, parts, 3);
}

static onefold_node resized(test_rng *rng, onefold_graph *g, onefold_node x) {
  const onefold_pool2d_params same = onefold_pool2d_square(3, 1, 1);
  const onefold_pool2d_params pair = onefold_pool2d_square(2, 1, 0);
  const onefold_pool2d_params half = onefold_pool2d_square(2, 2, 0);
  float values[100];
  test_fill_uniform(rng, values, 100);
  const onefold_pad_params corner = {.top = 1, .left = 1, .value = values};
  switch (test_range(rng, 0, 3)) {
  case 0:
    return onefold_graph_max_pool(g, x, &same);
  case 1:
    return onefold_graph_avg_pool(g, x, &same);
  case 2:
    return onefold_graph_avg_pool(g, onefold_graph_pad(g, x, &corner), &pair);
  default:
    return onefold_graph_max_pool(g, onefold_graph_upsample(g, x, 2), &half);
  }
}

static onefold_node pointwise(test_rng *rng, onefold_graph *g, onefold_node x) {
  static const onefold_activation functions[] = {ONEFOLD_ACT_RELU, ONEFOLD_ACT_LEAKY_RELU,
                                                 ONEFOLD_ACT_SILU};
  float values[100];
  test_fill_uniform(rng, values, 100);
  switch (test_range(rng, 0, 4)) {
  case 0:
    return graph_random_bn(rng, g, x, 1e-3);
  case 1:
    return onefold_graph_scale(g, x, values, NULL);
  case 2:
    return graph_random_border(rng, g, x);
  default:
    return onefold_graph_activation(g, x, test_pick(rng, functions), 0.25f);
  }
}

onefold_graph *graph_random(onefold_context *context, test_rng *rng, onefold_shape in, int count) {
  enum { MOST = 64 };
  onefold_node nodes[MOST] = {0};
  assert_true(count <= MOST);
  onefold_graph *g = graph_with_input(context, in);
  nodes[1] = onefold_graph_input(g, (onefold_shape){in.n, 16, in.h, in.w});
  for (int i = 2; i < count; i++) {
    const onefold_node x = nodes[test_once_in(rng, 2) ? i - 1 : test_range(rng, 0, i - 1)];
    switch (test_range(rng, 0, 8)) {
    case 0:
    case 1:
      nodes[i] = calm_conv(rng, g, x, test_once_in(rng, 2) ? 3 : 1);
      break;
    case 2:
      nodes[i] = some_sum(rng, g, x);
      break;
    case 3:
      nodes[i] = some_concat(rng, g, x, nodes, i);
      break;
    case 4:
      nodes[i] = some_slice(rng, g, x);
      break;
    case 5:
      nodes[i] = parted(rng, g, x);
      break;
    case 6:
      nodes[i] = resized(rng, g, x);
      break;
    default:
      nodes[i] = pointwise(rng, g, x);
    }
    if (onefold_graph_shape(g, nodes[i]).c > 100) nodes[i] = some_slice(rng, g, nodes[i]);
    if (onefold_graph_shape(g, nodes[i]).c > 100) nodes[i] = onefold_graph_slice(g, x, 0, 1);
  }
  test_ok(context, onefold_graph_output(g, nodes[count - 1]));
  for (int64_t k = test_range(rng, 0, 3); k > 0; k--)
    test_ok(context, onefold_graph_output(g, nodes[test_range(rng, 0, count - 1)]));
  test_ok(context, onefold_graph_status(g));
  return g;
}
