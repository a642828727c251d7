// SPDX-License-Identifier: BSD-3-Clause
// Pooling on every ISA level, in every layout, between guard pages: against the definition in
// double, exact on small integers; the same bits for any number of tasks; shapes and values
// written by hand.
#include "tests/pool_support.h"

#include <math.h>
#include <string.h>

typedef struct problem {
  onefold_shape in, out;
  onefold_pooling pooling;
  onefold_pool2d_params p;
} problem;

/// Windows along an axis, counted one by one.
static int64_t count_windows(int64_t in, int64_t kernel, int64_t stride, int64_t low, int64_t high,
                             int ceil_mode) {
  int64_t count = 0;
  for (int64_t begin = -low; begin < in; begin += stride, count++) {
    const int64_t over = begin + kernel - (in + high); // past the end of the padding
    if (over > (ceil_mode ? stride - 1 : 0)) break;
  }
  return count;
}

/// One output element in double. *terms: elements of the window; *size: the
/// sum of their absolute values over the divisor.
static double element(const problem *q, const float *plane, int64_t row, int64_t column, int *terms,
                      double *size) {
  const onefold_pool2d_params *p = &q->p;
  const int64_t y0 = row * p->stride_h - p->pad_top, x0 = column * p->stride_w - p->pad_left;
  double sum = 0.0, most = -INFINITY;
  int nan = 0, counted = 0;
  *terms = 0;
  *size = 0.0;
  for (int64_t y = y0; y < y0 + p->kernel_h; y++) {
    for (int64_t x = x0; x < x0 + p->kernel_w; x++) {
      counted += y < q->in.h + p->pad_bottom && x < q->in.w + p->pad_right;
      if (y < 0 || y >= q->in.h || x < 0 || x >= q->in.w) continue;
      const double value = plane[y * q->in.w + x];
      nan |= isnan(value);
      most = fmax(most, value);
      sum += value;
      *size += fabs(value);
      ++*terms;
    }
  }
  if (q->pooling == ONEFOLD_POOL_MAX) return nan ? NAN : most;
  const double divisor = p->divisor ? (double)p->divisor : p->count_include_pad ? counted : *terms;
  *size /= divisor;
  return sum / divisor;
}

static void check_values(const problem *q, const pool_fixture *f, int exact) {
  const int64_t in_plane = q->in.h * q->in.w, out_plane = q->out.h * q->out.w;
  for (size_t i = 0; i < test_elements(q->out); i++) {
    const int64_t plane = (int64_t)i / out_plane, at = (int64_t)i % out_plane;
    int terms;
    double size;
    const double want =
        element(q, f->x + plane * in_plane, at / q->out.w, at % q->out.w, &terms, &size);
    const double got = f->y[i];
    const int right = isnan(want) ? isnan(got)
                      : exact || q->pooling == ONEFOLD_POOL_MAX
                          ? got == (double)(float)want
                          : fabs(got - want) <= test_sum_bound(size, terms);
    if (!right) {
      test_failed("plane %lld row %lld column %lld is %.9g, not %.9g", (long long)plane,
                  (long long)(at / q->out.w), (long long)(at % q->out.w), got, want);
    }
  }
}

static void run_layout(pool_fixture *f, const problem *q, onefold_layout layout, int exact) {
  for (int i = 0; i < 2; i++) {
    onefold_context *context = i ? f->three : f->one;
    const int c = onefold_context_block(context);
    const test_side side = test_once_in(&f->rng, 2) ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
    float *x = test_guard_place(&f->in, test_layout_elements(q->in, layout, c), side);
    float *y = test_guard_place(&f->out, test_layout_elements(q->out, layout, c), side);
    test_to_layout(q->in, f->x, layout, c, 7.0f, x);
    test_ok(context, onefold_pool2d(context, q->in, layout, q->pooling, &q->p, x, y));
    assert_true(test_guard_intact(&f->out));
    test_lanes_finite(q->out, layout, c, y);
    test_from_layout(q->out, layout, c, y, i ? f->y : f->first);
  }
  assert_memory_equal(f->first, f->y, test_elements(q->out) * sizeof(float));
  check_values(q, f, exact);
}

static void run_problem(pool_fixture *f, problem *q, int exact) {
  static const char *const names[] = {"max", "mean"};
  const onefold_pool2d_params *p = &q->p;
  test_ok(f->one, onefold_pool2d_output_shape(f->one, q->in, p, &q->out));
  for (int i = 0; i < 2 * POOL_LAYOUTS; i++) {
    const onefold_layout layout = (onefold_layout)(i / 2);
    q->pooling = (onefold_pooling)(i % 2);
    test_case("%s %s %s %lldx%lldx%lldx%lld kernel %lldx%lld stride %lldx%lld pads %lld %lld %lld "
              "%lld ceil %d include %d divisor %lld",
              onefold_isa_name(onefold_context_isa(f->one)), names[q->pooling],
              onefold_layout_name(layout), (long long)q->in.n, (long long)q->in.c,
              (long long)q->in.h, (long long)q->in.w, (long long)p->kernel_h,
              (long long)p->kernel_w, (long long)p->stride_h, (long long)p->stride_w,
              (long long)p->pad_top, (long long)p->pad_bottom, (long long)p->pad_left,
              (long long)p->pad_right, p->ceil_mode, p->count_include_pad, (long long)p->divisor);
    run_layout(f, q, layout, exact);
  }
}

