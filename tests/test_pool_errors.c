// SPDX-License-Identifier: BSD-3-Clause
// Bad input to pooling and upsampling: the status and a sentence with the wrong value.
#include "tests/support.h"

#include <onefold/pool.h>

static void test_bad_params(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_shape in = {1, 1, 4, 5};
  static const struct {
    onefold_pool2d_params p;
    onefold_status status;
    const char *says;
  } rows[] = {
      {{0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0}, ONEFOLD_INVALID_ARGUMENT, "kernel_h is 0, not from 1"},
      {{2, -3, 1, 1, 0, 0, 0, 0, 0, 0, 0}, ONEFOLD_INVALID_ARGUMENT, "kernel_w is -3"},
      {{2, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0}, ONEFOLD_INVALID_ARGUMENT, "stride_h is 0"},
      {{2, 2, 1, INT64_MAX, 0, 0, 0, 0, 0, 0, 0},
       ONEFOLD_INVALID_ARGUMENT,
       "stride_w is 9223372036854775807, not from 1 to 2147483647"},
      {{3, 3, 1, 1, 2, 0, 0, 0, 0, 0, 0},
       ONEFOLD_INVALID_ARGUMENT,
       "pad_top is 2, not from 0 to 1"},
      {{3, 3, 1, 1, 0, -1, 0, 0, 0, 0, 0}, ONEFOLD_INVALID_ARGUMENT, "pad_bottom is -1"},
      {{3, 3, 1, 1, 0, 0, 4, 0, 0, 0, 0}, ONEFOLD_INVALID_ARGUMENT, "pad_left is 4"},
      {{3, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0},
       ONEFOLD_INVALID_ARGUMENT,
       "pad_right is 1, not from 0 to 0"},
      {{3, 3, 1, 1, 0, 0, 0, 0, 0, 0, -2}, ONEFOLD_INVALID_ARGUMENT, "divisor is -2"},
      {{7, 3, 1, 1, 1, 1, 0, 0, 0, 0, 0},
       ONEFOLD_SHAPE_MISMATCH,
       "kernel_h is 7, larger than the image of 4 with padding 1+1"},
      {{3, 6, 1, 1, 0, 0, 0, 0, 0, 0, 0},
       ONEFOLD_SHAPE_MISMATCH,
       "kernel_w is 6, larger than the image of 5 with padding 0+0"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    onefold_shape out = {-1, -1, -1, -1};
    test_fails(context, onefold_pool2d_output_shape(context, in, &rows[i].p, &out), rows[i].status);
    test_says(context, rows[i].says);
    assert_true(out.n == -1 && out.h == -1); // left alone
    float x[20] = {0}, y[20] = {3};
    test_fails(context,
               onefold_pool2d(context, in, ONEFOLD_NCHW, ONEFOLD_POOL_MAX, &rows[i].p, x, y),
               rows[i].status);
    assert_true(y[0] == 3.0f);
  }
  onefold_context_destroy(context);
}

static void test_bad_calls(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_shape in = {1, 1, 2, 2}, empty = {1, 1, 0, 2};
  const onefold_layout layout = ONEFOLD_NCHW;
  const onefold_pool2d_params p = onefold_pool2d_square(2, 2, 0);
  const onefold_shape vast = {1, 1, INT64_C(1) << 30, INT64_C(1) << 30};
  float x[32] = {0}, y[32] = {0};
  float *off = (float *)(void *)((char *)y + 1);
  onefold_shape out;

  const onefold_pooling max = ONEFOLD_POOL_MAX;
  test_fails(NULL, onefold_pool2d(NULL, in, layout, max, &p, x, y), ONEFOLD_INVALID_ARGUMENT);
  test_fails(NULL, onefold_pool2d_output_shape(NULL, in, &p, &out), ONEFOLD_INVALID_ARGUMENT);
  test_fails(NULL, onefold_upsample_nearest(NULL, in, layout, 2, x, y), ONEFOLD_INVALID_ARGUMENT);

#define REFUSES(call, status, text)                                                                \
  test_fails(context, call, status);                                                               \
  test_says(context, text)
  REFUSES(onefold_pool2d_output_shape(context, in, NULL, &out), ONEFOLD_INVALID_ARGUMENT,
          "params is NULL");
  REFUSES(onefold_pool2d_output_shape(context, in, &p, NULL), ONEFOLD_INVALID_ARGUMENT,
          "out is NULL");
  REFUSES(onefold_pool2d(context, in, layout, (onefold_pooling)2, &p, x, y),
          ONEFOLD_INVALID_ARGUMENT, "2 is not a pooling");
  REFUSES(onefold_pool2d(context, in, (onefold_layout)3, max, &p, x, y), ONEFOLD_INVALID_ARGUMENT,
          "3 is not a layout");
  REFUSES(onefold_pool2d(context, empty, layout, max, &p, x, y), ONEFOLD_INVALID_ARGUMENT,
          "shape.h is 0");
  REFUSES(onefold_pool2d(context, vast, ONEFOLD_BLOCKED, max, &p, x, y), ONEFOLD_OVERFLOW,
          "1x1x1073741824x1073741824 floats do not fit");
  REFUSES(onefold_pool2d(context, in, layout, max, NULL, x, y), ONEFOLD_INVALID_ARGUMENT,
          "params is NULL");
  REFUSES(onefold_pool2d(context, in, layout, max, &p, NULL, y), ONEFOLD_INVALID_ARGUMENT,
          "input is NULL");
  REFUSES(onefold_pool2d(context, in, layout, max, &p, x, NULL), ONEFOLD_INVALID_ARGUMENT,
          "output is NULL");
  REFUSES(onefold_pool2d(context, in, layout, max, &p, x, off), ONEFOLD_BAD_BUFFER,
          "not aligned to 4 bytes");
  REFUSES(onefold_pool2d(context, in, layout, max, &p, x, x + 3), ONEFOLD_BAD_BUFFER,
          "overlaps output");
  test_ok(context, onefold_pool2d(context, in, layout, max, &p, x, x + 4)); // neighbours
  REFUSES(onefold_pool2d(context, in, layout, max, &p, x, x), ONEFOLD_BAD_BUFFER, "overlaps");

  REFUSES(onefold_upsample_nearest(context, in, layout, 0, x, y), ONEFOLD_INVALID_ARGUMENT,
          "factor is 0");
  REFUSES(onefold_upsample_nearest(context, in, (onefold_layout)-1, 2, x, y),
          ONEFOLD_INVALID_ARGUMENT, "-1 is not a layout");
  REFUSES(onefold_upsample_nearest(context, in, layout, INT64_MAX, x, y), ONEFOLD_OVERFLOW,
          "2x2 pixels times 9223372036854775807 do not fit");
  REFUSES(onefold_upsample_nearest(context, in, layout, INT64_C(1) << 40, x, y), ONEFOLD_OVERFLOW,
          "floats do not fit");
  REFUSES(onefold_upsample_nearest(context, in, layout, 2, NULL, y), ONEFOLD_INVALID_ARGUMENT,
          "input is NULL");
  REFUSES(onefold_upsample_nearest(context, in, layout, 2, x, off), ONEFOLD_BAD_BUFFER,
          "not aligned");
  REFUSES(onefold_upsample_nearest(context, in, layout, 2, x + 15, x), ONEFOLD_BAD_BUFFER,
          "input (4 floats at");
  test_ok(context, onefold_upsample_nearest(context, in, layout, 2, x + 16, x));
#undef REFUSES
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bad_params),
                                     cmocka_unit_test(test_bad_calls)};
  return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
