// SPDX-License-Identifier: BSD-3-Clause
// The rows without a tile: add, scale_shift, the reorders and the copy of the
// peak measurement, exact on small integers, every length up to a few vectors,
// between guard pages.
#include "tests/kernel_support.h"

#include <math.h>
#include <string.h>

enum { MAX_FLOATS = 1 << 14 };

typedef struct fixture {
  test_guard a, b, c, dst;
  float want[MAX_FLOATS];
} fixture;

static void create(fixture *f) {
  test_guard *const guards[] = {&f->a, &f->b, &f->c, &f->dst};
  for (int i = 0; i < 4; i++) test_guard_create(guards[i], MAX_FLOATS * sizeof(float));
}

static void destroy(fixture *f) {
  test_guard *const guards[] = {&f->a, &f->b, &f->c, &f->dst};
  for (int i = 0; i < 4; i++) test_guard_destroy(guards[i]);
}

static float *integers(test_guard *guard, test_rng *rng, size_t n, test_side side) {
  float *values = test_guard_place(guard, n, side);
  test_fill_integers(rng, values, n, 1000);
  return values;
}

static test_side draw_side(test_rng *rng) {
  return test_once_in(rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
}

/// `values` lies in the guard's buffer and must equal f->want in full.
static void check(const fixture *f, const test_guard *guard, const float *values, size_t n) {
  const size_t at = test_first_difference(values, f->want, n);
  if (at < n) {
    test_failed("[%zu] is %.9g, not %.9g", at, (double)values[at], (double)f->want[at]);
  }
  if (!test_guard_intact(guard)) test_failed("memory next to the result was written");
}

static void run_add(fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  const size_t n = (size_t)index % 100;
  const test_side side = draw_side(rng);
  const float *a = integers(&f->a, rng, n, side);
  const float *b = test_once_in(rng, 4) ? a : integers(&f->b, rng, n, side);
  const int alias = (int)test_range(rng, 0, 2);
  float *dst = test_guard_place(&f->dst, n, side);
  if (alias == 1) dst = (float *)(uintptr_t)a;
  if (alias == 2) dst = (float *)(uintptr_t)b;
  for (size_t i = 0; i < n; i++) f->want[i] = a[i] + b[i];
  test_case("%s case %d: n=%zu, dst is %s", row->name, index, n,
            alias == 0   ? "apart"
            : alias == 1 ? "a"
                         : "b");
  ((onefold_add_fn *)row->fn)(a, b, dst, n);
  check(f, dst == a ? &f->a : dst == b ? &f->b : &f->dst, dst, n);
}

static void run_scale_shift(fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  const size_t width = (size_t)test_row_width(row, rng);
  const size_t period = test_once_in(rng, 3)   ? 1
                        : test_once_in(rng, 2) ? width
                                               : (size_t)test_range(rng, 1, 50);
  const size_t n = (size_t)(index % 200);
  const test_side side = draw_side(rng);
  const float *src = integers(&f->a, rng, n, side);
  const float *scale = integers(&f->b, rng, period, side);
  const float *shift = integers(&f->c, rng, period, side);
  const int alias = test_once_in(rng, 2);
  float *dst = alias ? (float *)(uintptr_t)src : test_guard_place(&f->dst, n, side);
  for (size_t i = 0; i < n; i++) f->want[i] = src[i] * scale[i % period] + shift[i % period];
  test_case("%s case %d: n=%zu period=%zu%s", row->name, index, n, period,
            alias ? " in place" : "");
  ((onefold_scale_shift_fn *)row->fn)(src, scale, shift, period, dst, n);
  check(f, alias ? &f->a : &f->dst, dst, n);
}

/// Between a blocked buffer of `pixels` groups of v and a plain one where
/// channel c of pixel p is at c*channel_stride + p*pixel_stride.
typedef struct reorder {
  int v, channels;
  size_t pixels, channel_stride, pixel_stride, plain, blocked;
  test_side side;
} reorder;

static reorder draw_reorder(const onefold_kernel *row, int index, int planes, test_rng *rng) {
  reorder r;
  r.v = test_row_width(row, rng);
  r.channels = 1 + index % r.v;
  r.pixels = (size_t)(index / r.v % 50);
  const size_t gap = (size_t)(test_once_in(rng, 2) ? 0 : test_range(rng, 1, 9));
  r.channel_stride = planes ? r.pixels + gap : 1;
  r.pixel_stride = planes ? 1 : (size_t)r.channels + gap;
  r.plain = r.pixels == 0
                ? 0
                : (size_t)(r.channels - 1) * r.channel_stride + (r.pixels - 1) * r.pixel_stride + 1;
  r.blocked = r.pixels * (size_t)r.v;
  r.side = draw_side(rng);
  test_case("%s case %d: v=%d channels=%d pixels=%zu strides %zu, %zu", row->name, index, r.v,
            r.channels, r.pixels, r.channel_stride, r.pixel_stride);
  return r;
}

static size_t plain_at(const reorder *r, size_t pixel, int channel) {
  return (size_t)channel * r->channel_stride + pixel * r->pixel_stride;
}

static void run_to_blocked(fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  const int planes = row->op == ONEFOLD_OP_TO_BLOCKED;
  const reorder r = draw_reorder(row, index, planes, rng);
  float *src = test_guard_place(&f->a, r.plain, r.side);
  for (size_t p = 0; p < r.pixels; p++) {
    for (int c = 0; c < r.v; c++) {
      float *want = &f->want[p * (size_t)r.v + (size_t)c];
      *want = c < r.channels ? (float)test_range(rng, -1000, 1000) : 0.0f;
      if (c < r.channels) src[plain_at(&r, p, c)] = *want;
    }
  }
  float *dst = test_guard_place(&f->dst, r.blocked, r.side);
  if (planes) {
    ((onefold_to_blocked_fn *)row->fn)(src, r.channel_stride, r.channels, dst, r.pixels, r.v);
  } else {
    ((onefold_rows_to_blocked_fn *)row->fn)(src, r.pixel_stride, r.channels, dst, r.pixels, r.v);
  }
  check(f, &f->dst, dst, r.blocked);
}

static void run_from_blocked(fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  const int planes = row->op == ONEFOLD_OP_FROM_BLOCKED;
  const reorder r = draw_reorder(row, index, planes, rng);
  const float *src = integers(&f->a, rng, r.blocked, r.side);
  float *dst = test_guard_place(&f->dst, r.plain, r.side);
  memcpy(f->want, dst, r.plain * sizeof(float)); // gaps keep their NaN
  for (size_t p = 0; p < r.pixels; p++) {
    for (int c = 0; c < r.channels; c++) {
      f->want[plain_at(&r, p, c)] = src[p * (size_t)r.v + (size_t)c];
    }
  }
  if (planes) {
    ((onefold_from_blocked_fn *)row->fn)(src, dst, r.channel_stride, r.channels, r.pixels, r.v);
  } else {
    ((onefold_rows_from_blocked_fn *)row->fn)(src, dst, r.pixel_stride, r.channels, r.pixels, r.v);
  }
  check(f, &f->dst, dst, r.plain);
}

static void run_peak_copy(fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  const size_t n = (size_t)index % 300;
  const test_side side = draw_side(rng);
  const float *src = integers(&f->a, rng, n, side);
  float *dst = test_guard_place(&f->dst, n, side);
  memcpy(f->want, src, n * sizeof(float));
  test_case("%s case %d: n=%zu", row->name, index, n);
  ((onefold_peak_copy_fn *)row->fn)(src, dst, n);
  check(f, &f->dst, dst, n);
}

static void run_peak_read(fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  const size_t n = (size_t)index % 300;
  const float *src = integers(&f->a, rng, n, draw_side(rng));
  float want = 0.0f; // whole numbers far below 2^24: any order is exact
  for (size_t i = 0; i < n; i++) want += src[i];
  test_case("%s case %d: n=%zu", row->name, index, n);
  const float got = ((onefold_peak_read_fn *)row->fn)(src, n);
  if (got != want) test_failed("the sum is %.9g, not %.9g", (double)got, (double)want);
}

static void test_row(void **state) {
  static void (*const run[ONEFOLD_OP_COUNT])(fixture *, const onefold_kernel *, int, test_rng *) = {
      [ONEFOLD_OP_ADD] = run_add,
      [ONEFOLD_OP_SCALE_SHIFT] = run_scale_shift,
      [ONEFOLD_OP_TO_BLOCKED] = run_to_blocked,
      [ONEFOLD_OP_FROM_BLOCKED] = run_from_blocked,
      [ONEFOLD_OP_ROWS_TO_BLOCKED] = run_to_blocked,
      [ONEFOLD_OP_ROWS_FROM_BLOCKED] = run_from_blocked,
      [ONEFOLD_OP_PEAK_COPY] = run_peak_copy,
      [ONEFOLD_OP_PEAK_READ] = run_peak_read,
  };
  static fixture f;
  const onefold_kernel *row = *state;
  assert_non_null(run[row->op]);
  create(&f);
  const int cases = test_scaled(3000);
  for (int i = 0; i < cases; i++) {
    test_rng rng = test_case_rng(row, i);
    run[row->op](&f, row, i, &rng);
  }
  destroy(&f);
}

int main(void) {
  if (test_isa_missing()) return 1;
  int failures =
      test_rows("add and reorder kernels", ONEFOLD_OP_ADD, ONEFOLD_OP_ROWS_FROM_BLOCKED, test_row);
  failures += test_rows("peak kernels", ONEFOLD_OP_PEAK_READ, ONEFOLD_OP_PEAK_COPY, test_row);
  return failures != 0;
}
