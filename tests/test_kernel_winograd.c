// SPDX-License-Identifier: BSD-3-Clause
// Every row of the Winograd transforms against matrices of the test's own in double: exact on small
// integers where they can be, else under a bound. Buffers span exactly the elements that the
// arguments name, between guard pages; what is not named stays as it was.
#include "tests/kernel_support.h"
#include "tests/toom_cook.h"

#include <math.h>
#include <string.h>

enum { MAX_TILES = 9, MAX_FLOATS = 1 << 17, LIMIT = 2 };

typedef struct fixture {
  test_guard src, dst;
  test_epilogue epilogue;
  unsigned char named[MAX_FLOATS]; // elements of dst that are to be written
} fixture;

/// What both directions share. Tile t is of down.size and along[t == tiles - 1].size; `more`
/// outputs than that.
typedef struct problem {
  const onefold_kernel *row;
  int index, m, more, v, tiles, exact;
  toom_cook down, along[2], least;
  ptrdiff_t element, extra;
  test_side side;
} problem;

static const toom_cook *along(const problem *p, int tile) {
  return &p->along[tile == p->tiles - 1];
}

/// Offset of the element at points i and j of tile t.
static ptrdiff_t element_of(const problem *p, int t, int i, int j) {
  const toom_cook *least = &p->least;
  int lacks = 1;
  const int row = toom_cook_place(&p->down, i), column = toom_cook_place(along(p, t), j);
  for (int n = 0; n < least->size + 2; n++) lacks &= toom_cook_place(least, n) != column;
  return (row * (p->m + 2) + column) * p->element + (lacks ? p->extra : 0) + t * p->v;
}

static void draw(problem *p, const onefold_kernel *row, int index, test_rng *rng) {
  memset(p, 0, sizeof(*p));
  p->row = row;
  p->index = index;
  p->more = row->op == ONEFOLD_OP_POLYPHASE_OUT;
  p->m = row->variant - p->more;
  const int taps = 3 - p->more;
  p->v = test_row_width(row, rng);
  p->exact = test_once_in(rng, 2);
  p->side = test_once_in(rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
  p->tiles = 1 + index % MAX_TILES;
  toom_cook_make(&p->down, p->m, 2 * (int)test_range(rng, 1, p->m / 2), taps);
  toom_cook_make(&p->along[0], p->m, p->m, taps);
  toom_cook_make(&p->along[1], p->m, 2 * (int)test_range(rng, 1, p->m / 2), taps);
  const int last = p->along[1].size;
  toom_cook_make(&p->least, p->m,
                 test_once_in(rng, 2) ? last : 2 * (int)test_range(rng, 1, last / 2), taps);
  const ptrdiff_t gap = test_range(rng, 0, 40);
  p->element = (ptrdiff_t)p->tiles * p->v + gap;
  p->extra = test_range(rng, -gap, gap);
}

static void fill(const problem *p, test_rng *rng, float *values, size_t n) {
  if (p->exact) {
    test_fill_integers(rng, values, n, LIMIT);
  } else {
    test_fill_uniform(rng, values, n);
  }
}

/// Calls `visit` for every element of the transform.
typedef void element_fn(void *user, ptrdiff_t at);
static void each_element(const problem *p, element_fn *visit, void *user) {
  for (int t = 0; t < p->tiles; t++) {
    for (int i = 0; i < p->down.size + 2; i++) {
      for (int j = 0; j < along(p, t)->size + 2; j++) visit(user, element_of(p, t, i, j));
    }
  }
}

typedef struct spanning {
  const problem *p;
  test_span span;
} spanning;
static void add_span(void *user, ptrdiff_t at) {
  spanning *s = user;
  test_span_add(&s->span, at, s->p->v);
}
static test_span elements_span(const problem *p) {
  spanning s = {p, {PTRDIFF_MAX, PTRDIFF_MIN}};
  each_element(p, add_span, &s);
  return s.span;
}

/// Error allowed for a value whose terms' sizes sum to s. The terms are multiples of `unit` where
/// they come from integers, so that the sum is exact while it fits. Otherwise a value passes
/// through at most 12 roundings of 2^-24 each in two dimensions, and 4 in the epilogue.
static double bound_of(const problem *p, double s) {
  static const double units[2][3] = {{1.0, 0x1p-18, 0x1p-10}, {1.0, 0x1p-24}};
  if (p->exact && s <= 0x1p24 * units[p->more][p->m / 2 - 1]) return 0.0;
  return 0x1p-20 * s + 0x1p-140;
}

static void check(float got, double want, double bound, const char *what, int a, int b, int c,
                  int lane) {
  if (fabs((double)got - want) <= bound) return;
  test_failed("%s %d,%d,%d lane %d is %.9g, not %.9g within %.3g", what, a, b, c, lane, (double)got,
              want, bound);
}

static void check_rest(const fixture *f, const float *dst, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!f->named[i] && !isnan(dst[i])) test_failed("float %zu between the results was written", i);
  }
}

