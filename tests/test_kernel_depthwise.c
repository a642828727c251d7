// SPDX-License-Identifier: BSD-3-Clause
// Every depthwise and grouped row against the definition in kernel.h in double: exact on
// small integers, under the bound of test_sum_bound on floats. Buffers span
// exactly the elements that the arguments name, between guard pages.
#include "tests/kernel_support.h"

#include <math.h>
#include <string.h>

enum { MAX_TAPS = 13, MAX_PIXELS = 40, MAX_OUT_ROWS = 5, MAX_OUT = MAX_PIXELS * MAX_OUT_ROWS };
enum { MAX_STEPS = 6 };
enum { MAX_FLOATS = 1 << 17 };

typedef struct fixture {
  test_guard src, weight, dst;
  test_epilogue epilogue;
  double want[MAX_OUT * ONEFOLD_MAX_VECTOR], bound[MAX_OUT * ONEFOLD_MAX_VECTOR];
  float before[MAX_FLOATS]; // dst as it was
} fixture;

typedef struct problem {
  const onefold_kernel *row;
  int index, v, exact, in_place;
  onefold_depthwise_args a;
  onefold_grouped_step step[MAX_STEPS]; // a depthwise row's one is not handed over
  int steps;
  test_side side;
} problem;

static int stride_of(onefold_op op, test_rng *rng) {
  if (op == ONEFOLD_OP_DEPTHWISE_S1 || op == ONEFOLD_OP_GROUPED_S1) return 1;
  return op == ONEFOLD_OP_DEPTHWISE_S2 || op == ONEFOLD_OP_GROUPED_S2 ? 2
                                                                      : (int)test_range(rng, 1, 4);
}

/// What is inside along one axis of `size` source rows or columns: all, all but a few at
/// both ends as padding does, or any range, also none.
static void draw_inside(test_rng *rng, int64_t size, int64_t *begin, int64_t *end) {
  const int kind = (int)test_range(rng, 0, 3);
  *begin = 0;
  *end = size;
  if (kind == 1) {
    *begin = -test_range(rng, 0, 5);
    *end = size + test_range(rng, 0, 5);
  } else if (kind == 2) {
    *begin = test_range(rng, 0, size < 6 ? size : 6);
    *end = test_range(rng, size > 6 ? size - 6 : 0, size);
  } else if (kind == 3) {
    *begin = test_range(rng, 0, size);
    *end = test_range(rng, 0, size);
  }
}

/// One step of the lanes themselves, or of a grouped row up to MAX_STEPS of any lanes, of source
/// blocks that begin anywhere in four rows.
static void draw_steps(problem *p, test_rng *rng) {
  onefold_depthwise_args *a = &p->a;
  const int grouped = p->row->op >= ONEFOLD_OP_GROUPED_S1;
  p->steps = grouped ? (int)test_range(rng, 1, MAX_STEPS) : 1;
  for (int s = 0; s < p->steps; s++) {
    p->step[s].src = grouped ? test_range(rng, 0, 4 * a->src_row) : 0;
    for (int l = 0; l < p->v; l++)
      p->step[s].lane[l] = grouped ? (int32_t)test_range(rng, 0, p->v - 1) : l;
  }
  a->step = grouped ? p->step : NULL;
  a->steps = grouped ? p->steps : 0;
}

