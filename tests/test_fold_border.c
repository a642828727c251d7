// SPDX-License-Identifier: BSD-3-Clause
// Folding where a bias meets zero padding, and through padding by constants: borders of biases.
#include "tests/fold_support.h"

#include <math.h>
#include <stdlib.h>

static onefold_context *context;

/// 1x1 of weight 2 and bias 3 before a 3x3 of ones, on ones, with zero padding, with padding by
/// the bias, and without a border.
static void test_border_values(void **state) {
  (void)state;
  const float zero_padded[9] = {20, 30, 20, 30, 45, 30, 20, 30, 20};
  const float bias_padded[9] = {35, 39, 35, 39, 45, 39, 35, 39, 35};
  const float weight = 2, bias = 3, ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 1, 1, 1);
  for (int padded = 0; padded < 2; padded++) {
    onefold_node x;
    onefold_graph *graph = fold_new_graph(context, 1, 3, 3, &x);
    onefold_graph_conv2d_params q = onefold_graph_conv2d_square(1, 3, 1, 1);
    onefold_node node = onefold_graph_conv2d(graph, x, &p, &weight, &bias);
    if (padded) {
      const onefold_pad_params pad = {1, 1, 1, 1, &bias};
      node = onefold_graph_pad(graph, node, &pad);
      q.pad_top = q.pad_bottom = q.pad_left = q.pad_right = 0;
    }
    fold_finish(graph, onefold_graph_conv2d(graph, node, &q, ones, NULL));
    graph_report report;
    onefold_graph *folded = fold_checked(graph, fold_defaults(), &report);
    fold_expect_verdict(&report, 0, padded ? ONEFOLD_FOLD_EXACT : ONEFOLD_FOLD_INEXACT_BIAS);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 1);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BORDER), !padded);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_PAD), 0);
    const float *image = ones;
    float **y = graph_run(context, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, &image);
    assert_memory_equal(y[0], padded ? bias_padded : zero_padded, sizeof zero_padded);
    free(y);
    onefold_graph_destroy(folded);
  }
}

/// Random chains of 1x1 with bias, padding or none, and KxK with strides, under a sum that pays
/// for them, and an activation: one convolution and one border.
static void test_borders_in_sums(void **state) {
  (void)state;
  test_rng rng = {41};
  for (int i = 0; i < 60; i++) {
    onefold_node x;
    onefold_graph *graph =
        fold_new_graph(context, 6, test_range(&rng, 1, 9), test_range(&rng, 1, 9), &x);
    const int64_t kernel = 2 * test_range(&rng, 1, 2) + 1, stride = test_range(&rng, 1, 2);
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(6, 1, 1, 2);
    const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(8, kernel, stride, 2);
    test_case("border %d: kernel %lld, stride %lld", i, (long long)kernel, (long long)stride);
    onefold_node terms[2];
    for (int k = 0; k < 2; k++) {
      onefold_node node = graph_random_conv(&rng, graph, x, &p, 1);
      node = graph_random_conv(&rng, graph, graph_random_bn(&rng, graph, node, 1e-5), &q, k);
      terms[k] = graph_random_bn(&rng, graph, node, 1e-3);
    }
    onefold_node node = onefold_graph_sum(graph, terms, 2);
    fold_finish(graph, onefold_graph_activation(graph, node, ONEFOLD_ACT_RELU, 0));
    graph_report report;
    onefold_graph *folded = fold_checked(graph, fold_defaults(), &report);
    fold_expect_verdict(&report, 0, ONEFOLD_FOLD_INEXACT_BIAS);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 1);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BORDER), 1);
    onefold_graph_destroy(folded);
  }
}

