// SPDX-License-Identifier: BSD-3-Clause
// Every depthwise row against the definition in kernel.h in double: exact on
// small integers, under the bound of test_sum_bound on floats. Buffers span
// exactly the elements that the arguments name, between guard pages.
#include "tests/kernel_support.h"

#include <math.h>
#include <string.h>

enum { MAX_TAPS = 7, MAX_PIXELS = 40, MAX_FLOATS = 1 << 16 };

typedef struct fixture {
  test_guard src, weight, dst;
  test_epilogue epilogue;
} fixture;

typedef struct problem {
  const onefold_kernel *row;
  int index, v, exact, in_place;
  onefold_depthwise_args a;
  int32_t first[MAX_TAPS], last[MAX_TAPS];
  test_side side;
} problem;

static int stride_of(onefold_op op, test_rng *rng) {
  if (op == ONEFOLD_OP_DEPTHWISE_S1) return 1;
  return op == ONEFOLD_OP_DEPTHWISE_S2 ? 2 : (int)test_range(rng, 1, 4);
}

/// Borders of any kind: all inside, cut at both ends as padding does, or at random and empty.
static void draw_borders(problem *p, test_rng *rng) {
  const int kind = (int)test_range(rng, 0, 2), n = p->a.pixels;
  for (int t = 0; t < p->a.taps; t++) {
    p->first[t] = 0;
    p->last[t] = n;
    if (kind == 1) {
      p->first[t] = (int32_t)test_range(rng, 0, n < 3 ? n : 3);
      p->last[t] = (int32_t)test_range(rng, n > 3 ? n - 3 : 0, n);
    } else if (kind == 2) {
      p->first[t] = (int32_t)test_range(rng, 0, n);
      p->last[t] = (int32_t)test_range(rng, 0, n);
    }
  }
  p->a.first = p->first;
  p->a.last = p->last;
}

