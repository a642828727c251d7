// SPDX-License-Identifier: BSD-3-Clause
// Composition of affine maps: its verdicts and its results against brute force in double.
#include "fold/compose.h"
#include "fold/leaf.h"
#include "tests/affine_support.h"

#include <math.h>
#include <stdlib.h>

static onefold_context *context;

/// A pad node's map: `pads` around an image of C channels, with value[c].
static onefold_affine *pad_map(const onefold_affine *before, const int64_t pads[4],
                               const float *value) {
  onefold_graph *graph;
  test_ok(context, onefold_graph_create(context, &graph));
  const onefold_shape in = {1, before->out_channels, before->h.out, before->w.out};
  const onefold_pad_params params = {pads[0], pads[1], pads[2], pads[3], value};
  const onefold_node node = onefold_graph_pad(graph, onefold_graph_input(graph, in), &params);
  test_ok(context, onefold_graph_status(graph));
  onefold_affine *map = onefold_leaf_pad(context, graph, &graph->nodes[node]);
  assert_non_null(map);
  onefold_graph_destroy(graph);
  return map;
}

/// Brute force: first, then second, each from its definition, on image x; to be freed.
static double *chain_of(const onefold_affine *const *maps, int count, const double *x) {
  double *y = NULL;
  for (int k = 0; k < count; k++) {
    double *next = affine_apply(maps[k], y ? y : x);
    free(y);
    y = next;
  }
  return y;
}

/// Counts of a test of verdicts.
typedef struct outcomes {
  int exact, bordered, data;
} outcomes;

/// `second` after `first`, which is the chain maps[0..count-2] with maps[count-1] to come: the
/// verdict is EXACT where one map with a border is the chain, and then that map is returned.
static onefold_affine *check_pair(test_rng *rng, const onefold_affine *first,
                                  const onefold_affine *const *maps, int count, outcomes *seen) {
  const onefold_affine *second = maps[count - 1];
  const onefold_fold_verdict verdict = onefold_affine_compose_verdict(first, second);
  onefold_affine *both = onefold_affine_compose(context, first, second);
  assert_non_null(both);
  double *x = affine_random_image(rng, first->in_channels * first->h.in * first->w.in);
  double *wanted = chain_of(maps, count, x), *composed = affine_apply(both, x);
  const double difference = affine_largest_difference(wanted, composed, affine_outputs(both));
  if ((verdict == ONEFOLD_FOLD_EXACT) != (difference < 1e-6))
    test_failed("verdict %s, difference %g", onefold_fold_verdict_name(verdict), difference);
  if (verdict == ONEFOLD_FOLD_EXACT && both->border) {
    double *border = both->border;
    both->border = NULL;
    double *plain = affine_apply(both, x);
    both->border = border;
    if (!(affine_largest_difference(wanted, plain, affine_outputs(both)) > 1e-6))
      test_failed("a border that is not needed");
    free(plain);
  }
  seen->exact += verdict == ONEFOLD_FOLD_EXACT && !both->border;
  seen->bordered += verdict == ONEFOLD_FOLD_EXACT && both->border;
  seen->data += verdict == ONEFOLD_FOLD_INEXACT_DATA;
  free(x);
  free(wanted);
  free(composed);
  if (verdict == ONEFOLD_FOLD_EXACT) return both;
  onefold_affine_destroy(context, both);
  return NULL;
}

/// Random chains of two convolutions, every third with padding by constants between them.
static void test_verdicts(void **state) {
  (void)state;
  test_rng rng = {21};
  outcomes seen = {0};
  for (int i = 0; i < 2000;) {
    const onefold_shape in = {1, 4, test_range(&rng, 3, 12), test_range(&rng, 3, 12)};
    const int64_t groups[] = {1, 2, 4};
    const int bias = test_once_in(&rng, 2), padded = test_once_in(&rng, 3);
    onefold_graph_conv2d_params p = affine_random_params(&rng, 4, test_pick(&rng, groups));
    onefold_graph_conv2d_params q = affine_random_params(&rng, 4, test_pick(&rng, groups));
    onefold_affine *maps[3] = {affine_random_conv(context, &rng, in, &p, bias)}, *joined = NULL,
                   *all = NULL;
    if (!maps[0]) continue;
    test_case("chain %d: %lldx%lld, %lldx%lld s%lld,%lld then %lldx%lld s%lld,%lld bias %d pad %d",
              i, (long long)in.h, (long long)in.w, (long long)p.kernel_h, (long long)p.kernel_w,
              (long long)p.stride_h, (long long)p.stride_w, (long long)q.kernel_h,
              (long long)q.kernel_w, (long long)q.stride_h, (long long)q.stride_w, bias, padded);
    int count = 1;
    if (padded) {
      // The constant is what the map before gives for zeros, or is not.
      float value[4];
      for (int c = 0; c < 4; c++)
        value[c] = (float)maps[0]->bias[c] + (test_once_in(&rng, 6) ? 1.0f : 0.0f);
      const int64_t pads[4] = {test_range(&rng, 0, 2), test_range(&rng, 0, 2),
                               test_range(&rng, 0, 2), test_range(&rng, 0, 2)};
      maps[count++] = pad_map(maps[0], pads, value);
      joined = check_pair(&rng, maps[0], (const onefold_affine *const *)maps, count, &seen);
    }
    const onefold_affine *first = padded ? joined : maps[0];
    if (first)
      maps[count] = affine_random_conv(context, &rng,
                                       (onefold_shape){1, 4, first->h.out, first->w.out}, &q, 1);
    if (first && maps[count])
      all = check_pair(&rng, first, (const onefold_affine *const *)maps, ++count, &seen);
    i += count > 1;
    for (int k = 0; k < count; k++) onefold_affine_destroy(context, maps[k]);
    onefold_affine_destroy(context, joined);
    onefold_affine_destroy(context, all);
  }
  assert_true(seen.exact > 200);
  assert_true(seen.bordered > 100);
  assert_true(seen.data > 200);
}

