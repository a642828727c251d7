// SPDX-License-Identifier: BSD-3-Clause
// Bad descriptors and arguments of conv2d: the status, a sentence with the wrong value, and nothing
// written to any result.
#include "tests/conv_fixture.h"

#include <string.h>

/// The descriptor is refused by every call that takes one, which writes nothing.
static void refuse(conv_fixture *f, const onefold_conv2d_desc *d, onefold_status status,
                   const char *part) {
  onefold_shape shape = {-5, -5, -5, -5};
  const onefold_shape untouched = shape;
  onefold_conv2d_plan *plan = f->plan;
  test_fails(f->context, onefold_conv2d_output_shape(f->context, d, &shape), status);
  test_says(f->context, part);
  assert_memory_equal(&shape, &untouched, sizeof(shape));
  test_fails(f->context, onefold_conv2d_plan_create(f->context, d, &plan), status);
  test_says(f->context, part);
  assert_null(plan);
}

static void test_sizes(void **state) {
  static const struct {
    const char *name;
    size_t offset;
  } fields[] = {
#define FIELD(name) {#name, offsetof(onefold_conv2d_desc, name)}
      FIELD(batch),    FIELD(in_channels), FIELD(in_h),       FIELD(in_w),
      FIELD(groups),   FIELD(kernel_h),    FIELD(kernel_w),   FIELD(out_channels),
      FIELD(stride_h), FIELD(stride_w),    FIELD(dilation_h), FIELD(dilation_w),
#undef FIELD
  };
  static const struct {
    int64_t value;
    onefold_status status;
    const char *text;
  } bad[] = {
      {0, ONEFOLD_INVALID_ARGUMENT, " is 0"},
      {-1, ONEFOLD_INVALID_ARGUMENT, " is -1"},
      {INT64_MIN, ONEFOLD_INVALID_ARGUMENT, " is -9223372036854775808"},
      {INT64_C(1) << 62, ONEFOLD_OVERFLOW, " is 4611686018427387904"},
      {INT64_MAX, ONEFOLD_OVERFLOW, " is 9223372036854775807"},
  };
  conv_fixture *f = *state;
  for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
    for (size_t j = 0; j < sizeof(bad) / sizeof(*bad); j++) {
      onefold_conv2d_desc d = f->desc;
      memcpy((char *)&d + fields[i].offset, &bad[j].value, sizeof(int64_t));
      test_case("%s%s", fields[i].name, bad[j].text);
      refuse(f, &d, bad[j].status, bad[j].text);
      test_says(f->context, fields[i].name);
    }
  }
}

static void test_products(void **state) {
  conv_fixture *f = *state;
  const int64_t large = INT32_MAX;
  onefold_conv2d_desc d = f->desc;
  d.batch = d.in_h = d.in_w = large;
  refuse(f, &d, ONEFOLD_OVERFLOW, "input of 2147483647 x 20 x 2147483647 x 2147483647");
  d = f->desc;
  d.in_channels = d.out_channels = large - 1; // even: two groups
  d.kernel_h = d.kernel_w = 3;
  d.in_h = d.in_w = 3;
  refuse(f, &d, ONEFOLD_OVERFLOW, "2147483646");
  d = f->desc;
  d.groups = d.out_channels = 1 << 20; // a block of outputs reads the channels of several groups
  d.in_channels = 1 << 25;
  d.in_h = d.kernel_h = 1 << 17;
  d.in_w = d.kernel_w = 1 << 16;
  refuse(f, &d, ONEFOLD_OVERFLOW, "weights of 1048576 x 32 x 131072 x 65536");
  d = f->desc;
  d.kernel_h = large;
  d.dilation_h = large;
  refuse(f, &d, ONEFOLD_OVERFLOW, "2147483647");
}

static void test_groups(void **state) {
  conv_fixture *f = *state;
  onefold_conv2d_desc d = f->desc;
  d.groups = 3;
  refuse(f, &d, ONEFOLD_SHAPE_MISMATCH, "groups is 3");
  test_says(f->context, "20");
  d.groups = 5;
  refuse(f, &d, ONEFOLD_SHAPE_MISMATCH, "groups is 5");
  test_says(f->context, "out_channels 24");
}

