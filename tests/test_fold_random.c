// SPDX-License-Identifier: BSD-3-Clause
// Folding of random graphs that are made like re-parameterised networks: branches of one node with
// any windows, strides, dilations, paddings, crops and groups; pools of one node; necks of
// upsampled images; and convolutions side by side. Each is held to its reference in double
// precision.
#include "tests/graph_support.h"

#include <stdlib.h>

// Times the bound for a float evaluation: room for a border that cancels a bias where every pixel
// is near the edge.
#define BOUND 64

static onefold_context *context;

typedef struct maker {
  test_rng rng;
  onefold_graph *graph;
} maker;

static int once_in(maker *m, int n) {
  return test_once_in(&m->rng, n);
}

static int64_t range(maker *m, int64_t low, int64_t high) {
  return high < low ? low : test_range(&m->rng, low, high);
}

static onefold_shape shape_of(const maker *m, onefold_node node) {
  return onefold_graph_shape(m->graph, node);
}

/// 1, all that there may be, or any number between.
static int64_t some_groups(maker *m, int64_t a, int64_t b) {
  int64_t groups = once_in(m, 2) ? 1 : range(m, 1, a < b ? a : b);
  if (once_in(m, 3)) groups = a < b ? a : b;
  while (a % groups || b % groups) groups--;
  return groups;
}

/// A window of one direction that makes `out` pixels of `in`. Zero where a few guesses give none.
static int some_window(maker *m, int64_t in, int64_t out, int64_t stride, int64_t *kernel,
                       int64_t *dilation, int64_t *before, int64_t *after) {
  for (int guess = 0; guess < 20; guess++) {
    *kernel = once_in(m, 3) ? 1 : range(m, 1, 5);
    *dilation = once_in(m, 3) ? range(m, 1, 4) : 1;
    const int64_t span = *dilation * (*kernel - 1);
    const int64_t pads = (out - 1) * stride + span + 1 - in + range(m, 0, stride - 1);
    if (pads > 2 * span) continue; // a window would lie in the padding alone
    const int64_t least = pads - span > -3 ? pads - span : -3;
    *before = once_in(m, 2) && pads % 2 == 0 ? pads / 2 : range(m, least, span);
    *after = pads - *before;
    if (*after <= span && *before + in > 0 && *after + in > 0 && in + pads > span) return 1;
  }
  return 0;
}

/// A convolution with a result of that shape; `x` itself where there is none.
static onefold_node some_conv(maker *m, onefold_node x, onefold_shape out,
                              const int64_t stride[2]) {
  const onefold_shape in = shape_of(m, x);
  onefold_graph_conv2d_params p = {.out_channels = out.c,
                                   .stride_h = stride[0],
                                   .stride_w = stride[1],
                                   .groups = some_groups(m, in.c, out.c)};
  if (!some_window(m, in.h, out.h, p.stride_h, &p.kernel_h, &p.dilation_h, &p.pad_top,
                   &p.pad_bottom) ||
      !some_window(m, in.w, out.w, p.stride_w, &p.kernel_w, &p.dilation_w, &p.pad_left,
                   &p.pad_right))
    return x;
  return graph_random_conv(&m->rng, m->graph, x, &p, once_in(m, 2));
}

static onefold_node some_activation(maker *m, onefold_node x) {
  static const onefold_activation all[] = {ONEFOLD_ACT_RELU, ONEFOLD_ACT_LEAKY_RELU,
                                           ONEFOLD_ACT_SILU};
  return onefold_graph_activation(m->graph, x, test_pick(&m->rng, all), 0.25f);
}

/// The channels in two parts, which change places.
static onefold_node swapped(maker *m, onefold_node x) {
  const int64_t channels = shape_of(m, x).c, first = range(m, 1, channels - 1);
  if (channels < 2) return x;
  const onefold_node back = onefold_graph_slice(m->graph, x, 0, first);
  const onefold_node front = onefold_graph_slice(m->graph, x, first, channels - first);
  return graph_concat(
      m->graph, once_in(m, 2) ? graph_random_bn(&m->rng, m->graph, front, 1e-3) : front, back);
}

