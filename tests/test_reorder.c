// SPDX-License-Identifier: BSD-3-Clause
// Changes of layout, all nine pairs, on every ISA level: every element in its
// place, padding lanes 0, nothing touched outside.
#include "ops/context.h"
#include "ops/reorder.h"
#include "tests/split_context.h"
#include "tests/support.h"

#include <onefold/elementwise.h>

#include <string.h>

enum { PAIRS = 9 };

typedef struct fixture {
  onefold_context *context;
  test_guard in, out;
  float *plain, *want;
} fixture;

static const int64_t channel_counts[] = {1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33};
static const int64_t sizes[][2] = {{1, 1}, {1, 3}, {2, 4}, {7, 5}, {13, 17}};
// Large enough for several tasks, and for several tiles of rows and of planes.
static const onefold_shape large[] = {{1, 64, 23, 29},  {2, 130, 13, 17}, {1, 3, 96, 97},
                                      {1, 1, 150, 149}, {5, 1111, 1, 1},  {1, 20, 64, 64}};
enum { LARGE = sizeof(large) / sizeof(large[0]), CAPACITY = 1 << 19 };

typedef void check_fn(fixture *f, onefold_shape shape, onefold_layout from, onefold_layout to);

static void differs(const fixture *f, onefold_shape s, onefold_layout from, onefold_layout to,
                    const float *got, size_t n) {
  const size_t i = test_first_difference(got, f->want, n);
  if (i == n) return;
  test_failed("reorder %s to %s: element %zu is %g instead of %g (%s, %lldx%lldx%lldx%lld)",
              onefold_layout_name(from), onefold_layout_name(to), i, (double)got[i],
              (double)f->want[i], onefold_isa_name(onefold_context_isa(f->context)), (long long)s.n,
              (long long)s.c, (long long)s.h, (long long)s.w);
}

static void check_reorder(fixture *f, onefold_shape shape, onefold_layout from, onefold_layout to) {
  const int block = onefold_context_block(f->context);
  const size_t from_count = test_layout_elements(shape, from, block);
  const size_t to_count = test_layout_elements(shape, to, block);
  for (int side = 0; side < 2; side++) {
    float *in = test_guard_place(&f->in, from_count, (test_side)side);
    float *out = test_guard_place(&f->out, to_count, (test_side)side);
    test_to_layout(shape, f->plain, from, block, 1e30f, in);
    test_to_layout(shape, f->plain, to, block, 0.0f, f->want);
    test_ok(f->context, onefold_reorder(f->context, shape, from, in, to, out));
    differs(f, shape, from, to, out, to_count);
    assert_true(test_guard_intact(&f->out));
  }
}

/// Every unit on its own, in reverse: units are independent and cover all.
static void check_units(fixture *f, onefold_shape shape, onefold_layout from, onefold_layout to) {
  const onefold_dispatch *dispatch = onefold_context_dispatch(f->context);
  const int block = onefold_context_block(f->context);
  const size_t to_count = test_layout_elements(shape, to, block);
  float *in =
      test_guard_place(&f->in, test_layout_elements(shape, from, block), TEST_ENDS_AT_GUARD);
  float *out = test_guard_place(&f->out, to_count, TEST_ENDS_AT_GUARD);
  test_to_layout(shape, f->plain, from, block, 1e30f, in);
  test_to_layout(shape, f->plain, to, block, 0.0f, f->want);
  const size_t units = onefold_reorder_units(dispatch, shape, from, to);
  assert_true(units >= 1);
  for (size_t unit = units; unit-- > 0;)
    onefold_reorder_range(dispatch, shape, from, in, to, out, unit, unit + 1);
  differs(f, shape, from, to, out, to_count);
}

static void every_shape(fixture *f, check_fn *check) {
  for (int pair = 0; pair < PAIRS; pair++) {
    const onefold_layout from = (onefold_layout)(pair / 3), to = (onefold_layout)(pair % 3);
    for (size_t c = 0; c < sizeof(channel_counts) / sizeof(channel_counts[0]); c++) {
      for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        for (int64_t batch = 1; batch <= 2; batch++)
          check(f, (onefold_shape){batch, channel_counts[c], sizes[s][0], sizes[s][1]}, from, to);
      }
    }
    for (int i = 0; i < LARGE; i++) check(f, large[i], from, to);
  }
}

