// SPDX-License-Identifier: BSD-3-Clause
// Folding through pooling, slices and concatenations; what is folded only when forced; side by
// side; passes; and the report.
#include "tests/fold_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static onefold_context *context;

// -------------------------------------------------- pooling and batch normalisation

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

// --------------------------------------------------------- slices and concatenations

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

// ------------------------------------------------------------- profit and passes

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
      cmocka_unit_test(test_pooling),
      cmocka_unit_test(test_mean_of_ones),
      cmocka_unit_test(test_without_statistics),
      cmocka_unit_test(test_concat_of_branches),
      cmocka_unit_test(test_slices),
      cmocka_unit_test(test_slices_of_scales),
      cmocka_unit_test(test_sums_of_slices),
      cmocka_unit_test(test_horizontal_sum),
      cmocka_unit_test(test_horizontal),
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
