// SPDX-License-Identifier: BSD-3-Clause
// What folding gives: closed forms, sums of kernels of any size and groups, and sequences.
#include "tests/fold_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static onefold_context *context;

// ------------------------------------------------------------------ closed forms

/// One channel: convolution w (and bias) and batch normalisation.
static void fold_scalar(const float *bias, float gamma, float beta, float mean, float variance,
                        double epsilon, float weight, float *folded_weight, float *folded_bias) {
  onefold_graph *graph = graph_empty(context);
  const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 1, 2, 3});
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 1, 1, 1);
  const onefold_batch_norm_params bn = {&gamma, &beta, &mean, &variance, epsilon};
  fold_finish(graph, onefold_graph_batch_norm(
                         graph, onefold_graph_conv2d(graph, x, &p, &weight, bias), &bn));
  onefold_graph *folded = graph_fold(context, graph, NULL);
  const onefold_graph_node *conv = graph_only(folded, ONEFOLD_NODE_CONV2D);
  *folded_weight = conv->as.conv2d.weight[0];
  *folded_bias = conv->as.conv2d.bias[0];
  fold_drop(graph, folded);
}

static void test_batch_norm_closed_forms(void **state) {
  (void)state;
  float w, b;
  const float bias = 3;
  fold_scalar(&bias, 0.5f, 1, -1, 3, 1, 2, &w, &b); // t = 1/4
  assert_true(w == 0.5f && b == 2.0f);
  fold_scalar(NULL, 0.5f, 1, -1, 3, 1, 1, &w, &b);
  assert_true(b == 1.25f);
  fold_scalar(NULL, 1, 0, 0, 1e-4f, 1e-3, 1, &w, &b);
  assert_true(fabs((double)w / 30.151134 - 1) < 1e-6);
  fold_scalar(NULL, 1, 0, 0, 1e-4f, 1e-5, 1, &w, &b);
  assert_true(fabs((double)w / 95.346259 - 1) < 1e-6);
  fold_scalar(NULL, 0, 2, 5, 1, 1e-5, 7, &w, &b); // gamma 0: a constant channel
  assert_true(w == 0 && b == 2);
}

/// The folded weights of conv(weight a) + conv(weight b) of one input, b NULL for an identity.
static onefold_graph *fold_pair(onefold_shape in, const onefold_graph_conv2d_params *p,
                                const float *a, const onefold_graph_conv2d_params *q,
                                const float *b) {
  onefold_graph *graph = graph_empty(context);
  const onefold_node x = onefold_graph_input(graph, in);
  const onefold_node terms[2] = {onefold_graph_conv2d(graph, x, p, a, NULL),
                                 b ? onefold_graph_conv2d(graph, x, q, b, NULL) : x};
  fold_finish(graph, onefold_graph_sum(graph, terms, 2));
  onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_EXACT, 31);
  onefold_graph_destroy(graph);
  return folded;
}

static void test_embedding(void **state) {
  (void)state;
  const float zeros[2 * 2 * 15] = {0}, points[4] = {5, 6, 7, 8}, line[3] = {1, 2, 3};
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(2, 3, 1, 1);
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(2, 1, 1, 1);
  onefold_graph *folded = fold_pair((onefold_shape){1, 2, 5, 4}, &k3, zeros, &k1, points);
  const onefold_graph_node *conv = graph_only(folded, ONEFOLD_NODE_CONV2D);
  assert_int_equal(conv->as.conv2d.params.kernel_h, 3);
  for (int i = 0; i < 36; i++)
    assert_true(conv->as.conv2d.weight[i] == (i % 9 == 4 ? points[i / 9] : 0));
  onefold_graph_destroy(folded);

  // 1x3 into 3x3 and into 3x5: rows stay rows.
  onefold_graph_conv2d_params row = onefold_graph_conv2d_square(1, 3, 1, 1);
  row.kernel_h = 1;
  row.pad_top = row.pad_bottom = 0;
  onefold_graph_conv2d_params window = onefold_graph_conv2d_square(1, 3, 1, 1);
  folded = fold_pair((onefold_shape){1, 1, 5, 4}, &window, zeros, &row, line);
  const float in_3x3[9] = {0, 0, 0, 1, 2, 3, 0, 0, 0};
  assert_memory_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d.weight, in_3x3,
                      sizeof in_3x3);
  onefold_graph_destroy(folded);
  window.kernel_w = 5;
  window.pad_left = window.pad_right = 2;
  folded = fold_pair((onefold_shape){1, 1, 5, 6}, &window, zeros, &row, line);
  const float in_3x5[15] = {0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0};
  assert_memory_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d.weight, in_3x5,
                      sizeof in_3x5);
  onefold_graph_destroy(folded);
}

