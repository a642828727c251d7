// SPDX-License-Identifier: BSD-3-Clause
// Equalities between blocks: SPP and SPPF, convolutions of one input and one convolution, a 1x1
// before and behind upsampling, the points of the hard sigmoid.
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const graph_form plain = {1, ONEFOLD_NCHW, ONEFOLD_NCHW};

static size_t elements(const onefold_graph *graph) {
  const onefold_shape s = onefold_graph_shape(graph, graph->outputs[0]);
  return test_elements(s);
}

static onefold_graph *build(onefold_context *context, const char *block, const char *text) {
  onefold_block_params params;
  onefold_weights *weights;
  onefold_graph *graph;
  test_case("%s %s", block, text);
  test_ok(context, onefold_weights_seeded(context, 9, &weights));
  test_ok(context, onefold_block_params_init(context, block, &params));
  test_ok(context, onefold_block_params_set(context, &params, text));
  test_ok(context, onefold_block_build(context, block, &params, weights, &graph));
  onefold_weights_close(weights);
  return graph;
}

/// SPP of 5, 9 and 13 and three poolings of 5 in a chain are equal to the bit, also where the
/// windows are larger than the image.
static void test_spp_is_sppf(void **state) {
  onefold_context *context = test_context(test_level(state), 2);
  test_rng rng = {31};
  static const char *const texts[] = {
      "input=1x12x7x8 out_channels=10",
      "input=2x34x17x15 out_channels=6",
      "input=1x4x1x3 out_channels=4",
      "input=1x12x9x11 out_channels=5 kernel=3",
      "input=1x12x7x8 out_channels=10 kernel=7",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    onefold_graph *spp = build(context, "spp", texts[i]);
    onefold_graph *sppf = build(context, "sppf", texts[i]);
    const float *const *x = graph_random_inputs(&rng, spp);
    float **a = graph_run(context, spp, plain, x), **b = graph_run(context, sppf, plain, x);
    assert_memory_equal(a[0], b[0], elements(spp) * sizeof(float));
    free(a);
    free(b);
    free((void *)x);
    onefold_graph_destroy(sppf);
    onefold_graph_destroy(spp);
  }
  onefold_context_destroy(context);
}

static onefold_node conv(onefold_graph *graph, onefold_node input, const float *weight,
                         const float *bias, int64_t out_channels) {
  const onefold_graph_conv2d_params params = onefold_graph_conv2d_square(out_channels, 1, 1, 1);
  return onefold_graph_conv2d(graph, input, &params, weight, bias);
}

/// Whole numbers: every order of adding them up gives the same bits.
typedef struct whole {
  float x[6 * 5 * 7], weight[(8 + 11) * 6], bias[8 + 11];
} whole;

static void fill_whole(test_rng *rng, whole *w) {
  test_fill_integers(rng, w->x, sizeof w->x / sizeof *w->x, 9);
  test_fill_integers(rng, w->weight, sizeof w->weight / sizeof *w->weight, 9);
  test_fill_integers(rng, w->bias, sizeof w->bias / sizeof *w->bias, 9);
}

static void expect_equal(onefold_context *context, const onefold_graph *a, const onefold_graph *b,
                         const float *x) {
  float **p = graph_run(context, a, plain, &x), **q = graph_run(context, b, plain, &x);
  assert_int_equal(elements(a), elements(b));
  assert_int_equal(test_first_difference(p[0], q[0], elements(a)), elements(a));
  free(p);
  free(q);
}

/// Two 1x1 of one input, joined, are the 1x1 of their stacked weights; folding with `horizontal`
/// finds that out.
static void test_horizontal(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {32};
  whole w;
  fill_whole(&rng, &w);
  onefold_graph *two, *one, *fused;
  test_ok(context, onefold_graph_create(context, &two));
  onefold_node x = onefold_graph_input(two, (onefold_shape){1, 6, 5, 7});
  const onefold_node parts[2] = {
      onefold_graph_activation(two, conv(two, x, w.weight, w.bias, 8), ONEFOLD_ACT_RELU, 0),
      onefold_graph_activation(two, conv(two, x, w.weight + 48, w.bias + 8, 11), ONEFOLD_ACT_RELU,
                               0)};
  test_ok(context, onefold_graph_output(two, onefold_graph_concat(two, parts, 2)));
  test_ok(context, onefold_graph_create(context, &one));
  x = conv(one, onefold_graph_input(one, (onefold_shape){1, 6, 5, 7}), w.weight, w.bias, 19);
  test_ok(context,
          onefold_graph_output(one, onefold_graph_activation(one, x, ONEFOLD_ACT_RELU, 0)));
  expect_equal(context, two, one, w.x);
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.horizontal = 1;
  test_ok(context, onefold_fold(context, two, &options, &fused));
  assert_int_equal(graph_only(fused, ONEFOLD_NODE_CONV2D)->shape.c, 19);
  expect_equal(context, fused, one, w.x);
  onefold_graph_destroy(fused);
  onefold_graph_destroy(one);
  onefold_graph_destroy(two);
  onefold_context_destroy(context);
}

