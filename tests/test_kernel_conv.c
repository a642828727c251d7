// SPDX-License-Identifier: BSD-3-Clause
// Every conv, plain and pointwise row against the definition in kernel.h in
// double: exact on small integers, under the bound of test_sum_bound on
// floats. Every buffer spans exactly the elements that the arguments name,
// between guard pages; elements in its gaps are NaN.
#include "tests/kernel_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  MAX_ROWS_TAPS = 15, // 3 rows of 5 taps
  MAX_BLOCKS = 3,
  MAX_FLOATS = 1 << 17
};

typedef struct fixture {
  test_guard src, weight, dst;
  test_epilogue epilogue;
  float before[MAX_FLOATS]; // dst as it was
} fixture;

typedef struct problem {
  const onefold_kernel *row;
  int index, v, q, cb, exact;
  int in_place; // the residual is dst
  onefold_conv_args a;
  uint32_t mask[5];
  test_side side;
} problem;

static int stride_of(onefold_op op, test_rng *rng) {
  switch (op) {
  case ONEFOLD_OP_CONV_S2:
  case ONEFOLD_OP_PLAIN_S2:
    return 2;
  case ONEFOLD_OP_CONV_SN:
  case ONEFOLD_OP_PLAIN_SN:
    return (int)test_range(rng, 1, 4);
  default:
    return 1;
  }
}

static int is_plain(onefold_op op) {
  return op >= ONEFOLD_OP_PLAIN_S1 && op <= ONEFOLD_OP_PLAIN_SN;
}

static void draw_mask(problem *p, test_rng *rng) {
  const int kind = (int)test_range(rng, 0, 4);
  for (int t = 0; t < p->a.taps; t++) {
    switch (kind) {
    case 0:
      break; // NULL: all inside
    case 1:
      p->mask[t] = UINT32_MAX;
      break; // all inside
    case 2:
      p->mask[t] = (uint32_t)test_random(rng);
      break;
    case 3:
      p->mask[t] = test_once_in(rng, 2) ? 0 : UINT32_MAX;
      break; // whole taps
    default: // an image's border: a run of pixels, as for padding left and right
      p->mask[t] = UINT32_MAX << test_range(rng, 0, 3) & UINT32_MAX >> test_range(rng, 18, 31);
    }
  }
  if (kind) p->a.mask = p->mask;
}

