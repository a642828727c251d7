// SPDX-License-Identifier: BSD-3-Clause
// Folding of means over windows and of batch normalisation: where each is an affine map.
#include "tests/fold_support.h"

#include <math.h>
#include <stdlib.h>

static onefold_context *context;

static void test_pooling(void **state) {
  (void)state;
  test_rng rng = {45};
  const struct {
    int64_t kernel, stride, pad;
    int counts, ceil;
    int64_t divisor;
    onefold_fold_verdict verdict;
  } cases[] = {
      {3, 1, 1, 1, 0, 0, ONEFOLD_FOLD_EXACT},  {3, 1, 1, 0, 0, 0, ONEFOLD_FOLD_NOT_TI},
      {3, 1, 0, 0, 0, 0, ONEFOLD_FOLD_EXACT},  {3, 2, 1, 0, 0, 0, ONEFOLD_FOLD_NOT_TI},
      {2, 2, 0, 1, 1, 0, ONEFOLD_FOLD_NOT_TI}, {2, 2, 0, 1, 1, 3, ONEFOLD_FOLD_EXACT},
      {3, 1, 1, 0, 0, 5, ONEFOLD_FOLD_EXACT},  {3, 2, 1, 1, 0, 0, ONEFOLD_FOLD_EXACT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_node x;
    onefold_graph *graph = fold_new_graph(context, 4, 7, 9, &x);
    onefold_pool2d_params pool =
        onefold_pool2d_square(cases[i].kernel, cases[i].stride, cases[i].pad);
    pool.count_include_pad = cases[i].counts;
    pool.ceil_mode = cases[i].ceil;
    pool.divisor = cases[i].divisor;
    test_case("pooling case %zu", i);
    const onefold_node node = onefold_graph_avg_pool(graph, x, &pool);
    fold_finish(graph, graph_random_bn(&rng, graph, node, 1e-5));
    graph_report report;
    onefold_graph *folded = fold_checked(graph, fold_defaults(), &report);
    fold_expect_verdict(&report, 0, cases[i].verdict);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_AVG_POOL),
                     cases[i].verdict != ONEFOLD_FOLD_EXACT);
    onefold_graph_destroy(folded);
  }
}

/// Ones, 3x3 mean with padding of 1: 4/9, 6/9, 1 where padding counts, else 1 everywhere.
static void test_mean_of_ones(void **state) {
  (void)state;
  const float ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (int counts = 0; counts < 2; counts++) {
    onefold_node x;
    onefold_graph *graph = fold_new_graph(context, 1, 3, 3, &x);
    onefold_pool2d_params pool = onefold_pool2d_square(3, 1, 1);
    pool.count_include_pad = counts;
    const float scale = 1;
    const onefold_node node = onefold_graph_avg_pool(graph, x, &pool);
    fold_finish(graph, onefold_graph_scale(graph, node, &scale, NULL));
    onefold_graph *folded = fold_checked(graph, fold_defaults(), NULL);
    const float *image = ones;
    float **y = graph_run(context, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, &image);
    for (int i = 0; i < 9; i++) {
      const double inside = (i % 3 == 1 ? 3 : 2) * (i / 3 == 1 ? 3 : 2);
      assert_true(fabs((double)y[0][i] - (counts ? inside / 9 : 1)) < 1e-7);
    }
    free(y);
    onefold_graph_destroy(folded);
  }
}

/// A batch normalisation without statistics stays where it is, and the rest is folded.
static void test_without_statistics(void **state) {
  (void)state;
  test_rng rng = {46};
  onefold_node x;
  onefold_graph *graph = fold_new_graph(context, 4, 5, 5, &x);
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(4, 3, 1, 1);
  const float gamma[4] = {1, 2, 3, 4};
  const onefold_batch_norm_params bn = {.gamma = gamma, .beta = gamma, .epsilon = 1e-5};
  onefold_node node = graph_random_conv(&rng, graph, x, &p, 0);
  node = onefold_graph_batch_norm(graph, graph_random_bn(&rng, graph, node, 1e-5), &bn);
  fold_finish(graph, graph_random_bn(&rng, graph, node, 1e-5));
  graph_report report;
  onefold_graph *folded = graph_fold(context, graph, &report);
  fold_expect_verdict(&report, 0, ONEFOLD_FOLD_BN_NO_STATS);
  assert_int_equal(folded->node_count, 4);
  assert_null(folded->nodes[2].as.batch_norm.mean);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pooling),
      cmocka_unit_test(test_mean_of_ones),
      cmocka_unit_test(test_without_statistics),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_leaves", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
