// SPDX-License-Identifier: BSD-3-Clause
// Graphs whose nodes move, pool, pad and join channels.
#include "tests/graph_support.h"

#include <stdlib.h>

/// Declares the output, checks every form, and destroys the graph.
static void finish(onefold_context *context, onefold_graph *graph, onefold_node node,
                   test_rng *rng) {
  test_ok(context, onefold_graph_output(graph, node));
  graph_check_random(context, graph, rng);
  onefold_graph_destroy(graph);
}

static const int64_t channel_counts[] = {1, 3, 8, 15, 16, 17, 32, 33};
enum { CHANNEL_COUNTS = sizeof channel_counts / sizeof *channel_counts };

typedef onefold_node build_fn(onefold_graph *graph, onefold_node x, test_rng *rng);

/// A node on random images between two activations.
static void check_node(void **state, const char *what, uint64_t seed, build_fn *build) {
  onefold_context *context = test_context(test_level(state), 2);
  test_rng rng = {seed};
  for (int64_t batch = 1; batch <= 2; batch++)
    for (int i = 0; i < CHANNEL_COUNTS; i++) {
      const onefold_shape in = {batch, channel_counts[i], test_range(&rng, 3, 9),
                                test_range(&rng, 3, 9)};
      test_case("%s of %lldx%lldx%lldx%lld", what, (long long)in.n, (long long)in.c,
                (long long)in.h, (long long)in.w);
      onefold_graph *g = graph_with_input(context, in);
      const onefold_node x = onefold_graph_activation(g, 0, ONEFOLD_ACT_LEAKY_RELU, 0.5f);
      const onefold_node y = build(g, x, &rng);
      finish(context, g, onefold_graph_activation(g, y, ONEFOLD_ACT_RELU, 0), &rng);
    }
  onefold_context_destroy(context);
}

static onefold_pool2d_params random_pool(onefold_shape in, test_rng *rng) {
  onefold_pool2d_params p = {.kernel_h = test_range(rng, 1, in.h),
                             .kernel_w = test_range(rng, 1, in.w),
                             .stride_h = test_range(rng, 1, 3),
                             .stride_w = test_range(rng, 1, 3),
                             .ceil_mode = (int32_t)test_range(rng, 0, 1),
                             .count_include_pad = (int32_t)test_range(rng, 0, 1)};
  p.pad_top = test_range(rng, 0, p.kernel_h / 2);
  p.pad_bottom = test_range(rng, 0, p.kernel_h / 2);
  p.pad_left = test_range(rng, 0, p.kernel_w / 2);
  p.pad_right = test_range(rng, 0, p.kernel_w / 2);
  return p;
}

static onefold_node build_max_pool(onefold_graph *g, onefold_node x, test_rng *rng) {
  const onefold_pool2d_params p = random_pool(onefold_graph_shape(g, x), rng);
  return onefold_graph_max_pool(g, x, &p);
}

static onefold_node build_avg_pool(onefold_graph *g, onefold_node x, test_rng *rng) {
  onefold_pool2d_params p = random_pool(onefold_graph_shape(g, x), rng);
  p.divisor = test_once_in(rng, 4) ? 5 : 0;
  return onefold_graph_avg_pool(g, x, &p);
}

static onefold_node build_global_pool(onefold_graph *g, onefold_node x, test_rng *rng) {
  (void)rng;
  return onefold_graph_global_pool(g, x);
}

static onefold_node build_upsample(onefold_graph *g, onefold_node x, test_rng *rng) {
  return onefold_graph_upsample(g, x, test_range(rng, 1, 3));
}

static onefold_node build_slice(onefold_graph *g, onefold_node x, test_rng *rng) {
  const int64_t channels = onefold_graph_shape(g, x).c;
  const int64_t begin = test_range(rng, 0, channels - 1);
  return onefold_graph_slice(g, x, begin, test_range(rng, 1, channels - begin));
}

static onefold_node build_concat(onefold_graph *g, onefold_node x, test_rng *rng) {
  const onefold_graph_conv2d_params k3 =
      onefold_graph_conv2d_square(test_pick(rng, channel_counts), 3, 1, 1);
  const onefold_node conv = graph_random_conv(rng, g, x, &k3, 1);
  const onefold_node parts[] = {x, conv, build_slice(g, x, rng), x, build_slice(g, conv, rng)};
  return onefold_graph_concat(g, parts, (size_t)test_range(rng, 1, 5));
}

static onefold_node build_pad(onefold_graph *g, onefold_node x, test_rng *rng) {
  float values[64];
  test_fill_uniform(rng, values, 64);
  const onefold_pad_params p = {test_range(rng, 0, 3), test_range(rng, 0, 3), test_range(rng, 0, 3),
                                test_range(rng, 0, 3), test_once_in(rng, 3) ? NULL : values};
  return onefold_graph_pad(g, x, &p);
}

static onefold_node build_linear(onefold_graph *g, onefold_node x, test_rng *rng) {
  const onefold_shape in = onefold_graph_shape(g, x);
  const int64_t out = test_pick(rng, channel_counts);
  const size_t count = (size_t)(out * in.c * in.h * in.w);
  float *values = malloc((count + (size_t)out) * sizeof *values);
  assert_non_null(values);
  test_fill_uniform(rng, values, count + (size_t)out);
  const onefold_node node = onefold_graph_linear(g, x, out, values, values + count);
  free(values);
  return node;
}

static onefold_node build_scale(onefold_graph *g, onefold_node x, test_rng *rng) {
  float values[128];
  test_fill_uniform(rng, values, 128);
  return onefold_graph_scale(g, onefold_graph_identity(g, x), values,
                             test_once_in(rng, 2) ? values + 64 : NULL);
}

#define NODE(name, seed)                                                                           \
  static void test_##name(void **state) {                                                          \
    check_node(state, #name, seed, build_##name);                                                  \
  }
NODE(max_pool, 80)
NODE(avg_pool, 81)
NODE(global_pool, 82)
NODE(upsample, 83)
NODE(slice, 84)
NODE(concat, 85)
NODE(pad, 86)
NODE(linear, 88)
NODE(scale, 89)

static onefold_node build_border(onefold_graph *g, onefold_node x, test_rng *rng) {
  return graph_random_border(rng, g, x);
}
NODE(border, 87)

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_max_pool),    cmocka_unit_test(test_avg_pool),
      cmocka_unit_test(test_global_pool), cmocka_unit_test(test_upsample),
      cmocka_unit_test(test_slice),       cmocka_unit_test(test_concat),
      cmocka_unit_test(test_pad),         cmocka_unit_test(test_border),
      cmocka_unit_test(test_linear),      cmocka_unit_test(test_scale),
  };
  return test_every_level("graph_channels", tests, sizeof tests / sizeof *tests);
}
