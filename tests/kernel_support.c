// SPDX-License-Identifier: BSD-3-Clause
// Helpers of the kernel tests: one test per row, and random epilogues.
#include "tests/kernel_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int test_rows(const char *group, onefold_op first, onefold_op last, CMUnitTestFunction test) {
  size_t count = 0, tests = 0;
  const onefold_kernel *rows = onefold_kernel_rows(&count);
  struct CMUnitTest *list = calloc(count + 1, sizeof(*list));
  if (!list) return 1;
  for (size_t i = 0; i < count; i++) {
    if (rows[i].op < first || rows[i].op > last || !test_isa_runs(rows[i].isa)) continue;
    list[tests].name = rows[i].name;
    list[tests].test_func = test;
    list[tests++].initial_state = (void *)(uintptr_t)&rows[i];
  }
  if (tests == 0) fprintf(stderr, "FAILED: no row of %s runs here\n", group);
  const int failures = tests ? _cmocka_run_group_tests(group, list, tests, NULL, NULL) : 1;
  free(list);
  return failures;
}

int test_row_width(const onefold_kernel *row, test_rng *rng) {
  static const int widths[] = {4, 8, 16};
  return row->v ? row->v : test_pick(rng, widths);
}

test_rng test_case_rng(const onefold_kernel *row, int index) {
  test_rng rng = {UINT64_C(1469598103934665603)};
  for (const char *c = row->name; *c; c++) {
    rng.state = (rng.state ^ (unsigned char)*c) * UINT64_C(1099511628211);
  }
  rng.state += (uint64_t)index;
  rng.state = test_random(&rng);
  return rng;
}

void test_span_add(test_span *span, ptrdiff_t offset, ptrdiff_t count) {
  if (offset < span->low) span->low = offset;
  if (offset + count - 1 > span->high) span->high = offset + count - 1;
}

size_t test_span_size(const test_span *span) {
  return span->high < span->low ? 0 : (size_t)(span->high - span->low + 1);
}

void test_epilogue_create(test_epilogue *t, size_t channels, size_t dst_floats) {
  memset(t, 0, sizeof(*t));
  test_guard_create(&t->bias, channels * sizeof(float));
  test_guard_create(&t->scale, channels * sizeof(float));
  test_guard_create(&t->residual_scale, channels * sizeof(float));
  test_guard_create(&t->residual, dst_floats * sizeof(float));
}

void test_epilogue_destroy(test_epilogue *t) {
  test_guard_destroy(&t->bias);
  test_guard_destroy(&t->scale);
  test_guard_destroy(&t->residual_scale);
  test_guard_destroy(&t->residual);
}

/// 2*z + param: exact on small integers, and told apart if done twice or never.
static void post_double(float param, const float *src, float *dst, size_t n) {
  for (size_t i = 0; i < n; i++) dst[i] = 2.0f * src[i] + param;
}

static const float *draw_array(test_guard *guard, test_rng *rng, int exact, test_side side,
                               size_t n) {
  float *values = test_guard_place(guard, n, side);
  if (test_once_in(rng, 2)) return NULL;
  if (exact) {
    test_fill_integers(rng, values, n, 3);
  } else {
    test_fill_uniform(rng, values, n);
  }
  return values;
}

void test_epilogue_draw(test_epilogue *t, test_rng *rng, int exact, test_side side, size_t channels,
                        size_t dst_floats) {
  static const float clamps[][2] = {
      {-INFINITY, INFINITY}, {-INFINITY, INFINITY}, {0.0f, INFINITY}, {0.0f, 6.0f}, {-3.0f, 11.0f}};
  onefold_epilogue *e = &t->e;

  memset(e, 0, sizeof(*e));
  e->bias = draw_array(&t->bias, rng, exact, side, channels);
  e->scale = draw_array(&t->scale, rng, exact, side, channels);
  e->residual_scale = draw_array(&t->residual_scale, rng, exact, side, channels);
  float *residual = test_guard_place(&t->residual, dst_floats, side);
  if (test_once_in(rng, 2)) e->residual = residual;
  e->residual_after = test_once_in(rng, 2);
  const float *clamp = test_pick(rng, clamps);
  e->lo = clamp[0];
  e->hi = clamp[1];
  e->leaky = test_once_in(rng, 3);
  e->slope = test_once_in(rng, 4) ? -0.5f : 0.25f; // exact on integers
  if (test_once_in(rng, 3)) {
    e->post = post_double;
    e->post_param = (float)test_range(rng, -5, 5);
  }
  snprintf(t->text, sizeof(t->text), "%s%s%s%s%s%sclamp %g..%g %s", e->bias ? "bias " : "",
           e->scale ? "scale " : "",
           !e->residual        ? ""
           : e->residual_after ? "residual-after "
                               : "residual-before ",
           e->residual_scale ? "residual-scale " : "", e->post ? "post " : "",
           e->leaky ? "leaky " : "", (double)e->lo, (double)e->hi, exact ? "integers" : "floats");
}

double test_epilogue_begin(const test_epilogue *t, size_t channel, double *s) {
  const double bias = t->e.bias ? t->e.bias[channel] : 0.0;
  *s += fabs(bias);
  return bias;
}

double test_epilogue_apply(const test_epilogue *t, size_t channel, double residual, double z,
                           double *s) {
  const onefold_epilogue *e = &t->e;
  const double r =
      e->residual ? residual * (e->residual_scale ? e->residual_scale[channel] : 1.0) : 0.0;
  const double scale = e->scale ? e->scale[channel] : 1.0;

  z *= scale;
  *s *= fabs(scale);
  if (!e->residual_after) z += r;
  *s += fabs(r);
  if (e->leaky && z < 0) z *= (double)e->slope;
  z = fmin(fmax(z, e->lo), e->hi);
  if (e->post) {
    z = 2.0 * z + e->post_param;
    *s = 2.0 * *s + fabs((double)e->post_param);
  }
  return e->residual_after ? z + r : z;
}

int test_epilogue_intact(const test_epilogue *t) {
  return test_guard_intact(&t->bias) && test_guard_intact(&t->scale) &&
         test_guard_intact(&t->residual_scale) && test_guard_intact(&t->residual);
}