static void test_identity_with_groups(void **state) {
  (void)state;
  const float zeros[4 * 4 * 9] = {0};
  const struct { int64_t channels, groups; } cases[] = {{4, 2}, {4, 4}, {1, 1}, {4, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int64_t c = cases[i].channels, ig = c / cases[i].groups;
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(c, 3, 1, cases[i].groups);
    onefold_graph *folded = fold_pair((onefold_shape){1, c, 3, 5}, &p, zeros, NULL, NULL);
    const onefold_graph_node *conv = graph_only(folded, ONEFOLD_NODE_CONV2D);
    assert_int_equal(conv->as.conv2d.params.groups, cases[i].groups);
    for (int64_t o = 0; o < c; o++)
      for (int64_t j = 0; j < ig; j++)
        for (int64_t k = 0; k < 9; k++)
          assert_true(conv->as.conv2d.weight[(o * ig + j) * 9 + k] ==
                      (float)(k == 4 && j == o % ig));
    onefold_graph_destroy(folded);
  }
}

static void test_common_groups(void **state) {
  (void)state;
  test_rng rng = {32};
  const struct {
    int64_t channels, a, b, kernel, common;
    onefold_fold_verdict verdict;
  } cases[] = {{8, 2, 4, 3, 2, ONEFOLD_FOLD_EXACT},
               {6, 3, 2, 3, 1, ONEFOLD_FOLD_EXACT},
               {12, 4, 6, 3, 2, ONEFOLD_FOLD_EXACT},
               {8, 8, 1, 1, 1, ONEFOLD_FOLD_GROUPS}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = graph_empty(context);
    const int64_t c = cases[i].channels;
    const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, c, 6, 5});
    onefold_graph_conv2d_params p = onefold_graph_conv2d_square(c, 3, 1, cases[i].a);
    onefold_graph_conv2d_params q = onefold_graph_conv2d_square(c, cases[i].kernel, 1, cases[i].b);
    const onefold_node terms[2] = {graph_random_conv(&rng, graph, x, &p, 1),
                                   graph_random_conv(&rng, graph, x, &q, 1)};
    fold_finish(graph, onefold_graph_sum(graph, terms, 2));
    onefold_graph *folded = fold_expecting(graph, cases[i].verdict, 32);
    if (cases[i].verdict == ONEFOLD_FOLD_EXACT)
      assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d.params.groups,
                       cases[i].common);
    else
      graph_expect_same(graph, folded);
    fold_drop(graph, folded);
  }
}

// --------------------------------------------------------------------- sequences

/// conv p, then conv q, with or without a bias on p.
static onefold_graph *chain(test_rng *rng, onefold_shape in, const onefold_graph_conv2d_params *p,
                            int bias, const onefold_graph_conv2d_params *q) {
  onefold_graph *graph = graph_empty(context);
  const onefold_node x = onefold_graph_input(graph, in);
  const onefold_node a = graph_random_conv(rng, graph, x, p, bias);
  fold_finish(graph, graph_random_conv(rng, graph, a, q, 1));
  return graph;
}

static void test_sequences(void **state) {
  (void)state;
  test_rng rng = {33};
  const onefold_graph_conv2d_params narrow = onefold_graph_conv2d_square(2, 3, 1, 1);
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(8, 1, 1, 1);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 1);
  const onefold_graph_conv2d_params wide = onefold_graph_conv2d_square(24, 1, 1, 1);
  onefold_graph_conv2d_params inside = k3;
  inside.pad_top = inside.pad_bottom = inside.pad_left = inside.pad_right = 0;
  const struct {
    const char *what;
    int64_t channels;
    onefold_graph_conv2d_params p, q;
    int bias;
    onefold_fold_verdict verdict;
  } cases[] = {
      {"3x3 then 1x1", 8, k3, k1, 1, ONEFOLD_FOLD_EXACT},
      {"1x1 then 3x3, no bias", 8, wide, k3, 0, ONEFOLD_FOLD_EXACT},
      {"1x1 then 3x3, bias meets padding", 8, wide, k3, 1, ONEFOLD_FOLD_INEXACT_BIAS},
      {"1x1 with bias then 3x3 without padding", 8, wide, inside, 1, ONEFOLD_FOLD_EXACT},
      {"3x3 then 3x3: padding in the middle", 8, k3, k3, 0, ONEFOLD_FOLD_INEXACT_DATA},
      {"3x3 then 3x3 without padding", 1, inside, inside, 0, ONEFOLD_FOLD_EXACT},
      {"few channels in the middle", 8, narrow, k1, 0, ONEFOLD_FOLD_UNPROFITABLE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("%s", cases[i].what);
    onefold_graph *graph = chain(&rng, (onefold_shape){1, cases[i].channels, 9, 8}, &cases[i].p,
                                 cases[i].bias, &cases[i].q);
    onefold_graph *folded = fold_expecting(graph, cases[i].verdict, 34);
    if (cases[i].verdict == ONEFOLD_FOLD_EXACT || cases[i].verdict == ONEFOLD_FOLD_INEXACT_BIAS)
      graph_only(folded, ONEFOLD_NODE_CONV2D);
    else
      graph_expect_same(graph, folded);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BORDER),
                     cases[i].verdict == ONEFOLD_FOLD_INEXACT_BIAS);
    fold_drop(graph, folded);
  }
}

