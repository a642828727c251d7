// SPDX-License-Identifier: BSD-3-Clause
// Oracles of folding: where padding stands, what a border is, offsets of even kernels, residuals;
// and over every block, that a fold writes into nothing and gives the same bits again.
#include "fold/pass.h"
#include "tests/block_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const graph_form plain = {1, ONEFOLD_NCHW, ONEFOLD_NCHW};

static onefold_graph *build(onefold_context *context, const char *block, const char *text) {
  onefold_weights *weights;
  onefold_graph *graph;
  test_case("%s %s", block, text);
  test_ok(context, onefold_weights_seeded(context, 17, &weights));
  const onefold_block_params p = block_params(context, block, text);
  test_ok(context, onefold_block_build(context, block, &p, weights, &graph));
  onefold_weights_close(weights);
  return graph;
}

/// 6x6 with stride 2 and padding 2 reads from -2 to +3.
static void test_even_offsets(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {81};
  onefold_graph *graph =
      build(context, "conv_bn", "input=1x3x8x9 out_channels=5 kernel=6 stride=2 padding=2");
  onefold_affine *map = onefold_fold_map(context, graph);
  assert_non_null(map);
  assert_int_equal(map->h.lo, -2);
  assert_int_equal(onefold_axis_hi(&map->h), 3);
  assert_int_equal(map->w.lo, -2);
  assert_int_equal(onefold_axis_hi(&map->w), 3);
  graph_check_random(context, graph, &rng);
  onefold_affine_destroy(context, map);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

// ----------------------------------------------------------------- padding in a stack

/// A stack of 3x3 convolutions of 2 channels, with the given padding before each; no biases.
static onefold_graph *stack(onefold_context *context, const int64_t *pads, int layers) {
  test_rng rng = {82};
  onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 2, 8, 9});
  onefold_node node = 0;
  for (int k = 0; k < layers; k++) {
    onefold_graph_conv2d_params p = onefold_graph_conv2d_square(2, 3, 1, 1);
    p.pad_top = p.pad_bottom = p.pad_left = p.pad_right = pads[k] > 2 ? 2 : pads[k];
    if (pads[k] > 2) {
      const int64_t rest = pads[k] - 2;
      const onefold_pad_params pad = {rest, rest, rest, rest, NULL};
      node = onefold_graph_pad(graph, node, &pad);
    }
    node = graph_random_conv(&rng, graph, node, &p, 0);
  }
  test_ok(context, onefold_graph_output(graph, node));
  return graph;
}

/// All padding before the first layer is one convolution everywhere; padding before each differs
/// from that in a ring of as many pixels as are padded later, and nowhere else.
static void test_ring(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {83};
  for (int layers = 2; layers <= 3; layers++) {
    const int64_t each[3] = {1, 1, 1}, first[3] = {layers, 0, 0};
    onefold_graph *spread = stack(context, each, layers), *whole = stack(context, first, layers);
    onefold_fold_options options;
    onefold_fold_options_init(&options);
    options.force = 1;
    graph_report report;
    onefold_graph *one = graph_fold_with(context, whole, options, &report);
    assert_int_equal(report.regions[0].verdict, ONEFOLD_FOLD_EXACT);
    assert_int_equal(graph_only(one, ONEFOLD_NODE_CONV2D)->as.conv2d.params.kernel_h,
                     2 * layers + 1);
    onefold_graph_destroy(graph_fold_with(context, spread, options, &report));
    assert_int_equal(report.regions[0].verdict, ONEFOLD_FOLD_INEXACT_DATA);

    const float *const *x = graph_random_inputs(&rng, whole);
    graph_result a = graph_reference(spread, x, 0), b = graph_reference(whole, x, 0);
    float **y = graph_run(context, one, plain, x);
    graph_expect(&b, y[0], 2);
    const int64_t ring = layers - 1;
    int differ = 0;
    for (int64_t k = 0; k < 2 * 8 * 9; k++) {
      const int64_t u = k / 9 % 8, v = k % 9;
      const int inside = u >= ring && u < 8 - ring && v >= ring && v < 9 - ring;
      const double difference = fabs(a.value[k] - b.value[k]) / b.scale[k];
      if (inside && difference > 1e-12) test_failed("pixel (%d, %d) differs", (int)u, (int)v);
      differ += !inside && difference > 1e-4;
    }
    assert_true(differ > 2 * (8 * 9 - (8 - 2 * ring) * (9 - 2 * ring)) * 9 / 10);
    free(y);
    free((void *)x);
    graph_result_free(&a);
    graph_result_free(&b);
    onefold_graph_destroy(one);
    onefold_graph_destroy(whole);
    onefold_graph_destroy(spread);
  }
  onefold_context_destroy(context);
}