static void draw(problem *p, fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  memset(p, 0, sizeof(*p));
  onefold_depthwise_args *a = &p->a;
  p->row = row;
  p->index = index;
  p->v = a->v = test_row_width(row, rng);
  p->exact = !test_once_in(rng, 4);
  p->side = test_once_in(rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
  a->pixels = 1 + index % MAX_PIXELS;
  a->rows = (int32_t)test_range(rng, 1, 5);
  a->taps = (int32_t)test_range(rng, 1, MAX_TAPS);
  a->src_pixel = (ptrdiff_t)stride_of(row->op, rng) * p->v;
  a->src_tap = test_range(rng, 1, 3) * p->v;
  a->src_row = a->src_pixel * a->pixels + test_range(rng, 0, 40);
  a->weight_row = (ptrdiff_t)a->taps * p->v + test_range(rng, 0, 3);
  draw_borders(p, rng);
  const size_t n = (size_t)(a->pixels * p->v);
  test_epilogue_draw(&f->epilogue, rng, p->exact, p->side, (size_t)p->v, n);
  a->epilogue = &f->epilogue.e;
  a->dst = test_guard_place(&f->dst, n, p->side);
  p->in_place = f->epilogue.e.residual && test_once_in(rng, 2);
  if (p->in_place) f->epilogue.e.residual = a->dst;
}

static int inside(const onefold_depthwise_args *a, int t, int pixel) {
  return a->first[t] <= pixel && pixel < a->last[t];
}

static void fill(const problem *p, test_rng *rng, float *values, size_t n) {
  if (p->exact) {
    test_fill_integers(rng, values, n, 4);
  } else {
    test_fill_uniform(rng, values, n);
  }
}

static void make_src(problem *p, fixture *f, test_rng *rng) {
  onefold_depthwise_args *a = &p->a;
  test_span span = {PTRDIFF_MAX, PTRDIFF_MIN};
  float *src = NULL;
  for (int pass = 0; pass < 2; pass++) {
    for (int r = 0; r < a->rows; r++) {
      for (int t = 0; t < a->taps; t++) {
        for (int i = 0; i < a->pixels; i++) {
          if (!inside(a, t, i)) continue;
          const ptrdiff_t at = r * a->src_row + t * a->src_tap + i * a->src_pixel;
          if (pass == 0) {
            test_span_add(&span, at, p->v);
          } else {
            fill(p, rng, src + (a->src_offset + at), (size_t)p->v);
          }
        }
      }
    }
    if (pass == 0) {
      src = test_guard_place(&f->src, test_span_size(&span), p->side);
      a->src = src;
      a->src_offset = span.low == PTRDIFF_MAX ? 0 : -span.low;
    }
  }
}

static void make_weight(problem *p, fixture *f, test_rng *rng) {
  onefold_depthwise_args *a = &p->a;
  const size_t row = (size_t)(a->taps * p->v);
  float *weight =
      test_guard_place(&f->weight, (size_t)((a->rows - 1) * a->weight_row) + row, p->side);
  for (int r = 0; r < a->rows; r++) fill(p, rng, weight + r * a->weight_row, row);
  a->weight = weight;
}

static double exact_sum(const problem *p, int pixel, int lane, double *size) {
  const onefold_depthwise_args *a = &p->a;
  double sum = 0.0;
  *size = 0.0;
  for (int r = 0; r < a->rows; r++) {
    for (int t = 0; t < a->taps; t++) {
      if (!inside(a, t, pixel)) continue;
      const double x =
          a->src[a->src_offset + r * a->src_row + t * a->src_tap + pixel * a->src_pixel + lane];
      const double product = x * (double)a->weight[r * a->weight_row + t * p->v + lane];
      sum += product;
      *size += fabs(product);
    }
  }
  return sum;
}

static void run_case(fixture *f, const onefold_kernel *row, int index) {
  double want[MAX_PIXELS * ONEFOLD_MAX_VECTOR], bound[MAX_PIXELS * ONEFOLD_MAX_VECTOR];
  test_rng rng = test_case_rng(row, index);
  problem p;

  draw(&p, f, row, index, &rng);
  make_src(&p, f, &rng);
  make_weight(&p, f, &rng);
  const onefold_depthwise_args *a = &p.a;
  const int n = a->pixels * p.v;
  float *residual = (float *)(uintptr_t)f->epilogue.e.residual;
  if (residual) fill(&p, &rng, residual, (size_t)n);
  for (int i = 0; i < n; i++) {
    double s;
    double z = exact_sum(&p, i / p.v, i % p.v, &s);
    z += test_epilogue_begin(&f->epilogue, (size_t)(i % p.v), &s);
    want[i] =
        test_epilogue_apply(&f->epilogue, (size_t)(i % p.v), residual ? residual[i] : 0.0, z, &s);
    bound[i] = p.exact ? 0.0 : test_sum_bound(s, a->rows * a->taps);
  }
  test_case("%s case %d: pixels=%d rows=%d taps=%d v=%d src_pixel=%td src_tap=%td%s [%s] %s",
            row->name, index, a->pixels, a->rows, a->taps, p.v, a->src_pixel, a->src_tap,
            p.in_place ? " in place" : "", f->epilogue.text,
            p.side == TEST_ENDS_AT_GUARD ? "ends at guard" : "starts at guard");
  ((onefold_depthwise_fn *)row->fn)(a);
  for (int i = 0; i < n; i++) {
    if (!(fabs(a->dst[i] - want[i]) <= bound[i])) {
      test_failed("pixel=%d lane=%d is %.9g, not %.9g within %.3g", i / p.v, i % p.v,
                  (double)a->dst[i], want[i], bound[i]);
    }
  }
  if (!test_guard_intact(&f->src) || !test_guard_intact(&f->weight) ||
      !test_guard_intact(&f->dst) || !test_epilogue_intact(&f->epilogue)) {
    test_failed("memory next to a buffer was written");
  }
}

static void test_row(void **state) {
  fixture f;
  test_guard_create(&f.src, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.weight, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.dst, MAX_FLOATS * sizeof(float));
  test_epilogue_create(&f.epilogue, ONEFOLD_MAX_VECTOR, MAX_FLOATS);
  const int cases = test_scaled(4000);
  for (int i = 0; i < cases; i++) run_case(&f, *state, i);
  test_guard_destroy(&f.src);
  test_guard_destroy(&f.weight);
  test_guard_destroy(&f.dst);
  test_epilogue_destroy(&f.epilogue);
}

int main(void) {
  if (test_isa_missing()) return 1;
  return test_rows("depthwise kernels", ONEFOLD_OP_DEPTHWISE_S1, ONEFOLD_OP_DEPTHWISE_SN,
                   test_row) != 0;
}