static void check_memory(const fixture *f) {
  if (!test_guard_intact(&f->src) || !test_guard_intact(&f->dst)) {
    test_failed("memory next to a buffer was written");
  }
}

// -------------------------------------------------------------------- input

/// Pixel i, j of tile t: its offset from row 0, column 0, or -1 outside the image.
static ptrdiff_t pixel_of(const onefold_winograd_in_args *a, int t, int i, int j) {
  const int64_t y = a->top + i, x = a->left + (int64_t)t * a->step + j;
  return y < 0 || y >= a->in_h || x < 0 || x >= a->in_w ? -1 : y * a->src_row + x * a->src_pixel;
}

static void make_image(const problem *p, fixture *f, onefold_winograd_in_args *a, test_rng *rng) {
  test_span span = {PTRDIFF_MAX, PTRDIFF_MIN};
  float *src = NULL;
  for (int pass = 0; pass < 2; pass++) {
    for (int t = 0; t < p->tiles; t++) {
      for (int i = 0; i < p->down.size + 2; i++) {
        for (int j = 0; j < along(p, t)->size + 2; j++) {
          const ptrdiff_t at = pixel_of(a, t, i, j);
          if (at < 0) continue;
          if (pass == 0) {
            test_span_add(&span, at, p->v);
          } else if (isnan(src[at - span.low])) { // neighbouring tiles share it
            fill(p, rng, src + (at - span.low), (size_t)p->v);
          }
        }
      }
    }
    if (pass == 0) {
      src = test_guard_place(&f->src, test_span_size(&span), p->side);
      a->src = span.low > span.high
                   ? src
                   : (const float *)((uintptr_t)src - (uintptr_t)span.low * sizeof(float));
    }
  }
}

/// The element at points i, j of tile t, lane l, and the sum of its terms' sizes.
static double exact_in(const problem *p, const onefold_winograd_in_args *a, int t, int i, int j,
                       int l, double *s) {
  const toom_cook *w = along(p, t);
  double sum = 0.0;
  *s = 0.0;
  for (int y = 0; y < p->down.size + 2; y++) {
    for (int x = 0; x < w->size + 2; x++) {
      const ptrdiff_t at = pixel_of(a, t, y, x);
      if (at < 0) continue;
      const double term = p->down.in[i][y] * w->in[j][x] * (double)a->src[at + l];
      sum += term;
      *s += fabs(term);
    }
  }
  return sum;
}

typedef struct naming {
  fixture *f;
  const problem *p;
  ptrdiff_t low;
} naming;
static void name_element(void *user, ptrdiff_t at) {
  const naming *n = user;
  for (int l = 0; l < n->p->v; l++) {
    assert_false(n->f->named[at - n->low + l]);
    n->f->named[at - n->low + l] = 1;
  }
}

