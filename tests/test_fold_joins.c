// SPDX-License-Identifier: BSD-3-Clause
// Folding through slices and concatenations, and of convolutions side by side.
#include "tests/fold_support.h"

static onefold_context *context;

/// Convolutions of one input, concatenated: one convolution.
static void test_concat_of_branches(void **state) {
  (void)state;
  test_rng rng = {47};
  const struct {
    int64_t kernels[2], groups[2], stride;
    int merges;
  } cases[] = {{{1, 1}, {1, 1}, 1, 1},
               {{3, 3}, {1, 1}, 2, 1},
               {{1, 3}, {1, 1}, 1, 0},
               {{3, 3}, {2, 2}, 1, 0},
               {{1, 1}, {1, 4}, 1, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int force = 0; force < 2; force++) {
      onefold_node x, parts[2];
      onefold_graph *graph = fold_new_graph(context, 8, 6, 7, &x);
      test_case("concat case %zu, force %d", i, force);
      for (int k = 0; k < 2; k++) {
        const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(
            4 + 4 * k, cases[i].kernels[k], cases[i].stride, cases[i].groups[k]);
        parts[k] = graph_random_conv(&rng, graph, x, &p, k);
        parts[k] = graph_random_bn(&rng, graph, parts[k], 1e-5);
      }
      fold_finish(graph, onefold_graph_concat(graph, parts, 2));
      onefold_fold_options options = fold_defaults();
      options.force = force;
      onefold_graph *folded = fold_checked(graph, options, NULL);
      const int merged = cases[i].merges || force;
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), merged ? 1 : 2);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONCAT), !merged);
      onefold_graph_destroy(folded);
    }
}

/// A convolution of a slice stays one of a slice; a slice of a convolution is a smaller one.
static void test_slices(void **state) {
  (void)state;
  test_rng rng = {48};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(6, 3, 1, 1);
  onefold_node x;
  onefold_graph *graph = fold_new_graph(context, 8, 5, 6, &x);
  onefold_node node = graph_random_conv(&rng, graph, onefold_graph_slice(graph, x, 2, 5), &p, 1);
  fold_finish(graph, graph_random_bn(&rng, graph, node, 1e-5));
  graph_report report;
  onefold_graph *folded = fold_checked(graph, fold_defaults(), &report);
  fold_expect_verdict(&report, 0, ONEFOLD_FOLD_EXACT);
  assert_int_equal(folded->node_count, 3);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SLICE), 1);
  onefold_graph_destroy(folded);

  graph = fold_new_graph(context, 8, 5, 6, &x);
  node = onefold_graph_slice(graph, graph_random_conv(&rng, graph, x, &p, 1), 1, 3);
  fold_finish(graph, graph_random_bn(&rng, graph, node, 1e-5));
  folded = fold_checked(graph, fold_defaults(), NULL);
  assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->shape.c, 3);
  assert_int_equal(folded->node_count, 2);
  onefold_graph_destroy(folded);
}

/// A slice of a scaled or padded image stays a slice: as one map they would be a convolution where
/// there was none, which is for force alone.
static void test_slices_of_scales(void **state) {
  (void)state;
  test_rng rng = {54};
  for (int padded = 0; padded < 2; padded++)
    for (int force = 0; force < 2; force++) {
      test_case("padded %d, force %d", padded, force);
      onefold_node x;
      onefold_graph *graph = fold_new_graph(context, 8, 5, 6, &x);
      const onefold_pad_params pad = {1, 0, 2, 1, NULL};
      const onefold_node wide =
          padded ? onefold_graph_pad(graph, x, &pad) : graph_random_bn(&rng, graph, x, 1e-5);
      fold_finish(graph, onefold_graph_slice(graph, wide, 2, 4));
      onefold_fold_options options = fold_defaults();
      options.force = force;
      graph_report report;
      onefold_graph *folded = fold_checked(graph, options, &report);
      fold_expect_verdict(&report, 0, force ? ONEFOLD_FOLD_EXACT : ONEFOLD_FOLD_UNPROFITABLE);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), force);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SLICE), !force);
      assert_int_equal(onefold_graph_count(folded).macs > 0, force);
      onefold_graph_destroy(folded);
    }
}