/// 1x1 of weight 2 and bias 3, zero padding, 3x3 of ones, on ones: the folded convolution alone
/// is wrong in the ring by the biases that it counts there, and its border takes them away.
static void test_border_alone(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const float weight = 2, bias = 3, ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, *image = ones;
  const float naive[9] = {35, 39, 35, 39, 45, 39, 35, 39, 35};
  const float border[9] = {-15, -9, -15, -9, 0, -9, -15, -9, -15};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 1, 1, 1);
  const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(1, 3, 1, 1);
  onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 1, 3, 3});
  onefold_node node = onefold_graph_conv2d(graph, 0, &p, &weight, &bias);
  node = onefold_graph_conv2d(graph, node, &q, ones, NULL);
  test_ok(context, onefold_graph_output(graph, node));
  onefold_graph *folded = graph_fold(context, graph, NULL);
  const onefold_node_conv2d *conv = &graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d;
  const onefold_border_params *ring = &graph_only(folded, ONEFOLD_NODE_BORDER)->as.border;
  assert_int_equal((ring->top + 1 + ring->bottom) * (ring->left + 1 + ring->right), 9);
  assert_memory_equal(ring->bias, border, sizeof border);
  onefold_graph *alone = graph_with_input(context, (onefold_shape){1, 1, 3, 3});
  node = onefold_graph_conv2d(alone, 0, &conv->params, conv->weight, conv->bias);
  test_ok(context, onefold_graph_output(alone, node));
  float **y = graph_run(context, alone, plain, &image);
  assert_memory_equal(y[0], naive, sizeof naive);
  free(y);
  onefold_graph_destroy(alone);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

/// The same graph with zeros where it pads with constants.
static onefold_graph *with_zero_padding(onefold_context *context, const onefold_graph *graph) {
  onefold_graph *to;
  onefold_node map[64], inputs[8];
  test_ok(context, onefold_graph_create(context, &to));
  assert_true(graph->node_count <= 64);
  for (onefold_node i = 0; i < graph->node_count; i++) {
    const onefold_graph_node *node = &graph->nodes[i];
    assert_true(node->input_count <= 8);
    for (int32_t k = 0; k < node->input_count; k++) inputs[k] = map[node->inputs[k]];
    onefold_pad_params pad = node->as.pad;
    pad.value = NULL;
    map[i] = node->kind == ONEFOLD_NODE_PAD ? onefold_graph_pad(to, inputs[0], &pad)
                                            : onefold_graph_copy_node(to, graph, i, inputs);
  }
  test_ok(context, onefold_graph_output(to, map[graph->outputs[0]]));
  return to;
}

/// A Diverse Branch Block that pads with zeros is another function: on the ring of the padding,
/// and nowhere else. Both fold, one to a convolution, the other to one with a border.
static void test_dbb_padding(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {84};
  static const char *const texts[] = {
      "input=1x6x7x8 out_channels=5 activation=none",
      "input=1x6x9x8 out_channels=4 groups=2 kernel=5 activation=none",
  };
  for (int i = 0; i < 2; i++) {
    onefold_graph *graph = build(context, "dbb", texts[i]);
    onefold_graph *zeros = with_zero_padding(context, graph);
    const float *const *x = graph_random_inputs(&rng, graph);
    graph_result a = graph_reference(graph, x, 0), b = graph_reference(zeros, x, 0);
    const onefold_shape out = onefold_graph_shape(graph, graph->outputs[0]);
    const int64_t ring = i + 1;
    double largest = 0;
    for (size_t k = 0; k < a.count; k++) {
      const int64_t u = (int64_t)k / out.w % out.h, v = (int64_t)k % out.w;
      const int inside = u >= ring && u < out.h - ring && v >= ring && v < out.w - ring;
      const double difference = fabs(a.value[k] - b.value[k]) / a.scale[k];
      if (inside && difference > 1e-12) test_failed("pixel (%d, %d) differs", (int)u, (int)v);
      if (!inside) largest = fmax(largest, difference);
    }
    assert_true(largest > 1e-2);
    for (int k = 0; k < 2; k++) {
      onefold_graph *folded = graph_fold(context, k ? zeros : graph, NULL);
      graph_only(folded, ONEFOLD_NODE_CONV2D);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BORDER), k);
      onefold_graph_destroy(folded);
      graph_check_random(context, k ? zeros : graph, &rng);
    }
    graph_result_free(&a);
    graph_result_free(&b);
    free((void *)x);
    onefold_graph_destroy(zeros);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// A residual that is added behind an activation is not folded, and its region says so.
static void test_residuals(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {85};
  const struct {
    const char *block, *text;
    int sums;
  } cases[] = {
      {"bottleneck", "input=1x8x6x5 out_channels=8", 1},
      {"bottleneck_orepa", "input=1x8x6x5 out_channels=8", 1},
      {"repghost_bottleneck", "input=1x8x6x5 out_channels=8 mid_channels=8", 1},
      {"c3", "input=1x8x6x5 out_channels=8 repeats=2", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = build(context, cases[i].block, cases[i].text);
    graph_report report;
    onefold_graph *folded = graph_fold(context, graph, &report);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SUM), cases[i].sums);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BATCH_NORM), 0);
    graph_check_random(context, graph, &rng);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