/// 1x1 of weight 2 and bias 3, zero padding, 3x3 of ones, on ones: 20 in the corner, not 35.
static void test_border(void **state) {
  (void)state;
  onefold_graph *graph = graph_empty(context);
  const onefold_node in = onefold_graph_input(graph, (onefold_shape){1, 1, 3, 3});
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 1, 1, 1);
  const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(1, 3, 1, 1);
  const float weight = 2, bias = 3, ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  const onefold_node a = onefold_graph_conv2d(graph, in, &p, &weight, &bias);
  fold_finish(graph, onefold_graph_conv2d(graph, a, &q, ones, NULL));
  onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_INEXACT_BIAS, 35);
  const float wanted[9] = {20, 30, 20, 30, 45, 30, 20, 30, 20};
  float **y = graph_run(context, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW},
                        (const float *const[]){ones});
  assert_memory_equal(y[0], wanted, sizeof wanted);
  free(y);
  fold_drop(graph, folded);
}

/// A branch of 1x1 and 3x3 pays under a sum with a 3x3, though not alone.
static void test_sum_pays_for_a_sequence(void **state) {
  (void)state;
  test_rng rng = {36};
  onefold_graph *graph = graph_empty(context);
  const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 8, 6, 7});
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(8, 1, 1, 1);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 1);
  const onefold_graph_conv2d_params depthwise = onefold_graph_conv2d_square(8, 3, 1, 8);
  const onefold_node point = graph_random_conv(&rng, graph, x, &k1, 0);
  const onefold_node terms[2] = {graph_random_conv(&rng, graph, x, &k3, 1),
                                 graph_random_conv(&rng, graph, point, &depthwise, 1)};
  fold_finish(graph, onefold_graph_sum(graph, terms, 2));
  onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_EXACT, 37);
  graph_only(folded, ONEFOLD_NODE_CONV2D);
  fold_drop(graph, folded);
  graph = chain(&rng, (onefold_shape){1, 8, 6, 7}, &k1, 0, &depthwise);
  folded = fold_expecting(graph, ONEFOLD_FOLD_UNPROFITABLE, 38);
  graph_expect_same(graph, folded);
  fold_drop(graph, folded);
}

/// Statistics that make the folded weights large, and signs that an activation must not see.
static void test_extremes(void **state) {
  (void)state;
  test_rng rng = {48};
  const float variances[2] = {1e-12f, 1}, means[2] = {1000, -1000}, gammas[3] = {0, -1, 1};
  for (int v = 0; v < 2; v++)
    for (int m = 0; m < 2; m++)
      for (int g = 0; g < 3; g++) {
        onefold_graph *graph = graph_empty(context);
        const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 3, 5, 4});
        const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(3, 3, 1, 1);
        const float gamma[3] = {gammas[g], 1, gammas[g]}, beta[3] = {0.5f, -0.5f, 0};
        const float mean[3] = {means[m], means[m], 0};
        const float variance[3] = {variances[v], 1, variances[v]};
        const onefold_batch_norm_params bn = {gamma, beta, mean, variance, 1e-12};
        const onefold_node terms[2] = {
            onefold_graph_batch_norm(graph, graph_random_conv(&rng, graph, x, &k3, 0), &bn),
            onefold_graph_batch_norm(graph, x, &bn)};
        fold_finish(graph, onefold_graph_activation(graph, onefold_graph_sum(graph, terms, 2),
                                                    ONEFOLD_ACT_RELU, 0));
        onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_EXACT, 49);
        fold_drop(graph, folded);
      }
}

/// 6x6 stride 2 padding 2 plus a 2x2 at its centre: even kernels have offsets like any other.
static void test_even_kernels(void **state) {
  (void)state;
  test_rng rng = {50};
  onefold_graph *graph = graph_empty(context);
  const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 3, 8, 9});
  onefold_graph_conv2d_params k6 = onefold_graph_conv2d_square(5, 6, 2, 1);
  k6.pad_top = k6.pad_bottom = k6.pad_left = k6.pad_right = 2;
  onefold_graph_conv2d_params k2 = onefold_graph_conv2d_square(5, 2, 2, 1);
  k2.pad_top = k2.pad_bottom = k2.pad_left = k2.pad_right = 0;
  const onefold_node terms[2] = {
      graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, x, &k6, 0), 1e-3),
      graph_random_conv(&rng, graph, x, &k2, 0)};
  fold_finish(graph, onefold_graph_sum(graph, terms, 2));
  onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_EXACT, 51);
  const onefold_graph_conv2d_params *p = &graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d.params;
  assert_memory_equal(p, &k6, sizeof k6);
  fold_drop(graph, folded);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_batch_norm_closed_forms),
      cmocka_unit_test(test_embedding),
      cmocka_unit_test(test_identity_with_groups),
      cmocka_unit_test(test_common_groups),
      cmocka_unit_test(test_sequences),
      cmocka_unit_test(test_border),
      cmocka_unit_test(test_sum_pays_for_a_sequence),
      cmocka_unit_test(test_extremes),
      cmocka_unit_test(test_even_kernels),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