static void test_pads(void **state) {
  conv_fixture *f = *state;
  static const size_t pads[] = {
      offsetof(onefold_conv2d_desc, pad_top), offsetof(onefold_conv2d_desc, pad_bottom),
      offsetof(onefold_conv2d_desc, pad_left), offsetof(onefold_conv2d_desc, pad_right)};
  static const struct {
    int64_t value;
    const char *text;
  } bad[] = {{3, "padding is 3"},
             {-9, "padding is -9"},
             {INT64_MAX, "padding is 9223372036854775807"},
             {INT64_MIN, "padding is -9223372036854775808"}};
  for (int i = 0; i < 4; i++) {
    for (size_t j = 0; j < sizeof(bad) / sizeof(*bad); j++) {
      onefold_conv2d_desc d = f->desc;
      memcpy((char *)&d + pads[i], &bad[j].value, sizeof(int64_t));
      refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, bad[j].text);
    }
  }
  onefold_conv2d_desc d = f->desc;
  d.in_h = 1;
  d.pad_top = d.pad_bottom = 0;
  refuse(f, &d, ONEFOLD_SHAPE_MISMATCH, "image 1");
  d = f->desc;
  d.pad_left = d.pad_right = -4; // one column is left for three taps
  refuse(f, &d, ONEFOLD_SHAPE_MISMATCH, "-4");
}

static void test_struct_and_enums(void **state) {
  conv_fixture *f = *state;
  onefold_conv2d_desc d = f->desc;
  d.struct_size = 0;
  refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, "struct_size is 0");
  d.struct_size = 100000;
  refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, "struct_size is 100000");
  refuse(f, NULL, ONEFOLD_INVALID_ARGUMENT, "NULL");
  for (int value = -1; value <= 99; value += 100) {
    const char *text = value < 0 ? "-1" : "99";
    d = f->desc;
    d.in_layout = (onefold_layout)value;
    refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, text);
    test_says(f->context, "in_layout");
    d = f->desc;
    d.out_layout = (onefold_layout)value;
    refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, text);
    test_says(f->context, "out_layout");
    d = f->desc;
    d.activation = (onefold_activation)value;
    refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, text);
    test_says(f->context, "activation");
    d = f->desc;
    d.residual = (onefold_residual)value;
    refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, text);
    test_says(f->context, "residual");
  }
  d = f->desc;
  d.residual = ONEFOLD_RESIDUAL_NONE;
  refuse(f, &d, ONEFOLD_INVALID_ARGUMENT, "has_residual_scale");
}

static void ignore_line(void *user, const char *text) {
  (void)text;
  ++*(int *)user;
}

static void test_null_arguments(void **state) {
  conv_fixture *f = *state;
  onefold_context *c = f->context;
  onefold_conv2d_plan *plan = f->plan;
  onefold_conv2d_packed *packed = f->packed;
  onefold_shape shape;
  int lines = 0;
  const onefold_conv2d_weights weights = {f->weight, f->vector, f->vector};
  test_fails(NULL, onefold_conv2d_plan_create(NULL, &f->desc, &plan), ONEFOLD_INVALID_ARGUMENT);
  assert_null(plan);
  test_fails(NULL, onefold_conv2d_output_shape(NULL, &f->desc, &shape), ONEFOLD_INVALID_ARGUMENT);
  test_fails(c, onefold_conv2d_plan_create(c, &f->desc, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_says(c, "plan is NULL");
  test_fails(c, onefold_conv2d_output_shape(c, &f->desc, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_says(c, "shape is NULL");
  test_fails(c, onefold_conv2d_explain(c, &f->desc, NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_fails(c, onefold_conv2d_explain(c, NULL, ignore_line, &lines), ONEFOLD_INVALID_ARGUMENT);
  test_fails(NULL, onefold_conv2d_explain(NULL, &f->desc, ignore_line, &lines),
             ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(lines, 0);
  test_fails(NULL, onefold_conv2d_pack(NULL, &weights, &packed), ONEFOLD_INVALID_ARGUMENT);
  assert_null(packed);
  test_fails(c, onefold_conv2d_pack(f->plan, &weights, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_says(c, "packed is NULL");
  test_fails(c, onefold_conv2d_pack(f->plan, NULL, &packed), ONEFOLD_INVALID_ARGUMENT);
  test_says(c, "weights is NULL");
  assert_null(packed);
  onefold_conv2d_plan_destroy(NULL);
  onefold_conv2d_packed_destroy(NULL);
  onefold_conv2d_plan_get_info(f->plan, NULL);
  onefold_conv2d_desc_init(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_products),
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_pads),
      cmocka_unit_test(test_struct_and_enums),
      cmocka_unit_test(test_null_arguments),
  };
  return cmocka_run_group_tests(tests, conv_fixture_create, conv_fixture_destroy) != 0;
}
