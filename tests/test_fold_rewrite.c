// SPDX-License-Identifier: BSD-3-Clause
// What is folded and what only when forced; passes; random graphs; and the report.
#include "tests/fold_support.h"

static onefold_context *context;

/// The second part of a ghost module without activation: dense merging is refused for its cost,
/// and for the bias at the border where it is forced.
static void test_ghost_is_not_merged(void **state) {
  (void)state;
  for (int force = 0; force < 2; force++) {
    test_rng rng = {50};
    onefold_node x;
    onefold_graph *graph = fold_new_graph(context, 16, 7, 8, &x);
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(8, 1, 1, 1);
    const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(8, 3, 1, 8);
    const onefold_node primary =
        graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, x, &p, 0), 1e-5);
    const onefold_node terms[2] = {
        graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, primary, &q, 0), 1e-5),
        graph_random_bn(&rng, graph, primary, 1e-5)};
    fold_finish(graph, onefold_graph_sum(graph, terms, 2));
    onefold_fold_options options = fold_defaults();
    options.border = 0;
    options.force = force;
    graph_report report;
    onefold_graph *folded = fold_checked(graph, options, &report);
    fold_expect_verdict(&report, report.count - 1,
                        force ? ONEFOLD_FOLD_INEXACT_BIAS : ONEFOLD_FOLD_UNPROFITABLE);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2);
    assert_int_equal(folded->node_count, 3);
    onefold_graph_destroy(folded);
  }
}

/// Three 3x3 layers without padding inside, each a sum that several branches of the next read:
/// three convolutions where channels are many, one where the image has few, or when forced.
static void test_stacks(void **state) {
  (void)state;
  for (int force = 0; force < 2; force++)
    for (int64_t in = 1; in <= 12; in += 11) {
      test_rng rng = {51};
      onefold_node x;
      onefold_graph *graph = fold_new_graph(context, in, 20, 21, &x);
      onefold_node node = x;
      for (int layer = 0; layer < 3; layer++) {
        onefold_graph_conv2d_params p = onefold_graph_conv2d_square(12, 3, 1, 1);
        const int64_t pad = layer ? 0 : 2;
        p.pad_top = p.pad_bottom = p.pad_left = p.pad_right = pad;
        const onefold_node terms[2] = {graph_random_conv(&rng, graph, node, &p, 0),
                                       graph_random_conv(&rng, graph, node, &p, 1)};
        node = onefold_graph_sum(graph, terms, 2);
      }
      fold_finish(graph, graph_random_bn(&rng, graph, node, 1e-5));
      graph_report report;
      onefold_fold_options options = fold_defaults();
      options.force = force;
      onefold_graph *folded = fold_checked(graph, options, &report);
      const int one = force || in == 1;
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), one ? 1 : 3);
      fold_expect_verdict(&report, report.count - 1,
                          one ? ONEFOLD_FOLD_EXACT : ONEFOLD_FOLD_UNPROFITABLE);
      onefold_graph_destroy(folded);
    }
}

/// The branches' level moves the batch normalisation of a sum into its terms.
static void test_distribution(void **state) {
  (void)state;
  test_rng rng = {52};
  onefold_node x;
  onefold_graph *graph = fold_new_graph(context, 8, 6, 5, &x);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 1);
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(8, 1, 1, 1);
  const onefold_pool2d_params pool = onefold_pool2d_square(3, 1, 1);
  const onefold_node terms[4] = {
      graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, x, &k3, 0), 1e-5),
      graph_random_conv(&rng, graph, x, &k1, 1), x, onefold_graph_avg_pool(graph, x, &pool)};
  const onefold_node sum = onefold_graph_sum(graph, terms, 4);
  const onefold_node norm = graph_random_bn(&rng, graph, sum, 1e-3);
  fold_finish(graph, onefold_graph_activation(graph, norm, ONEFOLD_ACT_RELU, 0));
  onefold_fold_options options = fold_defaults();
  options.level = ONEFOLD_FOLD_BATCH_NORM;
  onefold_graph *branches = fold_checked(graph, options, NULL);
  assert_int_equal(graph_count_kind(branches, ONEFOLD_NODE_CONV2D), 3);
  assert_int_equal(graph_count_kind(branches, ONEFOLD_NODE_BATCH_NORM), 1); // of the identity
  assert_int_equal(graph_count_kind(branches, ONEFOLD_NODE_AVG_POOL), 0);
  onefold_graph_destroy(branches);
}