/// cv1 and cv2 of ELAN, C3 and SPPCSPC read one input: one convolution fewer.
static void test_horizontal_blocks(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {33};
  const struct {
    const char *block, *text;
    int convs;
  } cases[] = {
      {"elan", "input=1x6x7x8 out_channels=12", 7},
      {"elan_h", "input=1x6x7x8 out_channels=12", 7},
      {"c3", "input=1x6x7x8 out_channels=12 repeats=2", 7},
      {"sppcspc", "input=1x6x7x8 out_channels=12", 7},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = build(context, cases[i].block, cases[i].text), *fused;
    onefold_fold_options options;
    onefold_fold_options_init(&options);
    options.horizontal = 1;
    test_ok(context, onefold_fold(context, graph, &options, &fused));
    assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_CONV2D), cases[i].convs);
    assert_int_equal(graph_count_kind(fused, ONEFOLD_NODE_CONV2D), cases[i].convs - 1);
    const float *const *x = graph_random_inputs(&rng, graph);
    graph_result reference = graph_reference(graph, x, 0);
    float **y = graph_run(context, fused, plain, x);
    graph_expect(&reference, y[0], 2);
    free(y);
    graph_result_free(&reference);
    free((void *)x);
    onefold_graph_destroy(fused);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// A 1x1 may run before nearest upsampling instead of behind it, and folding puts it there.
static void test_upsample_1x1(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {34};
  whole w;
  fill_whole(&rng, &w);
  onefold_graph *before, *behind, *folded;
  test_ok(context, onefold_graph_create(context, &before));
  onefold_node x = onefold_graph_input(before, (onefold_shape){1, 6, 5, 7});
  x = onefold_graph_upsample(before, conv(before, x, w.weight, w.bias, 19), 2);
  test_ok(context, onefold_graph_output(before, x));
  test_ok(context, onefold_graph_create(context, &behind));
  x = onefold_graph_input(behind, (onefold_shape){1, 6, 5, 7});
  x = conv(behind, onefold_graph_upsample(behind, x, 2), w.weight, w.bias, 19);
  test_ok(context, onefold_graph_output(behind, x));
  expect_equal(context, before, behind, w.x);
  assert_int_equal(elements(before), 19 * 10 * 14);
  test_ok(context, onefold_fold(context, behind, NULL, &folded));
  expect_equal(context, before, folded, w.x);
  assert_int_equal(folded->nodes[folded->outputs[0]].kind, ONEFOLD_NODE_UPSAMPLE);
  assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->shape.h, 5);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(behind);
  onefold_graph_destroy(before);
  onefold_context_destroy(context);
}

/// relu6(z + 3)/6, alone and as the gate of RepGhost's squeeze-and-excitation.
static void test_hard_sigmoid(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const float z[6] = {-4, -3, 0, 1.5f, 3, 4}, want[6] = {0, 0, 0.5f, 0.75f, 1, 1};
  float y[6];
  test_ok(context, onefold_activate(context, (onefold_shape){1, 6, 1, 1}, ONEFOLD_NCHW,
                                    ONEFOLD_ACT_HARD_SIGMOID, 0, z, y));
  for (int i = 0; i < 6; i++) assert_true(fabsf(y[i] - want[i]) <= 1e-7f);
  onefold_graph *graph = build(context, "repghost_bottleneck",
                               "input=1x8x4x5 out_channels=8 mid_channels=12 se_hidden=4");
  assert_int_equal(graph_only(graph, ONEFOLD_NODE_SQUEEZE_EXCITE)->as.squeeze_excite.gate,
                   ONEFOLD_ACT_HARD_SIGMOID);
  onefold_graph_destroy(graph);
  graph = build(context, "mobileone", "input=1x8x4x5 out_channels=8 se_hidden=4");
  assert_int_equal(graph_only(graph, ONEFOLD_NODE_SQUEEZE_EXCITE)->as.squeeze_excite.gate,
                   ONEFOLD_ACT_SIGMOID);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spp_is_sppf),       cmocka_unit_test(test_horizontal),
      cmocka_unit_test(test_horizontal_blocks), cmocka_unit_test(test_upsample_1x1),
      cmocka_unit_test(test_hard_sigmoid),
  };
  return test_every_level("identities", tests, sizeof tests / sizeof *tests);
}