/// Every shape of window, more often those that have code of their own.
static void draw(problem *q, test_rng *rng) {
  static const int64_t channels[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33};
  static const int64_t usual[][2] = {{2, 2}, {3, 1}, {3, 2}, {5, 1}, {9, 1}, {13, 1}};
  onefold_pool2d_params *p = &q->p;
  memset(q, 0, sizeof(*q));
  q->in = (onefold_shape){test_range(rng, 1, 2), test_pick(rng, channels), test_range(rng, 1, 12),
                          test_range(rng, 1, 28)};
  if (test_once_in(rng, 20)) q->in = (onefold_shape){2, 33, 24, 29}; // enough for three tasks
  p->kernel_h = test_range(rng, 1, 7);
  p->kernel_w = test_range(rng, 1, 7);
  p->stride_h = test_range(rng, 1, 4);
  p->stride_w = test_range(rng, 1, 4);
  if (test_once_in(rng, 2)) {
    const int64_t *window = test_pick(rng, usual);
    p->kernel_w = window[0];
    p->stride_w = window[1];
  }
  p->pad_top = test_range(rng, 0, p->kernel_h / 2);
  p->pad_bottom = test_range(rng, 0, p->kernel_h / 2);
  p->pad_left = test_range(rng, 0, p->kernel_w / 2);
  p->pad_right = test_range(rng, 0, p->kernel_w / 2);
  p->ceil_mode = test_once_in(rng, 2);
  p->count_include_pad = test_once_in(rng, 2);
  p->divisor = test_once_in(rng, 4) ? test_range(rng, 1, 9) : 0;
}

static void test_random_problems(void **state) {
  pool_fixture f;
  pool_fixture_create(&f, test_level(state));
  const int cases = test_scaled(1500);
  int refused = 0;
  for (int i = 0; i < cases; i++) {
    problem q;
    draw(&q, &f.rng);
    const onefold_pool2d_params *p = &q.p;
    const int64_t h =
        count_windows(q.in.h, p->kernel_h, p->stride_h, p->pad_top, p->pad_bottom, p->ceil_mode);
    const int64_t w =
        count_windows(q.in.w, p->kernel_w, p->stride_w, p->pad_left, p->pad_right, p->ceil_mode);
    if (h == 0 || w == 0) {
      test_fails(f.one, onefold_pool2d_output_shape(f.one, q.in, p, &q.out),
                 ONEFOLD_SHAPE_MISMATCH);
      refused++;
      continue;
    }
    const int exact = test_once_in(&f.rng, 2);
    if (exact) {
      test_fill_integers(&f.rng, f.x, test_elements(q.in), 100);
    } else {
      test_fill_uniform(&f.rng, f.x, test_elements(q.in));
    }
    run_problem(&f, &q, exact);
    assert_true(q.out.n == q.in.n && q.out.c == q.in.c && q.out.h == h && q.out.w == w);
  }
  assert_in_range(refused, 1, cases / 4 + 1);
  assert_int_equal(f.most_tasks, 3);
  pool_fixture_destroy(&f);
}

/// NaN and the infinities go through, wherever they are.
static void test_special_values(void **state) {
  pool_fixture f;
  pool_fixture_create(&f, test_level(state));
  static const float special[] = {NAN, -NAN, INFINITY, -INFINITY};
  const int cases = test_scaled(300);
  for (int i = 0; i < cases; i++) {
    problem q;
    do {
      draw(&q, &f.rng);
    } while (onefold_pool2d_output_shape(f.one, q.in, &q.p, &q.out) != ONEFOLD_OK);
    const size_t n = test_elements(q.in);
    test_fill_integers(&f.rng, f.x, n, 100);
    for (size_t k = 0; k <= n / 16; k++) {
      f.x[test_range(&f.rng, 0, (int64_t)n - 1)] = test_pick(&f.rng, special);
    }
    run_problem(&f, &q, 1);
  }
  pool_fixture_destroy(&f);
}