/// A linear node of the same shape, or a few.
static onefold_node some_linear(maker *m, onefold_node x) {
  static const int64_t ones[2] = {1, 1};
  const float values[64] = {0.5f, -1, 0.25f};
  const onefold_pad_params pad = {range(m, 0, 2), range(m, 0, 2), range(m, 0, 2), range(m, 0, 2),
                                  once_in(m, 2) ? values : NULL};
  const onefold_pool2d_params pool = onefold_pool2d_square(3, 1, 1);
  const onefold_shape s = shape_of(m, x);
  onefold_node padded;
  switch (range(m, 0, 7)) {
  case 0:
  case 1:
    return graph_random_bn(&m->rng, m->graph, x, 1e-3);
  case 2:
    return graph_random_border(&m->rng, m->graph, x);
  case 3:
    return onefold_graph_sum(m->graph, (const onefold_node[]){x, x}, (size_t)range(m, 1, 2));
  case 4:
    return swapped(m, x);
  case 5:
    padded = some_conv(m, onefold_graph_pad(m->graph, x, &pad), s, ones);
    return shape_of(m, padded).h == s.h && shape_of(m, padded).w == s.w ? padded : x;
  case 6:
    return s.h < 2 || s.w < 2 ? x : onefold_graph_avg_pool(m->graph, x, &pool);
  default:
    return some_conv(m, x, s, ones);
  }
}

static onefold_node some_branch(maker *m, onefold_node x, onefold_shape out,
                                const int64_t stride[2]) {
  const onefold_shape in = shape_of(m, x);
  for (int64_t k = range(m, 0, 2); k > 0; k--) x = some_linear(m, x);
  if (once_in(m, 3)) {
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(range(m, 1, 8), 1, 1, 1);
    x = graph_random_conv(&m->rng, m->graph, x, &p, once_in(m, 2));
  }
  const int same = shape_of(m, x).c == out.c && in.h == out.h && in.w == out.w;
  if (!same || stride[0] > 1 || stride[1] > 1 || !once_in(m, 3)) x = some_conv(m, x, out, stride);
  for (int64_t k = range(m, 0, 2); k > 0; k--) x = some_linear(m, x);
  return once_in(m, 8) ? some_activation(m, x) : x;
}

/// A sum or a concatenation of branches, some of them twice.
static onefold_node some_branches(maker *m, onefold_node x) {
  const onefold_shape in = shape_of(m, x);
  const int64_t stride[2] = {once_in(m, 4) ? 2 : 1, once_in(m, 4) ? range(m, 1, 3) : 1};
  const int joined = once_in(m, 5), resized = once_in(m, 3);
  onefold_shape out = {in.n, once_in(m, 2) ? in.c : range(m, 1, 12), in.h, in.w};
  if (stride[0] > 1 || resized) out.h = range(m, 1, in.h / stride[0] + 2);
  if (stride[1] > 1 || resized) out.w = range(m, 1, in.w / stride[1] + 2);
  onefold_node terms[8];
  size_t count = 0;
  for (int64_t k = range(m, 1, 4); k > 0; k--) {
    terms[count] = some_branch(m, x, out, stride);
    const onefold_shape s = shape_of(m, terms[count]);
    if (s.h != out.h || s.w != out.w || (s.c != out.c && !joined)) continue;
    if (once_in(m, 8)) {
      terms[count + 1] = terms[count];
      count++;
    }
    count++;
  }
  if (count == 0) return x;
  x = joined ? onefold_graph_concat(m->graph, terms, count)
             : onefold_graph_sum(m->graph, terms, count);
  if (once_in(m, 2)) x = graph_random_bn(&m->rng, m->graph, x, 1e-3);
  return once_in(m, 2) ? some_activation(m, x) : x;
}

/// Max pools of one node that keep its size, with windows even and odd.
static onefold_node some_pools(maker *m, onefold_node x) {
  onefold_node parts[4] = {x};
  size_t count = 1;
  for (int64_t k = range(m, 1, 3); k > 0; k--) {
    onefold_pool2d_params p = onefold_pool2d_square(1, 1, 0);
    p.kernel_h = range(m, 1, 7);
    p.kernel_w = range(m, 1, 7);
    p.pad_top = (p.kernel_h - once_in(m, 2)) / 2;
    p.pad_left = (p.kernel_w - once_in(m, 2)) / 2;
    p.pad_bottom = p.kernel_h - 1 - p.pad_top;
    p.pad_right = p.kernel_w - 1 - p.pad_left;
    parts[count++] = onefold_graph_max_pool(m->graph, x, &p);
  }
  return onefold_graph_concat(m->graph, parts, count);
}