/// Without borders the chain stays, with its batch normalisations folded.
static void test_border_switched_off(void **state) {
  (void)state;
  test_rng rng = {42};
  onefold_node x;
  onefold_graph *graph = fold_new_graph(context, 4, 6, 7, &x);
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(12, 1, 1, 1);
  const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(4, 3, 1, 1);
  onefold_node node = graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, x, &p, 0), 1e-5);
  fold_finish(graph,
              graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, node, &q, 0), 1e-5));
  onefold_fold_options options = fold_defaults();
  options.border = 0;
  graph_report report;
  onefold_graph *folded = fold_checked(graph, options, &report);
  fold_expect_verdict(&report, 0, ONEFOLD_FOLD_INEXACT_BIAS);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2);
  assert_int_equal(folded->node_count, 3);
  onefold_graph_destroy(folded);
}

/// The two branches of a DiverseBranchBlock that pad inside: with what batch normalisation gives
/// for a zero they are exact, with zeros they differ on the ring alone.
static void test_pad_by_constant(void **state) {
  (void)state;
  test_rng rng = {43};
  for (int zeros = 0; zeros < 2; zeros++) {
    onefold_node x;
    onefold_graph *graph = fold_new_graph(context, 4, 6, 5, &x);
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(4, 1, 1, 1);
    onefold_graph_conv2d_params q = onefold_graph_conv2d_square(4, 3, 1, 1);
    q.pad_top = q.pad_bottom = q.pad_left = q.pad_right = 0;
    const onefold_pool2d_params pool = onefold_pool2d_square(3, 1, 0);
    onefold_node terms[2];
    for (int k = 0; k < 2; k++) {
      onefold_node node = graph_random_conv(&rng, graph, x, &p, 0);
      node = graph_random_bn(&rng, graph, node, 1e-5);
      const onefold_batch_norm_params *bn = &graph->nodes[node].as.batch_norm;
      float constant[4];
      for (int c = 0; c < 4; c++)
        constant[c] = (float)((double)bn->beta[c] - (double)bn->mean[c] * (double)bn->gamma[c] /
                                                        sqrt((double)bn->variance[c] + 1e-5));
      const onefold_pad_params pad = {1, 1, 1, 1, zeros ? NULL : constant};
      node = onefold_graph_pad(graph, node, &pad);
      node = k ? onefold_graph_avg_pool(graph, node, &pool)
               : graph_random_conv(&rng, graph, node, &q, 0);
      terms[k] = graph_random_bn(&rng, graph, node, 1e-5);
    }
    fold_finish(graph, onefold_graph_sum(graph, terms, 2));
    graph_report report;
    onefold_graph *folded = fold_checked(graph, fold_defaults(), &report);
    fold_expect_verdict(&report, 0, zeros ? ONEFOLD_FOLD_INEXACT_BIAS : ONEFOLD_FOLD_EXACT);
    graph_only(folded, ONEFOLD_NODE_CONV2D);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BORDER), zeros);
    onefold_graph_destroy(folded);
  }
}

/// Padding that no convolution can have comes out again as padding.
static void test_padding_alone(void **state) {
  (void)state;
  test_rng rng = {44};
  onefold_node x;
  onefold_graph *graph = fold_new_graph(context, 3, 4, 5, &x);
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(5, 1, 1, 1);
  const float value[5] = {1, -2, 3, -4, 5};
  const onefold_pad_params pad = {3, 1, 2, 4, value};
  const onefold_node conv = graph_random_conv(&rng, graph, x, &p, 1);
  fold_finish(graph, graph_random_bn(&rng, graph, onefold_graph_pad(graph, conv, &pad), 1e-5));
  graph_report report;
  onefold_graph *folded = fold_checked(graph, fold_defaults(), &report);
  fold_expect_verdict(&report, 0, ONEFOLD_FOLD_INEXACT_BIAS);
  graph_only(folded, ONEFOLD_NODE_CONV2D);
  onefold_graph_destroy(folded);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_border_values),       cmocka_unit_test(test_borders_in_sums),
      cmocka_unit_test(test_border_switched_off), cmocka_unit_test(test_pad_by_constant),
      cmocka_unit_test(test_padding_alone),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_border", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
