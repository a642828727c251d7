// SPDX-License-Identifier: BSD-3-Clause
// The mean over the pixels of an image: of few pixels and of more than one call of a kernel sums,
// as exact as sums of short runs in double are, NaN where a pixel is, and the same bits by any
// number of threads.
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Most terms of a sum in float, and the roundings of the result.
enum { TERMS = 64, ROUNDINGS = 2 };

static const struct {
  int64_t h, w;
} sizes[] = {{1, 1},  {1, 2},   {1, 3},   {2, 2},   {1, 5},   {7, 7},   {1, 127},  {8, 16},
             {3, 43}, {14, 14}, {1, 257}, {31, 33}, {56, 56}, {64, 64}, {17, 241}, {130, 97}};

/// Values whose sum loses much where it is taken in float alone.
static void fill(test_rng *rng, float *x, size_t n) {
  test_fill_uniform(rng, x, n);
  for (size_t i = 0; i < n; i++) x[i] = 1000.0f + x[i];
}

static void expect_mean(const float *x, size_t pixels, float got) {
  double sum = 0, size = 0;
  for (size_t p = 0; p < pixels; p++) {
    sum += (double)x[p];
    size += fabs((double)x[p]);
  }
  const double want = sum / (double)pixels, unit = ldexp(1.0, -24);
  if (isnan(want) ? !isnan(got)
                  : fabs((double)got - want) > (TERMS + ROUNDINGS) * unit * size / (double)pixels)
    test_failed("%.9g, not %.9g", (double)got, want);
}

static void check(onefold_context *const *context, onefold_shape in, test_rng *rng) {
  const size_t pixels = (size_t)(in.h * in.w), planes = (size_t)(in.n * in.c);
  float *x = malloc(planes * pixels * sizeof *x), **y[2];
  fill(rng, x, planes * pixels);
  const size_t odd = (size_t)test_range(rng, 0, (int64_t)planes - 1); // the plane with a NaN
  x[odd * pixels + (size_t)test_range(rng, 0, (int64_t)pixels - 1)] = NAN;
  const float *const inputs[] = {x};
  for (int k = 0; k < 2; k++) {
    onefold_graph *g = graph_with_input(context[k], in);
    test_ok(context[k], onefold_graph_output(g, onefold_graph_global_pool(g, 0)));
    y[k] = graph_run(context[k], g, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, inputs);
    onefold_graph_destroy(g);
  }
  for (size_t i = 0; i < planes; i++) {
    for (int k = 0; k < 2; k++) expect_mean(x + i * pixels, pixels, y[k][0][i]);
    if (memcmp(&y[0][0][i], &y[1][0][i], sizeof(float)) != 0 && i != odd)
      test_failed("plane %zu is %.9g by three threads, %.9g by one", i, (double)y[1][0][i],
                  (double)y[0][0][i]);
  }
  free(x);
  free(y[0]);
  free(y[1]);
}

static void test_means(void **state) {
  static const int64_t channels[] = {1, 16, 33, 100};
  onefold_context *context[] = {test_context(test_level(state), 1),
                                test_context(test_level(state), 3)};
  test_rng rng = {93};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (int64_t batch = 1; batch <= 2; batch++) {
      const onefold_shape in = {batch, test_pick(&rng, channels), sizes[i].h, sizes[i].w};
      test_case("%s: %lldx%lldx%lldx%lld", onefold_isa_name(test_level(state)), (long long)in.n,
                (long long)in.c, (long long)in.h, (long long)in.w);
      check(context, in, &rng);
    }
  }
  onefold_context_destroy(context[0]);
  onefold_context_destroy(context[1]);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_means)};
  return test_every_level("graph_means", tests, sizeof tests / sizeof *tests);
}
