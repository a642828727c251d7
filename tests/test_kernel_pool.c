// SPDX-License-Identifier: BSD-3-Clause
// Every pooling row against the definition in kernel.h in double: exact on
// small integers, under the bound of test_sum_bound on floats, NaN and the
// infinities included. Buffers span exactly the elements that the arguments
// name, between guard pages; what lies between those elements is NaN.
#include "tests/kernel_support.h"

#include <math.h>
#include <string.h>

enum { MAX_PIXELS = 40, MAX_FLOATS = 1 << 17 };

typedef struct fixture {
  test_guard src, dst;
} fixture;

typedef struct problem {
  const onefold_kernel *row;
  int index, v, exact;
  onefold_pool_args a;
  test_side side;
} problem;

/// Columns [*first, *last) of pixel p's window that lie inside.
static void window(const onefold_pool_args *a, int64_t p, int64_t *first, int64_t *last) {
  const int64_t begin = p * a->stride - a->pad, end = begin + a->taps;
  *first = begin < 0 ? 0 : begin;
  *last = end > a->width ? a->width : end;
}

/// Every window and stride, half of them such as have code of their own.
static void draw(problem *p, fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  static const int64_t usual[][2] = {{2, 2}, {3, 1}, {3, 2}, {5, 1}, {6, 1}, {9, 1}, {13, 1}};
  onefold_pool_args *a = &p->a;
  memset(p, 0, sizeof(*p));
  p->row = row;
  p->index = index;
  p->v = a->v = test_row_width(row, rng);
  p->exact = !test_once_in(rng, 4);
  p->side = test_once_in(rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
  a->pixels = 1 + index % MAX_PIXELS;
  a->rows = test_range(rng, 1, 6);
  a->taps = test_range(rng, 1, 8);
  a->stride = test_range(rng, 1, 4);
  if (test_once_in(rng, 2)) {
    const int64_t *known = test_pick(rng, usual);
    a->taps = known[0];
    a->stride = known[1];
  }
  a->pad = test_once_in(rng, 3) ? 0 : test_range(rng, 0, a->taps - 1);
  // Every window has a column inside; the last reaches over the end or not.
  const int64_t least = (a->pixels - 1) * a->stride - a->pad + 1;
  a->width = (least < 1 ? 1 : least) + test_range(rng, 0, a->taps + 1);
  a->src_column = p->v + (test_once_in(rng, 2) ? 0 : test_range(rng, 0, 20));
  a->src_row = a->width * a->src_column + test_range(rng, 0, 40);
  a->dst_pixel = p->v + (test_once_in(rng, 2) ? 0 : test_range(rng, 0, 20));
  a->divisor = test_once_in(rng, 3) ? test_range(rng, 1, 30) : 0;
  a->count_rows = a->rows + test_range(rng, 0, 2);
  a->count_begin = test_once_in(rng, 2) ? 0 : -a->pad;
  a->count_end = a->width + (test_once_in(rng, 2) ? 0 : test_range(rng, 0, a->taps));
  a->dst = test_guard_place(&f->dst, (size_t)((a->pixels - 1) * a->dst_pixel + p->v), p->side);
}

static void fill(const problem *p, test_rng *rng, float *values) {
  static const float special[] = {NAN, -NAN, INFINITY, -INFINITY};
  if (p->exact) {
    test_fill_integers(rng, values, (size_t)p->v, 50);
  } else {
    test_fill_uniform(rng, values, (size_t)p->v);
  }
  if (p->index % 4 == 0 && test_once_in(rng, 8)) {
    values[test_range(rng, 0, p->v - 1)] = test_pick(rng, special);
  }
}

/// Room for the columns that a window has, and values in these alone.
static void make_src(problem *p, fixture *f, test_rng *rng) {
  onefold_pool_args *a = &p->a;
  int64_t first, last;
  window(a, a->pixels - 1, &first, &last);
  const size_t size = (size_t)((a->rows - 1) * a->src_row + (last - 1) * a->src_column + p->v);
  float *src = test_guard_place(&f->src, size, p->side);
  a->src = src;
  for (int64_t r = 0; r < a->rows; r++) {
    int64_t done = 0;
    for (int64_t i = 0; i < a->pixels; i++) {
      window(a, i, &first, &last);
      for (int64_t x = first > done ? first : done; x < last; x++) {
        fill(p, rng, src + r * a->src_row + x * a->src_column);
      }
      done = last;
    }
  }
}

/// One element in double; *bound: the error allowed.
static double element(const problem *p, int64_t pixel, int lane, double *bound) {
  const onefold_pool_args *a = &p->a;
  const int64_t begin = pixel * a->stride - a->pad;
  int64_t first, last, counted = 0;
  double sum = 0.0, size = 0.0, most = -INFINITY;
  int nan = 0;
  window(a, pixel, &first, &last);
  for (int64_t r = 0; r < a->rows; r++) {
    for (int64_t x = first; x < last; x++) {
      const double value = a->src[r * a->src_row + x * a->src_column + lane];
      nan |= isnan(value);
      most = fmax(most, value);
      sum += value;
      size += fabs(value);
    }
  }
  for (int64_t x = begin; x < begin + a->taps; x++) {
    counted += a->count_begin <= x && x < a->count_end;
  }
  const double divisor = (double)(a->divisor ? a->divisor : a->count_rows * counted);
  *bound = 0.0;
  if (p->row->op == ONEFOLD_OP_POOL_MAX) return nan ? NAN : most;
  if (p->exact) return (float)(sum / divisor);
  *bound = test_sum_bound(size, (double)(a->rows * (last - first))) / divisor;
  return sum / divisor;
}

static void run_case(fixture *f, const onefold_kernel *row, int index) {
  double want[MAX_PIXELS * ONEFOLD_MAX_VECTOR], bound[MAX_PIXELS * ONEFOLD_MAX_VECTOR];
  test_rng rng = test_case_rng(row, index);
  problem p;

  draw(&p, f, row, index, &rng);
  make_src(&p, f, &rng);
  const onefold_pool_args *a = &p.a;
  const int n = (int)a->pixels * p.v;
  for (int i = 0; i < n; i++) want[i] = element(&p, i / p.v, i % p.v, &bound[i]);
  test_case("%s case %d: pixels=%d rows=%d taps=%d stride=%d pad=%d width=%d v=%d column=%td "
            "divisor=%d count=%d x [%d, %d) %s %s",
            row->name, index, (int)a->pixels, (int)a->rows, (int)a->taps, (int)a->stride,
            (int)a->pad, (int)a->width, p.v, a->src_column, (int)a->divisor, (int)a->count_rows,
            (int)a->count_begin, (int)a->count_end, p.exact ? "integers" : "floats",
            p.side == TEST_ENDS_AT_GUARD ? "ends at guard" : "starts at guard");
  ((onefold_pool_fn *)row->fn)(a);
  for (int i = 0; i < n; i++) {
    const double got = a->dst[i / p.v * a->dst_pixel + i % p.v];
    const int right = isnan(want[i])   ? isnan(got)
                      : isinf(want[i]) ? got == want[i]
                                       : fabs(got - want[i]) <= bound[i];
    if (!right) {
      test_failed("pixel=%d lane=%d is %.9g, not %.9g within %.3g", i / p.v, i % p.v, got, want[i],
                  bound[i]);
    }
  }
  for (int64_t i = 0; i + 1 < a->pixels; i++) {
    for (int64_t l = p.v; l < a->dst_pixel; l++) {
      if (!isnan(a->dst[i * a->dst_pixel + l])) test_failed("wrote behind pixel %d", (int)i);
    }
  }
  if (!test_guard_intact(&f->src) || !test_guard_intact(&f->dst)) {
    test_failed("memory next to a buffer was written");
  }
}

static void test_row(void **state) {
  fixture f;
  test_guard_create(&f.src, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.dst, MAX_FLOATS * sizeof(float));
  const int cases = test_scaled(4000);
  for (int i = 0; i < cases; i++) run_case(&f, *state, i);
  test_guard_destroy(&f.src);
  test_guard_destroy(&f.dst);
}

int main(void) {
  if (test_isa_missing()) return 1;
  return test_rows("pooling kernels", ONEFOLD_OP_POOL_MAX, ONEFOLD_OP_POOL_MEAN, test_row) != 0;
}
