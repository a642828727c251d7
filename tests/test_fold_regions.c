// SPDX-License-Identifier: BSD-3-Clause
// Where regions end, what their levels are, and what folding must not change.
#include "tests/fold_support.h"

#include <math.h>
#include <string.h>

static onefold_context *context;

static void test_boundaries(void **state) {
  (void)state;
  test_rng rng = {39};
  const onefold_shape in = {1, 8, 6, 7};
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 1);

  // A convolution that is also an output keeps its own result.
  onefold_graph *graph = graph_empty(context);
  onefold_node x = onefold_graph_input(graph, in);
  onefold_node conv = graph_random_conv(&rng, graph, x, &k3, 0);
  onefold_node bn = graph_random_bn(&rng, graph, conv, 1e-5);
  fold_finish(graph, conv);
  fold_finish(graph, bn);
  graph_report report;
  onefold_graph *folded = graph_fold(context, graph, &report);
  assert_int_equal(report.count, 0);
  graph_expect_same(graph, folded);
  fold_drop(graph, folded);

  // conv(r) + r: one region on r, whatever r is.
  graph = graph_empty(context);
  x = onefold_graph_input(graph, in);
  const onefold_node relu = onefold_graph_activation(
      graph, graph_random_conv(&rng, graph, x, &k3, 0), ONEFOLD_ACT_RELU, 0);
  const onefold_node shortcut[2] = {graph_random_conv(&rng, graph, relu, &k3, 0), relu};
  fold_finish(graph, onefold_graph_sum(graph, shortcut, 2));
  folded = fold_expecting(graph, ONEFOLD_FOLD_EXACT, 40);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SUM), 0);
  fold_drop(graph, folded);

  // An activation inside a branch: the linear parts fold, the sum stays.
  graph = graph_empty(context);
  x = onefold_graph_input(graph, in);
  const onefold_node inner = onefold_graph_activation(
      graph, graph_random_conv(&rng, graph, x, &k3, 0), ONEFOLD_ACT_SILU, 0);
  onefold_graph_name(graph, inner, "inner");
  const onefold_node terms[3] = {
      graph_random_bn(&rng, graph, inner, 1e-5),
      graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, x, &k3, 0), 1e-5),
      graph_random_bn(&rng, graph, x, 1e-5)};
  fold_finish(graph, onefold_graph_sum(graph, terms, 3));
  folded = fold_expecting(graph, ONEFOLD_FOLD_NONLINEAR_INSIDE, 41);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BATCH_NORM), 1);
  assert_int_equal(graph_only(folded, ONEFOLD_NODE_SUM)->input_count, 2);
  onefold_graph_destroy(graph_fold(context, graph, &report));
  assert_non_null(strstr(report.reasons[0], "'inner'"));
  fold_drop(graph, folded);

  // Branches of different strides that meet in one pixel.
  graph = graph_empty(context);
  x = onefold_graph_input(graph, (onefold_shape){1, 4, 1, 1});
  const onefold_graph_conv2d_params s1 = onefold_graph_conv2d_square(4, 3, 1, 1);
  const onefold_graph_conv2d_params s2 = onefold_graph_conv2d_square(4, 3, 2, 1);
  const onefold_node strides[2] = {graph_random_conv(&rng, graph, x, &s1, 0),
                                   graph_random_conv(&rng, graph, x, &s2, 0)};
  fold_finish(graph, onefold_graph_sum(graph, strides, 2));
  folded = fold_expecting(graph, ONEFOLD_FOLD_SHAPE, 42);
  graph_expect_same(graph, folded);
  fold_drop(graph, folded);
}

/// Scales without a convolution become one scale.
static void test_scales(void **state) {
  (void)state;
  test_rng rng = {43};
  onefold_graph *graph = graph_empty(context);
  const onefold_node x = onefold_graph_input(graph, (onefold_shape){2, 5, 3, 4});
  const onefold_node a = graph_random_bn(&rng, graph, x, 1e-5);
  const onefold_node b = graph_random_bn(&rng, graph, a, 1e-3);
  fold_finish(graph, onefold_graph_sum(graph, (const onefold_node[]){b, x, x}, 3));
  onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_EXACT, 44);
  assert_int_equal(folded->node_count, 2);
  graph_only(folded, ONEFOLD_NODE_BATCH_NORM);
  fold_drop(graph, folded);
}