/// All of a large image in one window: the error stays within the bound of a sum.
static void test_large_windows(void **state) {
  pool_fixture f;
  pool_fixture_create(&f, test_level(state));
  static const int64_t sizes[][2] = {{1, 1}, {7, 7}, {56, 56}, {100, 37}};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    problem q = {
        .in = {1, 17, sizes[i][0], sizes[i][1]},
        .p = {.kernel_h = sizes[i][0], .kernel_w = sizes[i][1], .stride_h = 1, .stride_w = 1}};
    const size_t n = test_elements(q.in);
    for (size_t k = 0; k < n; k++) f.x[k] = 0.1f;
    run_problem(&f, &q, 0);
    assert_true(q.out.h == 1 && q.out.w == 1);
  }
  pool_fixture_destroy(&f);
}

/// Sizes that PyTorch's layers give.
static void test_output_shapes(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  static const struct {
    int64_t in, kernel, stride, pad;
    int ceil_mode;
    int64_t out;
  } rows[] = {{112, 3, 2, 1, 0, 56}, {7, 2, 2, 0, 0, 3},    {7, 2, 2, 0, 1, 4},
              {20, 5, 1, 2, 0, 20},  {20, 13, 1, 6, 0, 20}, {2, 3, 2, 0, 1, 1},
              {3, 2, 3, 0, 1, 1},    {4, 2, 3, 0, 1, 2},    {4, 2, 5, 1, 1, 1},
              {4, 3, 2, 1, 1, 3},    {4, 3, 2, 1, 0, 2},    {1, 1, 1, 0, 0, 1},
              {7, 7, 7, 0, 0, 1},    {55, 3, 2, 0, 1, 27},  {56, 3, 2, 0, 1, 28}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    onefold_pool2d_params p = onefold_pool2d_square(rows[i].kernel, rows[i].stride, rows[i].pad);
    p.ceil_mode = rows[i].ceil_mode;
    onefold_shape out = {0, 0, 0, 0};
    const onefold_shape in = {2, 3, rows[i].in, rows[i].in};
    test_ok(context, onefold_pool2d_output_shape(context, in, &p, &out));
    assert_true(out.n == 2 && out.c == 3);
    if (out.h != rows[i].out || out.w != rows[i].out) {
      test_failed("row %zu: %lldx%lld instead of %lld", i, (long long)out.h, (long long)out.w,
                  (long long)rows[i].out);
    }
  }
  onefold_context_destroy(context);
}

/// A row of ones: what the divisor counts.
static void test_divisors(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  static const struct {
    onefold_pool2d_params p;
    float want[3];
  } rows[] = {
      // Windows [-1, 2), [1, 4) and [3, 6) of 4 columns, padded to [-1, 5).
      {{1, 3, 1, 2, 0, 0, 1, 1, 1, 1, 0}, {2.0f / 3, 1, 0.5f}},
      {{1, 3, 1, 2, 0, 0, 1, 1, 1, 0, 0}, {1, 1, 1}},
      {{1, 3, 1, 2, 0, 0, 1, 1, 1, 1, 4}, {0.5f, 0.75f, 0.25f}},
      {{1, 3, 1, 2, 0, 0, 1, 1, 1, 0, 4}, {0.5f, 0.75f, 0.25f}},
      // Windows [-1, 1), [1, 3) and [3, 5) without padding behind: the last is clipped to [3, 4).
      {{1, 2, 1, 2, 0, 0, 1, 0, 1, 1, 0}, {0.5f, 1, 1}},
      // Rows of padding above and below.
      {{3, 3, 1, 2, 1, 1, 1, 1, 1, 1, 0}, {2.0f / 9, 1.0f / 3, 1.0f / 6}},
      {{3, 3, 1, 2, 1, 1, 1, 1, 1, 0, 0}, {1, 1, 1}},
      {{3, 3, 3, 2, 1, 0, 1, 1, 1, 1, 0}, {1.0f / 3, 0.5f, 0.25f}},
  };
  const onefold_shape in = {1, 1, 1, 4};
  const float x[4] = {1, 1, 1, 1};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    float y[3] = {0, 0, 0};
    onefold_shape out;
    test_ok(context, onefold_pool2d_output_shape(context, in, &rows[i].p, &out));
    assert_true(out.h == 1 && out.w == 3);
    test_ok(context,
            onefold_pool2d(context, in, ONEFOLD_NCHW, ONEFOLD_POOL_MEAN, &rows[i].p, x, y));
    const size_t at = test_first_difference(y, rows[i].want, 3);
    if (at < 3) test_failed("row %zu: y[%zu] is %g, not %g", i, at, y[at], rows[i].want[at]);
  }
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest levels[] = {
      cmocka_unit_test(test_random_problems), cmocka_unit_test(test_special_values),
      cmocka_unit_test(test_large_windows), cmocka_unit_test(test_divisors)};
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_output_shapes)};
  if (test_isa_missing()) return 1;
  const int failures = cmocka_run_group_tests(tests, NULL, NULL);
  return failures + test_every_level("pooling", levels, sizeof(levels) / sizeof(levels[0])) != 0;
}