/// Where a composition is inexact by data, it is the chain in the clean region all the same: at
/// the outputs whose windows lie inside the middle image.
static void test_clean_region(void **state) {
  (void)state;
  test_rng rng = {27};
  int seen = 0;
  for (int i = 0; i < 300; i++) {
    const onefold_shape in = {1, 4, test_range(&rng, 5, 12), test_range(&rng, 5, 12)};
    const onefold_graph_conv2d_params p = affine_random_params(&rng, 4, 1),
                                      q = affine_random_params(&rng, 4, 2);
    onefold_affine *maps[2] = {affine_random_conv(context, &rng, in, &p, 1), NULL};
    if (maps[0])
      maps[1] = affine_random_conv(context, &rng,
                                   (onefold_shape){1, 4, maps[0]->h.out, maps[0]->w.out}, &q, 1);
    if (maps[1] && onefold_affine_compose_verdict(maps[0], maps[1]) == ONEFOLD_FOLD_INEXACT_DATA) {
      onefold_affine *both = onefold_affine_compose(context, maps[0], maps[1]);
      double *x = affine_random_image(&rng, in.c * in.h * in.w);
      double *wanted = chain_of((const onefold_affine *const *)maps, 2, x);
      double *got = affine_apply(both, x);
      const onefold_axis *h = &maps[1]->h, *w = &maps[1]->w;
      for (int64_t k = 0; k < affine_outputs(both); k++) {
        const int64_t u = k / w->out % h->out, v = k % w->out;
        if (h->stride * u + h->lo < 0 || h->stride * u + onefold_axis_hi(h) >= h->in ||
            w->stride * v + w->lo < 0 || w->stride * v + onefold_axis_hi(w) >= w->in)
          continue;
        seen++;
        if (!(fabs(wanted[k] - got[k]) < 1e-9))
          test_failed("chain %d: output %lld of the clean region is off", i, (long long)k);
      }
      free(x);
      free(wanted);
      free(got);
      onefold_affine_destroy(context, both);
    }
    onefold_affine_destroy(context, maps[0]);
    onefold_affine_destroy(context, maps[1]);
  }
  assert_true(seen > 1000);
}

/// 3x3 stride 2 before 3x3: the low side never leaks, the high side depends on the parity.
static void test_stride_parity(void **state) {
  (void)state;
  test_rng rng = {22};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 3, 2, 1);
  const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(1, 3, 1, 1);
  for (int64_t size = 7; size <= 8; size++) {
    const onefold_shape in = {1, 1, size, size};
    onefold_affine *first = affine_random_conv(context, &rng, in, &p, 0);
    onefold_affine *second =
        affine_random_conv(context, &rng, (onefold_shape){1, 1, first->h.out, first->w.out}, &q, 0);
    assert_int_equal(onefold_affine_compose_verdict(first, second),
                     size == 7 ? ONEFOLD_FOLD_EXACT : ONEFOLD_FOLD_INEXACT_DATA);
    onefold_affine_destroy(context, first);
    onefold_affine_destroy(context, second);
  }
}

/// What a verdict takes does not grow with the image. (One look at each pixel would take hours.)
static void test_long_images(void **state) {
  (void)state;
  test_rng rng = {23};
  const onefold_shape in = {1, 1, INT64_C(1) << 42, 1};
  for (int padded = 0; padded <= 1; padded++) {
    onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 3, 1, 1), q = p;
    p.kernel_w = q.kernel_w = 1;
    p.pad_left = p.pad_right = q.pad_left = q.pad_right = 0;
    q.pad_top = 0;
    q.pad_bottom = padded;
    onefold_affine *first = affine_random_conv(context, &rng, in, &p, 0);
    onefold_affine *second = affine_random_conv(context, &rng, in, &q, 0);
    assert_int_equal(onefold_affine_compose_verdict(first, second),
                     padded ? ONEFOLD_FOLD_INEXACT_DATA : ONEFOLD_FOLD_EXACT);
    onefold_affine_destroy(context, first);
    onefold_affine_destroy(context, second);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verdicts),
      cmocka_unit_test(test_clean_region),
      cmocka_unit_test(test_stride_parity),
      cmocka_unit_test(test_long_images),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_compose", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