// ------------------------------------------------------- what a fold does not change

static onefold_graph *build_small(onefold_context *context, const char *block, uint64_t seed) {
  onefold_weights *weights;
  onefold_graph *graph;
  onefold_block_params p = block_params(context, block, onefold_block_typical(block));
  const int64_t route = p.route_channels * 12 / p.out_channels;
  test_ok(context, onefold_block_params_set(
                       context, &p, "input=1x12x8x6 out_channels=12 groups=1 mid_channels=0"));
  p.route_channels = route;
  test_ok(context, onefold_weights_seeded(context, seed, &weights));
  test_ok(context, onefold_block_build(context, block, &p, weights, &graph));
  onefold_weights_close(weights);
  return graph;
}

static void read_region(void *user, const onefold_fold_region *region) {
  (void)user;
  assert_true(strlen(region->name) > 0 && region->nodes_after > 0);
  assert_true(region->max_rel_error < 1e-5);
}

/// Every block, in every way of folding: the source has the same bits as before, two folds give
/// the same bits, and so does the fold of a fold.
static void test_fold_again(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  for (size_t i = 0; onefold_block_name(i); i++) {
    const char *block = onefold_block_name(i);
    onefold_graph *graph = build_small(context, block, 7), *same = build_small(context, block, 7);
    graph_expect_same(graph, same);
    for (int way = 0; way < 5; way++) {
      test_case("%s, way %d", block, way);
      onefold_fold_options options;
      onefold_fold_options_init(&options);
      if (way == 1) options.level = ONEFOLD_FOLD_BATCH_NORM;
      options.force = way == 2;
      options.horizontal = way == 3;
      options.measure = way == 4;
      options.report = read_region; // nothing is measured without
      onefold_graph *first = graph_fold_with(context, graph, options, NULL);
      onefold_graph *second = graph_fold_with(context, graph, options, NULL);
      onefold_graph *again = graph_fold_with(context, first, options, NULL);
      graph_expect_same(graph, same);
      graph_expect_same(first, second);
      graph_expect_same(first, again);
      onefold_graph_destroy(first);
      onefold_graph_destroy(second);
      onefold_graph_destroy(again);
    }
    onefold_graph_destroy(graph);
    onefold_graph_destroy(same);
  }
  onefold_context_destroy(context);
}

/// A folded graph holds nothing of its source, a graph nothing of the caller's arrays; the source
/// may be named as the result; buffers that overlap are refused when they are run.
static void test_nothing_is_shared(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  for (size_t i = 0; onefold_block_name(i); i++) {
    test_case("%s", onefold_block_name(i));
    onefold_graph *graph = build_small(context, onefold_block_name(i), 8), *source = graph;
    onefold_graph *folded = graph_fold(context, graph, NULL);
    test_ok(context, onefold_fold(context, graph, NULL, &graph));
    assert_ptr_not_equal(graph, source);
    graph_expect_same(graph, folded);
    for (int32_t k = 0; k < source->node_count; k++)
      if (source->nodes[k].kind == ONEFOLD_NODE_CONV2D)
        ((float *)source->nodes[k].as.conv2d.weight)[0] += 1;
    onefold_graph_destroy(source);
    graph_expect_same(graph, folded);
    test_rng rng = {86};
    graph_check_runs(context, folded, &rng);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
  }

  float weight[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, buffer[20] = {0};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 3, 1, 1);
  onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 1, 4, 4});
  const onefold_node node = onefold_graph_conv2d(graph, 0, &p, weight, NULL);
  test_ok(context, onefold_graph_output(graph, node));
  memset(weight, 0, sizeof weight);
  assert_true(graph->nodes[node].as.conv2d.weight[8] == 9);
  onefold_exec *exec;
  test_ok(context, onefold_exec_create(context, graph, NULL, &exec));
  test_ok(context, onefold_exec_pack(exec));
  const float *input = buffer;
  for (int shift = 0; shift <= 4; shift += 4) {
    float *output = buffer + shift;
    test_fails(context, onefold_exec_run(exec, &input, &output), ONEFOLD_BAD_BUFFER);
    test_says(context, "output 0 overlaps input 0");
  }
  onefold_exec_destroy(exec);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_even_offsets),      cmocka_unit_test(test_ring),
      cmocka_unit_test(test_border_alone),      cmocka_unit_test(test_dbb_padding),
      cmocka_unit_test(test_residuals),         cmocka_unit_test(test_fold_again),
      cmocka_unit_test(test_nothing_is_shared),
  };
  return test_every_level("oracles", tests, sizeof tests / sizeof *tests);
}