/// Sizes cycle with the index, so that every combination of pixels, blocks
/// and last channels comes up; the rest is random.
static void draw(problem *p, fixture *f, const onefold_kernel *row, int index, test_rng *rng) {
  memset(p, 0, sizeof(*p));
  onefold_conv_args *a = &p->a;
  p->row = row;
  p->index = index;
  p->v = test_row_width(row, rng);
  p->q = row->v ? row->q : (int)test_range(rng, 1, row->q);
  p->cb = is_plain(row->op) ? 1 : p->v;
  p->exact = !test_once_in(rng, 4);
  p->side = test_once_in(rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
  a->v = p->v;
  a->q = p->q;
  a->pixels = 1 + index % row->pixels;
  a->blocks = 1 + index / row->pixels % MAX_BLOCKS;
  a->last_channels = p->cb == 1 ? 1 : test_once_in(rng, 3) ? p->v : 1 + index % p->v;
  a->rows = a->taps = 1;
  if (row->op != ONEFOLD_OP_POINTWISE) {
    a->rows = (int32_t)test_range(rng, 1, 3);
    a->taps = (int32_t)test_range(rng, 1, 5);
    draw_mask(p, rng);
  }
  if (!a->mask && test_once_in(rng, 4)) a->pixels += (int32_t)test_range(rng, 1, 2 * row->pixels);
  // An image of overlapping taps, with gaps between rows and planes.
  a->src_pixel = (ptrdiff_t)stride_of(row->op, rng) * p->cb;
  a->src_tap = test_range(rng, 1, 3) * p->cb;
  a->src_row = a->src_pixel * a->pixels + test_range(rng, 0, 40);
  a->src_block = test_once_in(rng, 2) ? p->cb : a->src_row * (a->rows + 1) + test_range(rng, 0, 9);
  a->weight_row = (ptrdiff_t)a->taps * p->cb * p->v + test_range(rng, 0, 3);
  a->weight_block = a->weight_row * a->rows + test_range(rng, 0, 3);
  a->weight_q = a->weight_block * a->blocks + test_range(rng, 0, 3);
  a->dst_q = (ptrdiff_t)p->v * a->pixels + (test_once_in(rng, 2) ? 0 : test_range(rng, 1, 9));
  a->accumulate = test_once_in(rng, 3);
  a->split = test_once_in(rng, 2);
  // What is asked for ahead may lie anywhere.
  if (test_once_in(rng, 2)) a->weight_ahead = test_range(rng, -100, 1 << 20);
  if (test_once_in(rng, 2)) a->src_ahead = test_range(rng, -100, 1 << 20);
  a->final = !test_once_in(rng, 4);
  const size_t dst_floats = (size_t)((p->q - 1) * a->dst_q + a->pixels * p->v);
  test_epilogue_draw(&f->epilogue, rng, p->exact, p->side, (size_t)(p->q * p->v), dst_floats);
  a->epilogue = &f->epilogue.e;
  a->dst = test_guard_place(&f->dst, dst_floats, p->side);
  p->in_place = a->final && !a->accumulate && f->epilogue.e.residual && test_once_in(rng, 2);
  if (p->in_place) f->epilogue.e.residual = a->dst;
}

static int inside(const onefold_conv_args *a, int t, int pixel) {
  return !a->mask || (a->mask[t] >> pixel & 1u);
}

static int channels_of(const problem *p, int b) {
  return p->cb == 1 ? 1 : b + 1 < p->a.blocks ? p->cb : p->a.last_channels;
}

static ptrdiff_t src_at(const onefold_conv_args *a, int b, int r, int t, int pixel) {
  return b * a->src_block + r * a->src_row + t * a->src_tap + pixel * a->src_pixel;
}

static ptrdiff_t weight_at(const problem *p, int q, int b, int r, int t) {
  const onefold_conv_args *a = &p->a;
  return q * a->weight_q + b * a->weight_block + r * a->weight_row + (ptrdiff_t)t * p->cb * p->v;
}

static void fill(const problem *p, test_rng *rng, float *values, ptrdiff_t at, int n) {
  if (p->exact) {
    test_fill_integers(rng, values + at, (size_t)n, 4);
  } else {
    test_fill_uniform(rng, values + at, (size_t)n);
  }
}

/// Sizes src to the elements that the arguments name, then fills those.
static void make_src(problem *p, fixture *f, test_rng *rng) {
  onefold_conv_args *a = &p->a;
  test_span span = {PTRDIFF_MAX, PTRDIFF_MIN};
  float *src = NULL;
  for (int pass = 0; pass < 2; pass++) {
    for (int b = 0; b < a->blocks; b++) {
      for (int r = 0; r < a->rows; r++) {
        for (int t = 0; t < a->taps; t++) {
          for (int i = 0; i < a->pixels; i++) {
            if (!inside(a, t, i)) continue;
            const ptrdiff_t at = src_at(a, b, r, t, i);
            if (pass == 0) {
              test_span_add(&span, at, channels_of(p, b));
            } else {
              fill(p, rng, src, at + a->src_offset, channels_of(p, b));
            }
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
  onefold_conv_args *a = &p->a;
  test_span span = {0, 0};
  float *weight = NULL;
  for (int pass = 0; pass < 2; pass++) {
    for (int q = 0; q < p->q; q++) {
      for (int b = 0; b < a->blocks; b++) {
        for (int r = 0; r < a->rows; r++) {
          for (int t = 0; t < a->taps; t++) {
            const int count = channels_of(p, b) * p->v;
            const ptrdiff_t at = weight_at(p, q, b, r, t);
            if (pass == 0) {
              test_span_add(&span, at, count);
            } else {
              fill(p, rng, weight, at, count);
            }
          }
        }
      }
    }
    if (pass == 0)
      a->weight = weight = test_guard_place(&f->weight, test_span_size(&span), p->side);
  }
}

static double exact_sum(const problem *p, int q, int pixel, int lane, double *size) {
  const onefold_conv_args *a = &p->a;
  double sum = 0.0;
  *size = 0.0;
  for (int b = 0; b < a->blocks; b++) {
    for (int r = 0; r < a->rows; r++) {
      for (int t = 0; t < a->taps; t++) {
        if (!inside(a, t, pixel)) continue;
        const float *x = a->src + (a->src_offset + src_at(a, b, r, t, pixel));
        const float *w = a->weight + weight_at(p, q, b, r, t) + lane;
        for (int c = 0; c < channels_of(p, b); c++) {
          const double product = (double)x[c] * (double)w[c * p->v];
          sum += product;
          *size += fabs(product);
        }
      }
    }
  }
  return sum;
}

static void describe(const problem *p, const fixture *f) {
  const onefold_conv_args *a = &p->a;
  test_case("%s case %d: pixels=%d blocks=%d last_channels=%d rows=%d taps=%d v=%d q=%d "
            "src_pixel=%td src_tap=%td dst_q=%td ahead=%td,%td mask=%s accumulate=%d final=%d%s "
            "[%s] %s",
            p->row->name, p->index, a->pixels, a->blocks, a->last_channels, a->rows, a->taps, p->v,
            p->q, a->src_pixel, a->src_tap, a->dst_q, a->weight_ahead, a->src_ahead,
            a->mask ? "yes" : "NULL", a->accumulate, a->final, p->in_place ? " in place" : "",
            f->epilogue.text, p->side == TEST_ENDS_AT_GUARD ? "ends at guard" : "starts at guard");
}

static void check(const problem *p, const fixture *f, const double *want, const double *bound) {
  const onefold_conv_args *a = &p->a;
  size_t i = 0;
  for (int q = 0; q < p->q; q++) {
    for (int pixel = 0; pixel < a->pixels; pixel++) {
      for (int l = 0; l < p->v; l++, i++) {
        const double got = a->dst[q * a->dst_q + pixel * p->v + l];
        if (!(fabs(got - want[i]) <= bound[i])) {
          test_failed("q=%d pixel=%d lane=%d is %.9g, not %.9g within %.3g", q, pixel, l, got,
                      want[i], bound[i]);
        }
        ((float *)(uintptr_t)f->before)[q * a->dst_q + pixel * p->v + l] = (float)got;
      }
    }
  }
  const size_t n = f->dst.bytes / sizeof(float);
  const size_t at = test_first_difference(f->before, a->dst, n);
  if (at < n) test_failed("dst[%zu], which no argument names, was written", at);
  if (!test_guard_intact(&f->src) || !test_guard_intact(&f->weight) ||
      !test_guard_intact(&f->dst) || !test_epilogue_intact(&f->epilogue)) {
    test_failed("memory next to a buffer was written");
  }
}

static void run_case(fixture *f, const onefold_kernel *row, int index) {
  enum { MAX_OUT = 3 * ONEFOLD_MAX_TILE_PIXELS * ONEFOLD_MAX_TILE_BLOCKS * ONEFOLD_MAX_VECTOR };
  double want[MAX_OUT], bound[MAX_OUT];
  test_rng rng = test_case_rng(row, index);
  problem p;

  draw(&p, f, row, index, &rng);
  make_src(&p, f, &rng);
  make_weight(&p, f, &rng);
  onefold_conv_args *a = &p.a;
  const int terms = MAX_ROWS_TAPS * a->blocks * p.cb;
  float *residual = (float *)(uintptr_t)f->epilogue.e.residual;
  size_t i = 0;
  for (int q = 0; q < p.q; q++) {
    for (int pixel = 0; pixel < a->pixels; pixel++) {
      const ptrdiff_t at = q * a->dst_q + pixel * p.v;
      if (a->accumulate) fill(&p, &rng, a->dst, at, p.v);
      if (residual) fill(&p, &rng, residual, at, p.v);
      for (int l = 0; l < p.v; l++, i++) {
        double s;
        want[i] = exact_sum(&p, q, pixel, l, &s);
        if (a->accumulate) {
          want[i] += a->dst[at + l];
          s += fabs((double)a->dst[at + l]);
        } else {
          want[i] += test_epilogue_begin(&f->epilogue, (size_t)(q * p.v + l), &s);
        }
        if (a->final) {
          want[i] = test_epilogue_apply(&f->epilogue, (size_t)(q * p.v + l),
                                        residual ? residual[at + l] : 0.0, want[i], &s);
        }
        bound[i] = p.exact ? 0.0 : test_sum_bound(s, terms);
      }
    }
  }
  memcpy(f->before, a->dst, f->dst.bytes);
  describe(&p, f);
  const onefold_conv_args args = *a;
  const onefold_epilogue epilogue = *a->epilogue;
  ((onefold_conv_fn *)row->fn)(a);
  assert_memory_equal(a, &args, sizeof args); // which the kernel may change while it runs
  assert_memory_equal(a->epilogue, &epilogue, sizeof epilogue);
  check(&p, f, want, bound);
}

static void test_row(void **state) {
  static fixture f;
  test_guard_create(&f.src, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.weight, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.dst, MAX_FLOATS * sizeof(float));
  test_epilogue_create(&f.epilogue, ONEFOLD_MAX_TILE_BLOCKS * ONEFOLD_MAX_VECTOR, MAX_FLOATS);
  const onefold_kernel *row = *state;
  const int cases = test_scaled(4000);
  for (int i = 0; i < cases; i++) run_case(&f, row, i);
  test_guard_destroy(&f.src);
  test_guard_destroy(&f.weight);
  test_guard_destroy(&f.dst);
  test_epilogue_destroy(&f.epilogue);
}

int main(void) {
  if (test_isa_missing()) return 1;
  return test_rows("conv kernels", ONEFOLD_OP_CONV_S1, ONEFOLD_OP_POINTWISE, test_row) != 0;
}
