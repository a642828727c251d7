// SPDX-License-Identifier: BSD-3-Clause
// The algebra of affine maps: sums over groups and windows, and writing down as a convolution.
#include "tests/affine_support.h"

#include <stdlib.h>

static onefold_context *context;

/// Sums of convolutions of random windows and groups, and an identity.
static void test_sums(void **state) {
  (void)state;
  test_rng rng = {23};
  const onefold_shape in = {1, 12, 9, 8};
  const int64_t groups[] = {1, 2, 3, 4, 6, 12};
  for (int i = 0; i < 200; i++) {
    onefold_affine *terms[4];
    const int count = (int)test_range(&rng, 2, 4);
    int64_t expected = 12;
    double *x = affine_random_image(&rng, in.c * in.h * in.w);
    double *wanted = NULL;
    for (int k = 0; k < count; k++) {
      onefold_graph_conv2d_params p = onefold_graph_conv2d_square(
          12, 2 * test_range(&rng, 0, 2) + 1, 1, test_pick(&rng, groups));
      p.dilation_h = p.dilation_w = test_range(&rng, 1, 2);
      p.pad_top = p.pad_bottom = p.dilation_h * (p.kernel_h / 2);
      p.pad_left = p.pad_right = p.pad_top;
      terms[k] = k == 0 && test_once_in(&rng, 2) ? onefold_affine_scale(context, in, NULL, NULL)
                                                 : affine_random_conv(context, &rng, in, &p, 1);
      int64_t a = expected, b = terms[k]->groups;
      while (b) {
        const int64_t r = a % b;
        a = b;
        b = r;
      }
      expected = a;
      double *y = affine_apply(terms[k], x);
      if (wanted)
        for (int64_t e = 0; e < affine_outputs(terms[k]); e++) wanted[e] += y[e];
      if (wanted)
        free(y);
      else
        wanted = y;
    }
    onefold_affine geometry;
    assert_true(onefold_affine_sum_geometry((const onefold_affine *const *)terms, (size_t)count,
                                            &geometry));
    assert_int_equal(geometry.groups, expected);
    onefold_affine *sum = onefold_affine_create(context, &geometry);
    for (int k = 0; k < count; k++) onefold_affine_accumulate(sum, terms[k], 0);
    double *got = affine_apply(sum, x);
    assert_true(affine_largest_difference(wanted, got, affine_outputs(sum)) < 1e-10);
    for (int k = 0; k < count; k++) onefold_affine_destroy(context, terms[k]);
    onefold_affine_destroy(context, sum);
    free(got);
    free(wanted);
    free(x);
  }
}

static void test_sum_refuses_other_grids(void **state) {
  (void)state;
  test_rng rng = {24};
  const onefold_shape in = {1, 4, 8, 8};
  onefold_graph_conv2d_params p = onefold_graph_conv2d_square(4, 3, 2, 1);
  onefold_graph_conv2d_params q = onefold_graph_conv2d_square(4, 3, 1, 1);
  onefold_affine *a = affine_random_conv(context, &rng, in, &p, 0),
                 *b = affine_random_conv(context, &rng, in, &q, 0);
  onefold_affine geometry;
  assert_false(onefold_affine_sum_geometry((const onefold_affine *const[]){a, b}, 2, &geometry));
  onefold_affine_destroy(context, a);
  onefold_affine_destroy(context, b);
}

/// A map becomes a convolution and back: same map, same geometry, tightest dilation.
static void test_to_conv2d(void **state) {
  (void)state;
  test_rng rng = {25};
  for (int i = 0; i < 500;) {
    const onefold_shape in = {1, 4, test_range(&rng, 3, 12), test_range(&rng, 3, 12)};
    const onefold_graph_conv2d_params p = affine_random_params(&rng, 6, 2);
    onefold_affine *f = affine_random_conv(context, &rng, in, &p, 1);
    if (!f) continue;
    const size_t count = onefold_affine_weights(f);
    float weight[6 * 2 * 25], bias[6];
    onefold_graph_conv2d_params q;
    onefold_ring outside;
    assert_true(onefold_affine_to_conv2d(f, &q, &outside));
    assert_true(onefold_ring_is_empty(&outside));
    for (size_t k = 0; k < count; k++) weight[k] = (float)f->weight[k];
    for (int k = 0; k < 6; k++) bias[k] = (float)f->bias[k];
    assert_int_equal(q.kernel_h, p.kernel_h);
    assert_int_equal(q.pad_top, p.pad_top);
    assert_int_equal(q.dilation_w, p.kernel_w > 1 ? p.dilation_w : 1);
    onefold_affine *g = onefold_affine_conv2d(context, in, &q, weight, bias);
    assert_int_equal(g->h.out, f->h.out);
    assert_int_equal(g->w.out, f->w.out);
    assert_memory_equal(f->weight, g->weight, count * sizeof *f->weight);
    assert_memory_equal(f->bias, g->bias, 6 * sizeof *f->bias);
    onefold_affine_destroy(context, f);
    onefold_affine_destroy(context, g);
    i++;
  }
}

/// Zero padding that is symmetric in the source stays so where a stride leaves a choice.
static void test_symmetric_padding(void **state) {
  (void)state;
  test_rng rng = {26};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(2, 3, 2, 1);
  onefold_affine *f = affine_random_conv(context, &rng, (onefold_shape){1, 2, 8, 9}, &p, 0);
  onefold_graph_conv2d_params q;
  onefold_ring outside;
  assert_true(onefold_affine_to_conv2d(f, &q, &outside));
  assert_memory_equal(&p, &q, sizeof p);
  onefold_affine_destroy(context, f);
}

/// The classes of a ring on 2^32 x 2^32 pixels are more than size_t counts.
static void test_border_does_not_fit(void **state) {
  (void)state;
  const int64_t size = INT64_C(1) << 32;
  const onefold_affine geometry = {.in_channels = 1,
                                   .out_channels = 1,
                                   .groups = 1,
                                   .h = {size, size, 1, 0, 0, 1},
                                   .w = {size, size, 1, 0, 0, 1},
                                   .ring = {size - 1, 0, size - 1, 0}};
  assert_null(onefold_affine_create(context, &geometry));
  assert_int_equal(onefold_context_last_error(context, NULL, 0), ONEFOLD_OUT_OF_MEMORY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sums),
      cmocka_unit_test(test_sum_refuses_other_grids),
      cmocka_unit_test(test_to_conv2d),
      cmocka_unit_test(test_symmetric_padding),
      cmocka_unit_test(test_border_does_not_fit),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_algebra", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