static void draw(problem *p, fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  memset(p, 0, sizeof(*p));
  onefold_depthwise_args *a = &p->a;
  p->row = row;
  p->index = index;
  p->v = a->v = test_row_width(row, rng);
  p->exact = !test_once_in(rng, 4);
  p->side = test_once_in(rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
  a->out_pixels = 1 + index % MAX_PIXELS;
  a->out_rows = test_range(rng, 1, MAX_OUT_ROWS);
  a->rows = test_range(rng, 1, 7);
  a->taps = test_once_in(rng, 2) ? test_range(rng, 1, MAX_TAPS) : 3 + 2 * test_range(rng, 0, 2);
  a->stride = stride_of(row->op, rng);
  a->dilation = test_once_in(rng, 3) ? test_range(rng, 2, 3) : 1;
  a->row_stride = test_range(rng, 1, 3);
  a->row_dilation = test_once_in(rng, 3) ? test_range(rng, 2, 3) : 1;
  a->swap = test_once_in(rng, 2);
  const int64_t wide = (a->out_pixels - 1) * a->stride + (a->taps - 1) * a->dilation + 1;
  const int64_t high = (a->out_rows - 1) * a->row_stride + (a->rows - 1) * a->row_dilation + 1;
  draw_inside(rng, wide, &a->column_begin, &a->column_end);
  draw_inside(rng, high, &a->row_begin, &a->row_end);
  a->src_row = wide * p->v + test_range(rng, 0, 40);
  a->dst_row = a->out_pixels * p->v + test_range(rng, 0, 40);
  draw_steps(p, rng);
  const size_t n = (size_t)((a->out_rows - 1) * a->dst_row + a->out_pixels * p->v);
  test_epilogue_draw(&f->epilogue, rng, p->exact, p->side, (size_t)p->v, n);
  a->epilogue = &f->epilogue.e;
  a->dst = test_guard_place(&f->dst, n, p->side);
  p->in_place = f->epilogue.e.residual && test_once_in(rng, 2);
  if (p->in_place) f->epilogue.e.residual = a->dst;
}

/// Whether tap (r, t) of output pixel (y, x) is inside; the offset of a step's source vector from
/// src + src_offset.
static int inside(const problem *p, int step, int64_t y, int64_t x, int64_t r, int64_t t,
                  ptrdiff_t *at) {
  const onefold_depthwise_args *a = &p->a;
  const int64_t i = y * a->row_stride + r * a->row_dilation, j = x * a->stride + t * a->dilation;
  *at = p->step[step].src + i * a->src_row + j * p->v;
  return a->row_begin <= i && i < a->row_end && a->column_begin <= j && j < a->column_end;
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
    const int64_t terms = a->out_rows * a->out_pixels * a->rows * a->taps;
    for (int64_t i = 0; i < p->steps * terms; i++) {
      const int64_t t = i % a->taps, r = i / a->taps % a->rows, o = i % terms / a->taps / a->rows;
      ptrdiff_t at;
      if (!inside(p, (int)(i / terms), o / a->out_pixels, o % a->out_pixels, r, t, &at)) continue;
      if (pass == 0) {
        test_span_add(&span, at, p->v);
      } else {
        fill(p, rng, src + (a->src_offset + at), (size_t)p->v);
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
  const size_t n = (size_t)(p->steps * p->a.rows * p->a.taps * p->v);
  float *weight = test_guard_place(&f->weight, n, p->side);
  fill(p, rng, weight, n);
  p->a.weight = weight;
}

static double exact_sum(const problem *p, int64_t y, int64_t x, int lane, double *size) {
  const onefold_depthwise_args *a = &p->a;
  double sum = 0.0;
  *size = 0.0;
  for (int64_t i = 0; i < p->steps * a->rows * a->taps; i++) {
    const int step = (int)(i / a->taps / a->rows);
    ptrdiff_t at;
    if (!inside(p, step, y, x, i / a->taps % a->rows, i % a->taps, &at)) continue;
    const double product = (double)a->src[a->src_offset + at + p->step[step].lane[lane]] *
                           (double)a->weight[i * p->v + lane];
    sum += product;
    *size += fabs(product);
  }
  return sum;
}

static void run_case(fixture *f, const onefold_kernel *row, int index) {
  test_rng rng = test_case_rng(row, index);
  problem p;

  draw(&p, f, row, index, &rng);
  make_src(&p, f, &rng);
  make_weight(&p, f, &rng);
  const onefold_depthwise_args *a = &p.a;
  const int v = p.v, wide = (int)a->out_pixels * v, n = (int)a->out_rows * wide;
  float *residual = (float *)(uintptr_t)f->epilogue.e.residual;
  for (int i = 0; i < n; i++) {
    const ptrdiff_t at = i / wide * a->dst_row + i % wide;
    if (residual && i % wide == 0) fill(&p, &rng, residual + at, (size_t)wide);
    double s;
    double z = exact_sum(&p, i / wide, i % wide / v, i % v, &s);
    z += test_epilogue_begin(&f->epilogue, (size_t)(i % v), &s);
    f->want[i] =
        test_epilogue_apply(&f->epilogue, (size_t)(i % v), residual ? residual[at] : 0.0, z, &s);
    f->bound[i] = p.exact ? 0.0 : test_sum_bound(s, (int)(p.steps * a->rows * a->taps));
  }
  test_case("%s case %d: %dx%d pixels, kernel %dx%d, stride %dx%d, dilation %dx%d, rows %d..%d, "
            "columns %d..%d, %d steps, v=%d%s [%s] %s",
            row->name, index, (int)a->out_rows, (int)a->out_pixels, (int)a->rows, (int)a->taps,
            (int)a->row_stride, (int)a->stride, (int)a->row_dilation, (int)a->dilation,
            (int)a->row_begin, (int)a->row_end, (int)a->column_begin, (int)a->column_end, p.steps,
            v, p.in_place ? " in place" : "", f->epilogue.text,
            p.side == TEST_ENDS_AT_GUARD ? "ends at guard" : "starts at guard");
  const size_t floats = f->dst.bytes / sizeof(float);
  memcpy(f->before, a->dst, floats * sizeof(float));
  ((onefold_depthwise_fn *)row->fn)(a);
  for (int i = 0; i < n; i++) {
    const ptrdiff_t at = i / wide * a->dst_row + i % wide;
    const float got = a->dst[at];
    f->before[at] = got;
    if (!(fabs(got - f->want[i]) <= f->bound[i])) {
      test_failed("row=%d pixel=%d lane=%d is %.9g, not %.9g within %.3g", i / wide, i % wide / v,
                  i % v, (double)got, f->want[i], f->bound[i]);
    }
  }
  const size_t stray = test_first_difference(f->before, a->dst, floats);
  if (stray < floats) test_failed("dst[%zu], between rows, was written", stray);
  if (!test_guard_intact(&f->src) || !test_guard_intact(&f->weight) ||
      !test_guard_intact(&f->dst) || !test_epilogue_intact(&f->epilogue)) {
    test_failed("memory next to a buffer was written");
  }
}

static void test_row(void **state) {
  static fixture f;
  test_guard_create(&f.src, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.weight, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.dst, MAX_FLOATS * sizeof(float));
  test_epilogue_create(&f.epilogue, ONEFOLD_MAX_VECTOR, MAX_FLOATS);
  const int cases = test_scaled(3000);
  for (int i = 0; i < cases; i++) run_case(&f, *state, i);
  test_guard_destroy(&f.src);
  test_guard_destroy(&f.weight);
  test_guard_destroy(&f.dst);
  test_epilogue_destroy(&f.epilogue);
}

int main(void) {
  if (test_isa_missing()) return 1;
  return test_rows("depthwise kernels", ONEFOLD_OP_DEPTHWISE_S1, ONEFOLD_OP_GROUPED_SN, test_row) !=
         0;
}
