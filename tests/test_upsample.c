// SPDX-License-Identifier: BSD-3-Clause
// Upsampling on every ISA level, in every layout, between guard pages: each element is the one
// that it repeats.
#include "tests/pool_support.h"

static void test_upsample(void **state) {
  pool_fixture f;
  pool_fixture_create(&f, test_level(state));
  static const onefold_shape shapes[] = {{1, 1, 1, 1},  {2, 3, 3, 5},   {1, 16, 7, 7},
                                         {2, 33, 5, 4}, {1, 40, 10, 9}, {1, 5, 1, 31}};
  for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) * POOL_LAYOUTS * 3 * 2; i++) {
    const onefold_layout layout = (onefold_layout)(i % POOL_LAYOUTS);
    const int64_t factor = 1 + (int64_t)i / POOL_LAYOUTS % 3;
    onefold_context *context = i / POOL_LAYOUTS / 3 % 2 ? f.three : f.one;
    const onefold_shape in = shapes[i / POOL_LAYOUTS / 3 / 2];
    const onefold_shape out = {in.n, in.c, in.h * factor, in.w * factor};
    const int c = onefold_context_block(context);
    const test_side side = i % 2 ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD;
    float *x = test_guard_place(&f.in, test_layout_elements(in, layout, c), side);
    float *y = test_guard_place(&f.out, test_layout_elements(out, layout, c), side);
    test_fill_uniform(&f.rng, f.x, test_elements(in));
    test_to_layout(in, f.x, layout, c, 7.0f, x);
    test_case("upsample %s %s %lldx%lldx%lldx%lld by %lld",
              onefold_isa_name(onefold_context_isa(context)), onefold_layout_name(layout),
              (long long)in.n, (long long)in.c, (long long)in.h, (long long)in.w,
              (long long)factor);
    test_ok(context, onefold_upsample_nearest(context, in, layout, factor, x, y));
    assert_true(test_guard_intact(&f.out));
    test_lanes_finite(out, layout, c, y);
    test_from_layout(out, layout, c, y, f.y);
    for (size_t k = 0; k < test_elements(out); k++) {
      const int64_t column = (int64_t)k % out.w, row = (int64_t)k / out.w;
      const float want = f.x[row / factor * in.w + column / factor];
      if (f.y[k] != want) test_failed("element %zu is %.9g, not %.9g", k, f.y[k], want);
    }
  }
  assert_int_equal(f.most_tasks, 3);
  pool_fixture_destroy(&f);
}

int main(void) {
  const struct CMUnitTest levels[] = {cmocka_unit_test(test_upsample)};
  if (test_isa_missing()) return 1;
  return test_every_level("upsampling", levels, sizeof(levels) / sizeof(levels[0])) != 0;
}