static void test_levels(void **state) {
  (void)state;
  test_rng rng = {45};
  onefold_graph *graph = graph_empty(context);
  const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 8, 5, 6});
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 1);
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(8, 1, 1, 1);
  const onefold_node terms[3] = {
      graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, x, &k3, 1), 1e-5),
      graph_random_conv(&rng, graph, graph_random_conv(&rng, graph, x, &k3, 0), &k1, 0),
      graph_random_bn(&rng, graph, x, 1e-5)};
  fold_finish(graph, onefold_graph_sum(graph, terms, 3));
  graph_report report;
  onefold_graph *branches = graph_branches(context, graph, &report);
  assert_int_equal(report.count, 1);
  assert_int_equal(report.regions[0].nodes_before, 2);
  assert_int_equal(report.regions[0].nodes_after, 1);
  assert_int_equal(report.regions[0].parameters_before, 8 * 8 * 9 + 8 + 16);
  assert_int_equal(report.regions[0].parameters_after, 8 * 8 * 9 + 8);
  assert_int_equal(graph_count_kind(branches, ONEFOLD_NODE_CONV2D), 3);
  assert_int_equal(graph_count_kind(branches, ONEFOLD_NODE_BATCH_NORM), 1);
  onefold_graph *folded = graph_fold(context, graph, &report);
  assert_int_equal(report.count, 1);
  assert_int_equal(report.regions[0].nodes_before, 6);
  assert_int_equal(report.regions[0].nodes_after, 1);
  assert_true(report.regions[0].macs_before == 30.0 * (9 + 9 + 1) * 64);
  assert_true(report.regions[0].macs_after == 30.0 * 9 * 64);
  // Folding the branches gives the same map, rounded twice.
  onefold_graph *twice = graph_fold(context, branches, NULL);
  const float *a = graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d.weight;
  const float *b = graph_only(twice, ONEFOLD_NODE_CONV2D)->as.conv2d.weight;
  for (int i = 0; i < 8 * 8 * 9; i++) assert_true(fabsf(a[i] - b[i]) <= 1e-5f);
  onefold_graph_destroy(twice);
  onefold_graph_destroy(branches);
  fold_drop(graph, folded);
}

// ------------------------------------------------------------- what must not change

static void test_source_untouched(void **state) {
  (void)state;
  test_rng rng = {46};
  onefold_graph *made[2];
  for (int i = 0; i < 2; i++) {
    onefold_graph *graph = made[i] = graph_empty(context);
    rng.state = 47;
    const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 8, 5, 6});
    const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 2);
    const onefold_node terms[2] = {
        graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, x, &k3, 1), 1e-5),
        graph_random_bn(&rng, graph, x, 1e-5)};
    const onefold_node sum = onefold_graph_sum(graph, terms, 2);
    fold_finish(graph, sum);
    fold_finish(graph, onefold_graph_activation(graph, sum, ONEFOLD_ACT_RELU, 0));
  }
  onefold_graph *folded = graph_fold(context, made[0], NULL);
  graph_expect_same(made[0], made[1]);
  assert_int_equal(folded->output_count, 2);
  assert_int_equal(folded->nodes[folded->outputs[0]].kind, ONEFOLD_NODE_CONV2D);
  assert_int_equal(folded->nodes[folded->outputs[1]].kind, ONEFOLD_NODE_ACTIVATION);
  onefold_graph_destroy(folded);
  fold_drop(made[0], made[1]);
}

/// A region with a weight that is not finite, or that would become so, is kept to the bit.
static void test_not_finite(void **state) {
  (void)state;
  const float bad[] = {NAN, INFINITY, 3e38f, -INFINITY};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    onefold_graph *graph = graph_empty(context);
    const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 2, 2, 2});
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(2, 1, 1, 1);
    const float weight[4] = {1, bad[i], 2, 3}, four[2] = {4, 4}, zero[2] = {0, 0};
    const float quarter[2] = {0.25f, 0.25f};
    const onefold_batch_norm_params bn = {four, zero, zero, quarter, 0};
    fold_finish(graph, onefold_graph_batch_norm(
                           graph, onefold_graph_conv2d(graph, x, &p, weight, NULL), &bn));
    graph_report report;
    onefold_graph *folded = graph_fold(context, graph, &report);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.regions[0].verdict, ONEFOLD_FOLD_NOT_FINITE);
    assert_int_equal(report.regions[0].nodes_after, 2);
    graph_expect_same(graph, folded);
    fold_drop(graph, folded);
  }
}

static void test_bad_arguments(void **state) {
  (void)state;
  onefold_graph *graph = graph_empty(context), *folded;
  const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 2, 2, 2});
  fold_finish(graph, x);
  test_fails(context, onefold_fold(context, NULL, NULL, &folded), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_fold(context, graph, NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.level = (onefold_fold_level)7;
  test_fails(context, onefold_fold(context, graph, &options, &folded), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "fold level 7");
  options.struct_size = 1;
  test_fails(context, onefold_fold(context, graph, &options, &folded), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "struct_size");
  assert_int_equal(onefold_graph_sum(graph, &x, 0), ONEFOLD_NO_NODE);
  test_fails(context, onefold_fold(context, graph, NULL, &folded), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "incomplete");
  onefold_graph_destroy(graph);
  for (int v = 0; v <= ONEFOLD_FOLD_NOT_FINITE; v++)
    assert_true(strlen(onefold_fold_verdict_name((onefold_fold_verdict)v)) > 1);
  assert_string_equal(onefold_fold_verdict_name((onefold_fold_verdict)99), "?");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_boundaries), cmocka_unit_test(test_scales),
      cmocka_unit_test(test_levels),     cmocka_unit_test(test_source_untouched),
      cmocka_unit_test(test_not_finite), cmocka_unit_test(test_bad_arguments),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_regions", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