static void everywhere(check_fn *check, int tasks) {
  fixture f;
  test_guard_create(&f.in, CAPACITY * sizeof(float));
  test_guard_create(&f.out, CAPACITY * sizeof(float));
  f.plain = test_malloc(CAPACITY * sizeof(float));
  f.want = test_malloc(CAPACITY * sizeof(float));
  // Every element has a value of its own, none of them 0.
  for (int i = 0; i < CAPACITY; i++) f.plain[i] = (float)(i + 1);
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int level_count = test_isa_levels(levels);
  for (int i = 0; i < level_count; i++) {
    size_t most_tasks = 1;
    f.context = split_context(levels[i], tasks, &most_tasks);
    every_shape(&f, check);
    assert_int_equal(most_tasks, tasks);
    onefold_context_destroy(f.context);
  }
  test_guard_destroy(&f.in);
  test_guard_destroy(&f.out);
  test_free(f.plain);
  test_free(f.want);
}

static void test_one_task(void **state) {
  (void)state;
  everywhere(check_reorder, 1);
}

static void test_three_tasks(void **state) {
  (void)state;
  everywhere(check_reorder, 3);
}

static void test_units(void **state) {
  (void)state;
  everywhere(check_units, 1);
}

static void test_bad_input(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const int block = onefold_context_block(context);
  const onefold_shape shape = {1, 3, 2, 2};
  float x[512] = {0}, y[512] = {0};
  float *off = (float *)(void *)((char *)y + 2);

  test_fails(NULL, onefold_reorder(NULL, shape, ONEFOLD_NCHW, x, ONEFOLD_NHWC, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_reorder(context, shape, ONEFOLD_NCHW, NULL, ONEFOLD_NHWC, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "reorder: input is NULL");
  test_fails(context, onefold_reorder(context, shape, ONEFOLD_NCHW, x, ONEFOLD_NHWC, NULL),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "reorder: output is NULL");
  test_fails(context, onefold_reorder(context, shape, ONEFOLD_NCHW, x, ONEFOLD_NHWC, off),
             ONEFOLD_BAD_BUFFER);
  test_says(context, "reorder: output at");
  test_fails(context, onefold_reorder(context, shape, (onefold_layout)3, x, ONEFOLD_NHWC, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "3 is not a layout");
  test_fails(context, onefold_reorder(context, shape, ONEFOLD_NCHW, x, (onefold_layout)-1, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "-1 is not a layout");
  test_fails(context, onefold_reorder(context, shape, ONEFOLD_NCHW, x, ONEFOLD_NCHW, x),
             ONEFOLD_BAD_BUFFER);
  test_says(context, "input (12 floats at");
  test_fails(context, onefold_reorder(context, shape, ONEFOLD_NCHW, x + 11, ONEFOLD_NHWC, x),
             ONEFOLD_BAD_BUFFER);
  test_says(context, "overlaps output");
  // The output is longer than the input by its padding lanes.
  const size_t blocked = test_layout_elements(shape, ONEFOLD_BLOCKED, block);
  test_fails(context,
             onefold_reorder(context, shape, ONEFOLD_NCHW, x + blocked - 1, ONEFOLD_BLOCKED, x),
             ONEFOLD_BAD_BUFFER);
  test_ok(context, onefold_reorder(context, shape, ONEFOLD_NCHW, x + blocked, ONEFOLD_BLOCKED, x));

  const onefold_shape negative = {1, 3, -2, 2};
  test_fails(context, onefold_reorder(context, negative, ONEFOLD_NCHW, x, ONEFOLD_NHWC, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "shape.h is -2");
  // Fits as it is, and not with padding lanes.
  const onefold_shape padded = {1, 1, INT64_C(1) << 30, INT64_C(1) << 30};
  test_fails(context, onefold_reorder(context, padded, ONEFOLD_NCHW, x, ONEFOLD_BLOCKED, y),
             ONEFOLD_OVERFLOW);
  test_says(context, "1x1x1073741824x1073741824 floats do not fit");
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_task), cmocka_unit_test(test_three_tasks),
      cmocka_unit_test(test_units), cmocka_unit_test(test_bad_input)};
  if (test_isa_missing()) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