static void run_in(fixture *f, const onefold_kernel *row, int index) {
  test_rng rng = test_case_rng(row, index);
  problem p;
  draw(&p, row, index, &rng);
  onefold_winograd_in_args a = {.tiles = p.tiles,
                                .height = p.down.size,
                                .last_width = p.along[1].size,
                                .least_width = p.least.size,
                                .dst_element = p.element,
                                .dst_extra = p.extra,
                                .v = p.v};
  a.in_h = (int32_t)(test_once_in(&rng, 3) ? test_range(&rng, 1, 3) : test_range(&rng, 1, 12));
  a.in_w = (int32_t)(test_once_in(&rng, 3) ? test_range(&rng, 1, 3)
                                           : test_range(&rng, 1, p.tiles * p.m + 8));
  a.step = p.m + (int32_t)test_range(&rng, 0, 1);
  a.src_pixel = p.v * test_range(&rng, 1, 2);
  a.src_row = (ptrdiff_t)a.in_w * a.src_pixel + test_range(&rng, 0, 20);
  a.top = (int32_t)(test_once_in(&rng, 2) ? test_range(&rng, -2, 2)
                                          : test_range(&rng, -p.m - 3, a.in_h + 2));
  a.left = (int32_t)(test_once_in(&rng, 2) ? test_range(&rng, -2, 2)
                                           : test_range(&rng, -2 * p.m - 3, a.in_w + 2));
  make_image(&p, f, &a, &rng);
  const test_span span = elements_span(&p);
  const size_t n = test_span_size(&span);
  float *dst = test_guard_place(&f->dst, n, p.side);
  a.dst = dst - span.low;
  memset(f->named, 0, n);
  naming names = {f, &p, span.low};
  each_element(&p, name_element, &names);

  test_case("%s case %d: %d tiles %d apart, %d high, the last %d wide (all %d), image %dx%d from "
            "%d,%d, v=%d pixel=%td element=%td extra=%td %s %s",
            row->name, index, p.tiles, a.step, a.height, a.last_width, a.least_width, a.in_h,
            a.in_w, a.top, a.left, p.v, a.src_pixel, p.element, p.extra,
            p.exact ? "integers" : "floats",
            p.side == TEST_ENDS_AT_GUARD ? "ends at guard" : "starts at guard");
  ((onefold_winograd_in_fn *)row->fn)(&a);
  for (int t = 0; t < p.tiles; t++) {
    for (int i = 0; i < p.down.size + 2; i++) {
      for (int j = 0; j < along(&p, t)->size + 2; j++) {
        for (int l = 0; l < p.v; l++) {
          double s;
          const double want = exact_in(&p, &a, t, i, j, l, &s);
          check(a.dst[element_of(&p, t, i, j) + l], want, bound_of(&p, s), "tile, points", t, i, j,
                l);
        }
      }
    }
  }
  check_rest(f, dst, n);
  check_memory(f);
}

// ------------------------------------------------------------------- output

/// Output y, x of tile t before the epilogue, and the sum of its terms' sizes.
static double exact_out(const problem *p, const onefold_winograd_out_args *a, int t, int y, int x,
                        int l, double *s) {
  const toom_cook *w = along(p, t);
  double sum = 0.0;
  *s = 0.0;
  for (int i = 0; i < p->down.size + 2; i++) {
    for (int j = 0; j < w->size + 2; j++) {
      const double term =
          p->down.out[y][i] * w->out[x][j] * (double)a->src[element_of(p, t, i, j) + l];
      sum += term;
      *s += fabs(term);
    }
  }
  return sum;
}

typedef struct filling {
  const problem *p;
  test_rng *rng;
  float *src;
  ptrdiff_t low;
} filling;
static void fill_element(void *user, ptrdiff_t at) {
  const filling *g = user;
  fill(g->p, g->rng, g->src + (at - g->low), (size_t)g->p->v);
}