/// So does a sum of slices, unless a convolution beside them takes them for nothing.
static void test_sums_of_slices(void **state) {
  (void)state;
  test_rng rng = {55};
  for (int beside = 0; beside < 2; beside++)
    for (int force = 0; force < 2; force++) {
      test_case("convolution beside %d, force %d", beside, force);
      const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(4, 1, 1, 1);
      onefold_node x, terms[3];
      onefold_graph *graph = fold_new_graph(context, 8, 5, 6, &x);
      terms[0] = onefold_graph_slice(graph, graph_random_bn(&rng, graph, x, 1e-5), 0, 4);
      terms[1] = onefold_graph_slice(graph, x, 4, 4);
      if (beside) terms[2] = graph_random_conv(&rng, graph, x, &p, 1);
      fold_finish(graph, onefold_graph_sum(graph, terms, 2 + (size_t)beside));
      onefold_fold_options options = fold_defaults();
      options.force = force;
      onefold_graph *folded = fold_checked(graph, options, NULL);
      const int merged = beside || force;
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), merged);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SLICE), merged ? 0 : 2);
      onefold_graph_destroy(folded);
    }
}

/// Two halves of what was one convolution are added as they lie in it.
static void test_horizontal_sum(void **state) {
  (void)state;
  test_rng rng = {56};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(16, 1, 1, 1);
  onefold_node x, terms[2];
  onefold_graph *graph = fold_new_graph(context, 8, 6, 7, &x);
  for (int k = 0; k < 2; k++) {
    terms[k] = graph_random_conv(&rng, graph, x, &p, 1);
    terms[k] = onefold_graph_activation(graph, terms[k], ONEFOLD_ACT_RELU, 0);
  }
  fold_finish(graph, onefold_graph_sum(graph, terms, 2));
  onefold_fold_options options = fold_defaults();
  options.horizontal = 1;
  onefold_graph *folded = fold_checked(graph, options, NULL);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 1);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SLICE), 2);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SUM), 1);
  onefold_graph_destroy(folded);
}

/// a || b with one activation, each read further on: joined only when asked for.
static void test_horizontal(void **state) {
  (void)state;
  test_rng rng = {49};
  for (int differ = 0; differ < 2; differ++) {
    onefold_node x, parts[3], results[3];
    onefold_graph *graph = fold_new_graph(context, 8, 6, 7, &x);
    for (int k = 0; k < 3; k++) {
      const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(16 + k, 1, 1, 1);
      parts[k] = graph_random_conv(&rng, graph, x, &p, k != 1);
      if (k) parts[k] = graph_random_bn(&rng, graph, parts[k], 1e-3);
      parts[k] = onefold_graph_activation(
          graph, parts[k], differ && k == 2 ? ONEFOLD_ACT_RELU : ONEFOLD_ACT_SILU, 0);
    }
    const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(16, 3, 1, 1);
    results[0] = graph_random_conv(&rng, graph, parts[0], &q, 1);
    results[1] = parts[1];
    results[2] = parts[2];
    test_ok(context, onefold_graph_output(graph, parts[0]));
    fold_finish(graph, onefold_graph_concat(graph, results, 3));
    onefold_fold_options options = fold_defaults();
    options.horizontal = 1;
    onefold_graph *folded = fold_checked(graph, options, NULL);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2 + differ);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SLICE), 3 - differ);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_ACTIVATION), 1 + differ);
    onefold_graph_destroy(folded);
  }
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_concat_of_branches), cmocka_unit_test(test_slices),
      cmocka_unit_test(test_slices_of_scales),   cmocka_unit_test(test_sums_of_slices),
      cmocka_unit_test(test_horizontal_sum),     cmocka_unit_test(test_horizontal),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_joins", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