/// Random graphs of every kind of node, with every option.
static void test_random_graphs(void **state) {
  (void)state;
  const int count = test_scaled(400);
  for (int i = 0; i < count; i++) {
    test_rng rng = {UINT64_C(5300) + (uint64_t)i};
    const onefold_shape in = {1, test_once_in(&rng, 2) ? 16 : 7, test_range(&rng, 2, 6),
                              test_range(&rng, 2, 6)};
    onefold_fold_options options = fold_defaults();
    options.force = test_once_in(&rng, 4);
    options.border = !test_once_in(&rng, 4);
    options.horizontal = test_once_in(&rng, 4);
    options.chain_pools = !test_once_in(&rng, 4);
    options.before_upsample = !test_once_in(&rng, 4);
    options.measure = test_once_in(&rng, 4);
    if (test_once_in(&rng, 4)) options.level = ONEFOLD_FOLD_BATCH_NORM;
    test_case("random graph %d: level %d, force %d, border %d, horizontal %d, chain_pools %d, "
              "before_upsample %d, measure %d",
              i, (int)options.level, (int)options.force, (int)options.border,
              (int)options.horizontal, (int)options.chain_pools, (int)options.before_upsample,
              (int)options.measure);
    graph_report report;
    onefold_graph_destroy(fold_checked(graph_random(context, &rng, in, 14), options, &report));
    for (int k = 0; k < report.count; k++)
      assert_int_equal(report.regions[k].max_abs_error >= 0, options.measure);
  }
}

// ------------------------------------------------------------------------ report

static void collect_ranges(void *user, const onefold_fold_region *region) {
  float *ranges = user;
  assert_int_equal(region->channels, 2);
  for (int c = 0; c < 2; c++) {
    ranges[2 * c] = region->channel_min[c];
    ranges[2 * c + 1] = region->channel_max[c];
  }
  assert_string_equal(region->kind, "sum of 2");
  assert_int_equal(region->nodes_before, 4);
  assert_int_equal(region->nodes_after, 1);
  assert_int_equal(region->parameters_before, 2 * 18 + 2);
  assert_int_equal(region->parameters_after, 2 * 18 + 2);
  assert_true(region->max_abs_error >= 0 && region->max_abs_error < 1e-5);
  assert_true(region->max_rel_error >= 0 && region->max_rel_error < 1e-6);
}

static void test_report(void **state) {
  (void)state;
  onefold_node x;
  onefold_graph *graph = fold_new_graph(context, 2, 5, 6, &x);
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(2, 3, 1, 1);
  float weight[36];
  for (int i = 0; i < 36; i++) weight[i] = (float)(i % 7) - 2;
  const float scale[2] = {2, -1};
  const onefold_node terms[2] = {onefold_graph_conv2d(graph, x, &p, weight, NULL), x};
  onefold_node node = onefold_graph_sum(graph, terms, 2);
  node = onefold_graph_scale(graph, node, scale, NULL);
  fold_finish(graph, onefold_graph_identity(graph, node));
  onefold_fold_options options = fold_defaults();
  float ranges[4] = {0};
  options.measure = 1;
  options.seed = 5;
  options.report = collect_ranges;
  options.user = ranges;
  onefold_graph *folded = NULL;
  test_ok(context, onefold_fold(context, graph, &options, &folded));
  // Largest and smallest of (i % 7) - 2, the centre of the diagonal one more, times the scale.
  assert_true(ranges[0] == -4 && ranges[1] == 8);
  assert_true(ranges[2] == -4 && ranges[3] == 2);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ghost_is_not_merged),
      cmocka_unit_test(test_stacks),
      cmocka_unit_test(test_distribution),
      cmocka_unit_test(test_random_graphs),
      cmocka_unit_test(test_report),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_rewrite", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