static void run_out(fixture *f, const onefold_kernel *row, int index) {
  enum { MOST = (TOOM_TILE + 1) * MAX_TILES * (TOOM_TILE + 1) * ONEFOLD_MAX_VECTOR };
  static double want[MOST], bound[MOST];
  test_rng rng = test_case_rng(row, index);
  problem p;
  draw(&p, row, index, &rng);
  const test_span span = elements_span(&p);
  filling products = {&p, &rng, test_guard_place(&f->src, test_span_size(&span), p.side), span.low};
  each_element(&p, fill_element, &products);
  onefold_winograd_out_args a = {.src = products.src - span.low,
                                 .src_element = p.element,
                                 .src_extra = p.extra,
                                 .tiles = p.tiles,
                                 .height = p.down.size,
                                 .last_width = p.along[1].size,
                                 .least_width = p.least.size,
                                 .rows = (int32_t)test_range(&rng, 1, p.down.size + p.more),
                                 .swap = test_once_in(&rng, 2),
                                 .v = p.v,
                                 .epilogue = &f->epilogue.e};
  a.columns = (p.tiles - 1) * (p.m + p.more) + p.along[1].size + p.more;
  a.columns -= (int32_t)test_range(&rng, 0, 1 + p.more);
  a.dst_row = (ptrdiff_t)a.columns * p.v + test_range(&rng, 0, 20);
  const size_t line = (size_t)(a.columns * p.v);
  const size_t n = (size_t)((a.rows - 1) * a.dst_row) + line;
  float *dst = test_guard_place(&f->dst, n, p.side);
  a.dst = dst;
  test_epilogue_draw(&f->epilogue, &rng, p.exact, p.side, (size_t)p.v, n);
  onefold_epilogue *e = &f->epilogue.e;
  const int in_place = e->residual && test_once_in(&rng, 2);
  if (in_place) e->residual = a.dst;
  memset(f->named, 0, n);
  for (int y = 0; y < a.rows; y++) {
    memset(f->named + y * a.dst_row, 1, line);
    if (e->residual) {
      fill(&p, &rng, (float *)(uintptr_t)e->residual + y * a.dst_row, line);
    }
  }
  for (int y = 0; y < a.rows; y++) {
    for (size_t k = 0; k < line; k++) {
      const int column = (int)k / p.v, l = (int)k % p.v;
      const int t = column / (p.m + p.more);
      const size_t at = (size_t)y * line + k;
      double s;
      double z = exact_out(&p, &a, t, y, column - t * (p.m + p.more), l, &s);
      z += test_epilogue_begin(&f->epilogue, (size_t)l, &s);
      const double r = e->residual ? e->residual[y * a.dst_row + (ptrdiff_t)k] : 0.0;
      want[at] = test_epilogue_apply(&f->epilogue, (size_t)l, r, z, &s);
      bound[at] = bound_of(&p, s);
    }
  }
  test_case(
      "%s case %d: %d tiles, %d high, the last %d wide (all %d), %dx%d outputs, v=%d element=%td "
      "extra=%td%s [%s] %s",
      row->name, index, p.tiles, a.height, a.last_width, a.least_width, a.rows, a.columns, p.v,
      p.element, p.extra, in_place ? " in place" : "", f->epilogue.text,
      p.side == TEST_ENDS_AT_GUARD ? "ends at guard" : "starts at guard");
  ((onefold_winograd_out_fn *)row->fn)(&a);
  for (int y = 0; y < a.rows; y++) {
    for (size_t k = 0; k < line; k++) {
      const size_t at = (size_t)y * line + k;
      check(a.dst[y * a.dst_row + (ptrdiff_t)k], want[at], bound[at], "row, column", y,
            (int)k / p.v, 0, (int)k % p.v);
    }
  }
  check_rest(f, dst, n);
  check_memory(f);
  if (!test_epilogue_intact(&f->epilogue)) test_failed("memory next to the epilogue was written");
}

static void test_row(void **state) {
  static fixture f;
  const onefold_kernel *row = *state;
  test_guard_create(&f.src, MAX_FLOATS * sizeof(float));
  test_guard_create(&f.dst, MAX_FLOATS * sizeof(float));
  test_epilogue_create(&f.epilogue, ONEFOLD_MAX_VECTOR, MAX_FLOATS);
  const int cases = test_scaled(500);
  for (int i = 0; i < cases; i++) {
    if (row->op == ONEFOLD_OP_WINOGRAD_IN) {
      run_in(&f, row, i);
    } else {
      run_out(&f, row, i);
    }
  }
  test_guard_destroy(&f.src);
  test_guard_destroy(&f.dst);
  test_epilogue_destroy(&f.epilogue);
}

int main(void) {
  if (test_isa_missing()) return 1;
  return test_rows("winograd kernels", ONEFOLD_OP_WINOGRAD_IN, ONEFOLD_OP_POLYPHASE_OUT,
                   test_row) != 0;
}
