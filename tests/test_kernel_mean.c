// SPDX-License-Identifier: BSD-3-Clause
// Every row of the mean over all pixels against a sum in double: the same float where all sums are
// exact, and on other values within the bound of a sum of few terms, however many pixels there are;
// NaN and the infinities included. Buffers lie between guard pages.
#include "tests/kernel_support.h"

#include <math.h>

enum { MAX_PIXELS = 3000, TERMS = 64 };

typedef struct fixture {
  test_guard src, dst;
} fixture;

static void fill(test_rng *rng, int index, int exact, float *x, size_t n) {
  static const float special[] = {NAN, -NAN, INFINITY, -INFINITY};
  if (exact) {
    test_fill_integers(rng, x, n, 50);
  } else { // whose sum in float alone would be far off
    test_fill_uniform(rng, x, n);
    for (size_t i = 0; i < n; i++) x[i] += 1000.0f;
  }
  if (index % 4 == 0) x[test_range(rng, 0, (int64_t)n - 1)] = test_pick(rng, special);
}

static void run_case(fixture *f, const onefold_kernel *row, int index) {
  test_rng rng = test_case_rng(row, index);
  const int v = test_row_width(row, &rng), exact = !test_once_in(&rng, 3);
  const size_t pixels = (size_t)test_range(&rng, 1, test_once_in(&rng, 2) ? 80 : MAX_PIXELS);
  const test_side side = test_once_in(&rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
  float *src = test_guard_place(&f->src, pixels * (size_t)v, side);
  float *dst = test_guard_place(&f->dst, (size_t)v, side);
  fill(&rng, index, exact, src, pixels * (size_t)v);
  test_case("%s case %d: %zu pixels of %d, %s", row->name, index, pixels, v,
            exact ? "integers" : "floats");
  ((onefold_mean_fn *)row->fn)(src, pixels, dst, v);
  for (int l = 0; l < v; l++) {
    double sum = 0, size = 0;
    for (size_t p = 0; p < pixels; p++) {
      sum += (double)src[p * (size_t)v + (size_t)l];
      size += fabs((double)src[p * (size_t)v + (size_t)l]);
    }
    const double mean = sum / (double)pixels, want = exact ? (double)(float)mean : mean;
    const double bound = exact ? 0 : TERMS * ldexp(size, -24) / (double)pixels;
    const int right = isnan(want)   ? isnan(dst[l])
                      : isinf(want) ? (double)dst[l] == want
                                    : fabs((double)dst[l] - want) <= bound;
    if (!right) test_failed("lane %d is %.9g, not %.9g", l, (double)dst[l], want);
  }
  if (!test_guard_intact(&f->src) || !test_guard_intact(&f->dst))
    test_failed("memory next to a buffer was written");
}

static void test_row(void **state) {
  fixture f;
  test_guard_create(&f.src, MAX_PIXELS * ONEFOLD_MAX_VECTOR * sizeof(float));
  test_guard_create(&f.dst, ONEFOLD_MAX_VECTOR * sizeof(float));
  const int cases = test_scaled(1000);
  for (int i = 0; i < cases; i++) run_case(&f, *state, i);
  test_guard_destroy(&f.src);
  test_guard_destroy(&f.dst);
}

int main(void) {
  if (test_isa_missing()) return 1;
  return test_rows("mean kernels", ONEFOLD_OP_MEAN, ONEFOLD_OP_MEAN, test_row) != 0;
}