/// 1x1 convolutions of an upsampled image, alone or joined with an image of that size.
static onefold_node some_neck(maker *m, onefold_node x) {
  onefold_node up = onefold_graph_upsample(m->graph, x, range(m, 2, 3));
  if (once_in(m, 2)) up = graph_concat(m->graph, some_activation(m, up), up);
  onefold_node heads[3];
  const int64_t channels = range(m, 1, 12), count = range(m, 1, 3);
  for (int64_t k = 0; k < count; k++) {
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(channels, 1, 1, 1);
    heads[k] = graph_random_conv(&m->rng, m->graph, up, &p, once_in(m, 2));
    if (once_in(m, 2)) heads[k] = some_activation(m, heads[k]);
  }
  return onefold_graph_sum(m->graph, heads, (size_t)count);
}

/// Convolutions of one geometry, most with one activation.
static onefold_node some_neighbours(maker *m, onefold_node x) {
  onefold_node parts[4];
  const int64_t kernel = 2 * range(m, 0, 1) + 1, count = range(m, 2, 4);
  for (int64_t k = 0; k < count; k++) {
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(range(m, 1, 8), kernel, 1, 1);
    parts[k] = graph_random_conv(&m->rng, m->graph, x, &p, once_in(m, 2));
    if (once_in(m, 3)) parts[k] = graph_random_bn(&m->rng, m->graph, parts[k], 1e-3);
    if (!once_in(m, 4)) parts[k] = graph_relu(m->graph, parts[k]);
    if (once_in(m, 6)) test_ok(context, onefold_graph_output(m->graph, parts[k]));
  }
  return onefold_graph_concat(m->graph, parts, (size_t)count);
}

static void make(maker *m) {
  const onefold_shape in = {range(m, 1, 2), once_in(m, 4) ? 1 : range(m, 1, 18), range(m, 1, 9),
                            range(m, 1, 9)};
  m->graph = graph_with_input(context, in);
  onefold_node x = 0;
  for (int64_t k = range(m, 1, 3); k > 0; k--) {
    static onefold_node (*const parts[])(maker * m, onefold_node x) = {
        some_branches, some_branches, some_branches, some_pools, some_neck, some_neighbours};
    x = test_pick(&m->rng, parts)(m, x);
    if (shape_of(m, x).c > 24)
      x = onefold_graph_slice(m->graph, x, range(m, 0, 5), range(m, 1, 18));
    if (once_in(m, 6)) test_ok(context, onefold_graph_output(m->graph, x));
  }
  test_ok(context, onefold_graph_output(m->graph, x));
  test_ok(context, onefold_graph_status(m->graph));
}

/// Holds what a fold gives to the source's reference. Folding again changes nothing.
static void check(maker *m, onefold_fold_options options) {
  onefold_graph *folded = graph_fold_with(context, m->graph, options, NULL);
  onefold_graph *again = graph_fold_with(context, folded, options, NULL);
  graph_expect_same(folded, again);
  const graph_form form = {!once_in(m, 4), ONEFOLD_NCHW, ONEFOLD_NCHW};
  const float *const *x = graph_random_inputs(&m->rng, m->graph);
  float **y = graph_run(context, folded, form, x);
  for (int32_t k = 0; k < m->graph->output_count; k++) {
    graph_result reference = graph_reference(m->graph, x, k);
    graph_expect(&reference, y[k], BOUND);
    graph_result_free(&reference);
  }
  free(y);
  free((void *)x);
  onefold_graph_destroy(again);
  onefold_graph_destroy(folded);
}

static void test_networks(void **state) {
  (void)state;
  const int count = test_scaled(600);
  for (int i = 0; i < count; i++) {
    maker m = {.rng = {UINT64_C(9100) + (uint64_t)i}};
    make(&m);
    onefold_fold_options options;
    onefold_fold_options_init(&options);
    options.force = once_in(&m, 4);
    options.border = !once_in(&m, 4);
    options.horizontal = once_in(&m, 3);
    if (once_in(&m, 3)) options.level = ONEFOLD_FOLD_BATCH_NORM;
    test_case("network %d: level %d, force %d, border %d, horizontal %d", i, (int)options.level,
              (int)options.force, (int)options.border, (int)options.horizontal);
    check(&m, options);
    onefold_graph_destroy(m.graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_networks)};
  // Strict, because the bound of the reference is one of single products.
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .accuracy = ONEFOLD_ACCURACY_STRICT};
  test_ok(NULL, onefold_context_create(&options, &context));
  const int failed = cmocka_run_group_tests_name("fold_random", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
