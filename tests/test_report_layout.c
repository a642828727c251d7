// SPDX-License-Identifier: BSD-3-Clause
// Where charts put things: scales with their ticks, and places of labels.
#include "report/place.h"
#include "report/scale.h"
#include "tests/report_support.h"

#include <math.h>
#include <stdlib.h>

static void test_scales(void **state) {
  (void)state;
  double ticks[REPORT_TICKS];
  for (double high = 1e-9; high < 1e9; high *= 1.7) {
    const report_scale bars = onefold_report_scale_bars(high, 10, 210);
    assert_true(bars.low == 0 && bars.high >= high * (1 - 1e-9) && bars.high <= 1.2 * high);
    assert_true(onefold_report_at(&bars, 0) == 10);
    assert_true(fabs(onefold_report_at(&bars, bars.high) - 210) < 1e-9);
    size_t n = onefold_report_ticks(&bars, 40, ticks);
    assert_in_range(n, 2, 6);
    assert_true(ticks[0] == 0 && !signbit(ticks[0]));
    const report_scale plane = onefold_report_scale_log(high, 300 * high, 200, 0);
    assert_true(plane.low <= high * (1 + 1e-9) && plane.high >= 300 * high * (1 - 1e-9));
    assert_true(plane.low > high / 3 && plane.high < 900 * high);
    n = onefold_report_ticks(&plane, 10, ticks);
    assert_in_range(n, 7, REPORT_TICKS);
    for (size_t i = 1; i < n; i++) {
      const double apart =
          onefold_report_at(&plane, ticks[i - 1]) - onefold_report_at(&plane, ticks[i]);
      assert_true(apart >= 10 * (1 - 1e-9)); // upwards, and apart
    }
  }
  const double nothing[] = {0, -1, NAN, INFINITY};
  for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
    const report_scale s = onefold_report_scale_bars(nothing[i], 0, 100);
    assert_true(s.high == 1);
  }
  const report_scale wide = onefold_report_scale_log(1e-300, 1e300, 0, 100);
  assert_in_range(onefold_report_ticks(&wide, 1, ticks), 1, REPORT_TICKS);
}

/// Labels touch neither each other nor what was there.
static void test_places(void **state) {
  (void)state;
  report_places *places = calloc(1, sizeof *places);
  assert_non_null(places);
  places->all = (report_box){0, 0, 300, 200};
  report_svg svg;
  onefold_report_svg_begin(&svg, 300);
  int placed = 0;
  for (int i = 0; i < 200; i++) {
    const double x = 20 + (i * 37) % 260, y = 20 + (i * 53) % 160;
    placed += onefold_report_label(&svg, places, x, y, 4, REPORT_TICK, "a label");
  }
  assert_in_range(placed, 10, 100); // many, and not all
  assert_int_equal(places->count, (size_t)placed);
  for (size_t i = 0; i < places->count; i++) {
    const report_box *a = &places->taken[i];
    assert_true(a->left >= 0 && a->right <= 300 && a->top >= 0 && a->bottom <= 200);
    for (size_t j = 0; j < i; j++) {
      const report_box *b = &places->taken[j];
      assert_true(a->left >= b->right || b->left >= a->right || a->top >= b->bottom ||
                  b->top >= a->bottom);
    }
  }
  const size_t before = places->count;
  assert_false(onefold_report_take_turned(places, places->taken[0].left, places->taken[0].bottom,
                                          -45, REPORT_TICK, "x"));
  assert_int_equal(places->count, before);
  const report_svg_frame frame = {"id", "v", "t", "a", 1};
  FILE *out = fopen("/dev/null", "w");
  assert_non_null(out);
  assert_int_equal(onefold_report_svg_end(&svg, &frame, out), 0);
  fclose(out);
  free(places);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scales),
      cmocka_unit_test(test_places),
  };
  return cmocka_run_group_tests_name("report_layout", tests, NULL, NULL);
}
