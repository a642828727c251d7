// SPDX-License-Identifier: BSD-3-Clause
// Bad input to conv2d: the status, a sentence with the wrong value, nothing
// written to any result, and nothing leaked where memory runs out.
#include "tests/conv_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct fixture {
  onefold_context *context;
  onefold_conv2d_desc desc; // valid: 20 to 24 channels, 3x3 on 7x9, all of the epilogue
  onefold_conv2d_plan *plan;
  onefold_conv2d_packed *packed;
  float weight[24 * 20 * 9], vector[24];
} fixture;

static int create(void **state) {
  fixture *f = calloc(1, sizeof(*f));
  if (!f || onefold_context_create(NULL, &f->context) != ONEFOLD_OK) return 1;
  onefold_conv2d_desc *d = &f->desc;
  onefold_conv2d_desc_init(d);
  d->in_channels = 20;
  d->out_channels = 24;
  d->groups = 2;
  d->in_h = 7;
  d->in_w = 9;
  d->kernel_h = d->kernel_w = 3;
  d->pad_top = d->pad_bottom = d->pad_left = d->pad_right = 1;
  d->in_layout = ONEFOLD_NHWC;
  d->out_layout = ONEFOLD_NCHW;
  d->activation = ONEFOLD_ACT_RELU;
  d->residual = ONEFOLD_RESIDUAL_BEFORE_ACTIVATION;
  d->has_residual_scale = d->has_channel_scale = 1;
  const onefold_conv2d_weights weights = {f->weight, f->vector, f->vector};
  *state = f;
  return onefold_conv2d_plan_create(f->context, d, &f->plan) != ONEFOLD_OK ||
         onefold_conv2d_pack(f->plan, &weights, &f->packed) != ONEFOLD_OK;
}

static int destroy(void **state) {
  fixture *f = *state;
  onefold_conv2d_packed_destroy(f->packed);
  onefold_conv2d_plan_destroy(f->plan);
  onefold_context_destroy(f->context);
  free(f);
  return 0;
}

/// The descriptor is refused by every call that takes one, which writes nothing.
static void refuse(fixture *f, const onefold_conv2d_desc *d, onefold_status status,
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
  fixture *f = *state;
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
  fixture *f = *state;
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
  d.kernel_h = large;
  d.dilation_h = large;
  refuse(f, &d, ONEFOLD_OVERFLOW, "2147483647");
}

static void test_groups(void **state) {
  fixture *f = *state;
  onefold_conv2d_desc d = f->desc;
  d.groups = 3;
  refuse(f, &d, ONEFOLD_SHAPE_MISMATCH, "groups is 3");
  test_says(f->context, "20");
  d.groups = 5;
  refuse(f, &d, ONEFOLD_SHAPE_MISMATCH, "groups is 5");
  test_says(f->context, "out_channels 24");
}

static void test_pads(void **state) {
  fixture *f = *state;
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
  fixture *f = *state;
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
  fixture *f = *state;
  onefold_context *c = f->context;
  onefold_conv2d_plan *plan = f->plan;
  onefold_conv2d_packed *packed = f->packed;
  onefold_shape shape;
  int lines = 0;
  const onefold_conv2d_weights weights = {f->weight, f->vector, f->vector};
  test_fails(NULL, onefold_conv2d_plan_create(NULL, &f->desc, &plan), ONEFOLD_INVALID_ARGUMENT);
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

static void test_weights(void **state) {
  fixture *f = *state;
  onefold_conv2d_packed *packed = f->packed;
  onefold_conv2d_weights weights = {NULL, f->vector, f->vector};
  test_fails(f->context, onefold_conv2d_pack(f->plan, &weights, &packed), ONEFOLD_INVALID_ARGUMENT);
  test_says(f->context, "weight is NULL");
  assert_null(packed);
  weights = (onefold_conv2d_weights){f->weight, f->vector, NULL};
  test_fails(f->context, onefold_conv2d_pack(f->plan, &weights, &packed), ONEFOLD_INVALID_ARGUMENT);
  test_says(f->context, "residual_scale is NULL");
  onefold_conv2d_desc d = f->desc;
  onefold_conv2d_plan *plan = NULL;
  d.has_residual_scale = 0;
  test_ok(f->context, onefold_conv2d_plan_create(f->context, &d, &plan));
  weights.residual_scale = f->vector;
  test_fails(f->context, onefold_conv2d_pack(plan, &weights, &packed), ONEFOLD_INVALID_ARGUMENT);
  test_says(f->context, "residual_scale is given");
  assert_null(packed);
  onefold_conv2d_plan_destroy(plan);
}

enum { IN = 7 * 9 * 20, OUT = 7 * 9 * 24, SPARE = 64 };

/// Memory for one run, in an order that lets each buffer be overlapped from below alone.
typedef struct arena {
  _Alignas(64) float before[IN + SPARE];
  _Alignas(64) float output[OUT + SPARE];
  _Alignas(64) float input[IN + SPARE];
  _Alignas(64) float scale[24 + 40];
  _Alignas(64) float residual[OUT + SPARE];
  _Alignas(64) float workspace[1 << 14];
} arena;

static onefold_conv2d_buffers good_buffers(const fixture *f, arena *a) {
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(f->plan, &info);
  assert_in_range(info.workspace_bytes, 1, sizeof(a->workspace));
  memset(a, 0, sizeof(*a));
  for (int i = 0; i < OUT + SPARE; i++) a->output[i] = NAN;
  return (onefold_conv2d_buffers){a->input, a->residual, a->scale, a->output, a->workspace};
}

/// The run is refused and leaves every float of the output as it was.
static void refuse_run(const fixture *f, const onefold_conv2d_packed *packed, arena *a,
                       const onefold_conv2d_buffers *b, onefold_status status, const char *part) {
  test_fails(f->context, onefold_conv2d_run(f->plan, packed, b), status);
  test_says(f->context, part);
  for (int i = 0; i < OUT + SPARE; i++) assert_true(isnan(a->output[i]));
}

static void test_buffers(void **state) {
  fixture *f = *state;
  static arena a;
  const onefold_conv2d_buffers good = good_buffers(f, &a);
  const onefold_status invalid = ONEFOLD_INVALID_ARGUMENT, bad = ONEFOLD_BAD_BUFFER;
  onefold_conv2d_buffers b;

  test_fails(NULL, onefold_conv2d_run(NULL, f->packed, &good), invalid);
  refuse_run(f, NULL, &a, &good, invalid, "packed is NULL");
  refuse_run(f, f->packed, &a, NULL, invalid, "buffers is NULL");
#define REFUSE(field, value, status, part)                                                         \
  b = good;                                                                                        \
  b.field = (value);                                                                               \
  refuse_run(f, f->packed, &a, &b, status, part)
  REFUSE(input, NULL, invalid, "input is NULL");
  REFUSE(output, NULL, invalid, "output is NULL");
  REFUSE(residual, NULL, invalid, "residual is NULL");
  REFUSE(channel_scale, NULL, invalid, "channel_scale is NULL");
  REFUSE(workspace, NULL, invalid, "workspace is NULL");
  // Not aligned to a float; the workspace not to 64 bytes.
  REFUSE(input, (float *)((uintptr_t)a.input + 2), bad, "input");
  REFUSE(output, (float *)((uintptr_t)a.output + 1), bad, "output");
  REFUSE(residual, (float *)((uintptr_t)a.residual + 3), bad, "residual");
  REFUSE(channel_scale, (float *)((uintptr_t)a.scale + 2), bad, "channel_scale");
  REFUSE(workspace, a.workspace + 1, bad, "workspace");
  // Overlaps, whole and by one float at either end.
  REFUSE(input, a.output, bad, "input");
  REFUSE(input, a.output + OUT - 1, bad, "overlaps output");
  REFUSE(input, a.output - (IN - 1), bad, "overlaps output");
  REFUSE(residual, a.output + 1, bad, "residual");
  REFUSE(residual, a.output - 1, bad, "residual");
  REFUSE(channel_scale, a.output + OUT - 1, bad, "channel_scale");
  REFUSE(workspace, a.output, bad, "overlaps workspace");
  REFUSE(workspace, a.input, bad, "input at");
  REFUSE(workspace, a.scale, bad, "channel_scale at");
  REFUSE(workspace, a.residual, bad, "residual at");
  // The output lies inside the workspace, and nothing else does.
  REFUSE(output, a.workspace, bad, "output at");
#undef REFUSE
  // A residual is given where the plan has none.
  onefold_conv2d_desc d = f->desc;
  d.residual = ONEFOLD_RESIDUAL_NONE;
  d.has_residual_scale = d.has_channel_scale = 0;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  const onefold_conv2d_weights weights = {f->weight, NULL, NULL};
  test_ok(f->context, onefold_conv2d_plan_create(f->context, &d, &plan));
  test_ok(f->context, onefold_conv2d_pack(plan, &weights, &packed));
  b = good;
  b.channel_scale = NULL;
  test_fails(f->context, onefold_conv2d_run(plan, packed, &b), invalid);
  test_says(f->context, "residual is given");
  b = good;
  b.residual = NULL;
  test_fails(f->context, onefold_conv2d_run(plan, packed, &b), invalid);
  test_says(f->context, "channel_scale is given");
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  // The same buffers are right as they are, and in place, and back to back.
  test_ok(f->context, onefold_conv2d_run(f->plan, f->packed, &good));
  b = good;
  b.residual = a.output;
  test_ok(f->context, onefold_conv2d_run(f->plan, f->packed, &b));
  b = good;
  b.input = a.output + OUT;
  static float both[IN + OUT];
  b.input = both;
  b.output = both + IN;
  test_ok(f->context, onefold_conv2d_run(f->plan, f->packed, &b));
}

/// Weights packed for `d` do not run on the fixture's plan.
static void refuse_packed(fixture *f, const onefold_conv2d_desc *d, const char *part) {
  static arena a;
  static const float zeros[64 * 64 * 9];
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  const onefold_conv2d_weights weights = {zeros, NULL, d->has_residual_scale ? zeros : NULL};
  test_ok(f->context, onefold_conv2d_plan_create(f->context, d, &plan));
  test_ok(f->context, onefold_conv2d_pack(plan, &weights, &packed));
  const onefold_conv2d_buffers b = good_buffers(f, &a);
  refuse_run(f, packed, &a, &b, ONEFOLD_SHAPE_MISMATCH, part);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
}

static void test_packed_for_another(void **state) {
  fixture *f = *state;
  onefold_conv2d_desc d = f->desc;
  d.in_channels = 22;
  refuse_packed(f, &d, "in_channels 22");
  d = f->desc;
  d.out_channels = 26;
  refuse_packed(f, &d, "out_channels 26");
  d = f->desc;
  d.kernel_h = 2;
  refuse_packed(f, &d, "kernel_h 2");
  d = f->desc;
  d.kernel_w = 2;
  refuse_packed(f, &d, "kernel_w 2");
  d = f->desc;
  d.groups = 4;
  refuse_packed(f, &d, "groups 4");
  d = f->desc;
  d.has_residual_scale = 0;
  refuse_packed(f, &d, "has_residual_scale 0");
}

// ------------------------------------------------------------- out of memory

typedef struct counter {
  int until_failure; // allocations that succeed; negative: all
  int live, calls;
} counter;

static void *count_allocate(void *user, size_t size, size_t alignment) {
  counter *c = user;
  c->calls++;
  if (c->until_failure == 0) return NULL;
  if (c->until_failure > 0) c->until_failure--;
  c->live++;
  return aligned_alloc(alignment, size);
}

static void count_release(void *user, void *pointer) {
  counter *c = user;
  c->live--;
  free(pointer);
}

/// Each allocation in turn fails: the call says so and gives back the others.
static void out_of_memory(const fixture *f, const onefold_conv2d_desc *d) {
  counter memory = {-1, 0, 0};
  onefold_context_options options;
  onefold_context *context = NULL;
  const onefold_conv2d_weights weights = {f->weight, f->vector,
                                          d->has_residual_scale ? f->vector : NULL};
  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  options.allocate = count_allocate;
  options.release = count_release;
  options.allocator_user = &memory;
  test_ok(NULL, onefold_context_create(&options, &context));
  const int base = memory.live;
  int failures = 0;
  for (int allowed = 0;; allowed++) {
    onefold_conv2d_plan *plan = NULL;
    onefold_conv2d_packed *packed = NULL;
    memory.until_failure = allowed;
    onefold_status status = onefold_conv2d_plan_create(context, d, &plan);
    if (status == ONEFOLD_OK) {
      const int with_plan = memory.live;
      status = onefold_conv2d_pack(plan, &weights, &packed);
      if (status != ONEFOLD_OK) assert_int_equal(memory.live, with_plan);
    } else {
      assert_null(plan);
    }
    onefold_conv2d_packed_destroy(packed);
    onefold_conv2d_plan_destroy(plan);
    assert_int_equal(memory.live, base);
    if (status == ONEFOLD_OK) break;
    failures++;
    test_expect(context, status, ONEFOLD_OUT_OF_MEMORY, __FILE__, __LINE__);
    test_says(context, "no memory");
    assert_true(allowed < 100);
  }
  assert_true(failures >= 4);
  onefold_context_destroy(context);
  assert_int_equal(memory.live, 0);
}

static void test_out_of_memory(void **state) {
  fixture *f = *state;
  out_of_memory(f, &f->desc);
  onefold_conv2d_desc d = f->desc;
  d.groups = 1;
  d.kernel_h = d.kernel_w = 1;
  d.pad_top = d.pad_bottom = d.pad_left = d.pad_right = 0;
  out_of_memory(f, &d); // pointwise
  d = f->desc;
  d.groups = d.out_channels = d.in_channels;
  out_of_memory(f, &d); // depthwise
  d = f->desc;
  d.groups = 1;
  d.in_channels = 3;
  d.in_layout = ONEFOLD_NCHW;
  out_of_memory(f, &d); // plain
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sizes),          cmocka_unit_test(test_products),
      cmocka_unit_test(test_groups),         cmocka_unit_test(test_pads),
      cmocka_unit_test(test_null_arguments), cmocka_unit_test(test_struct_and_enums),
      cmocka_unit_test(test_weights),        cmocka_unit_test(test_buffers),
      cmocka_unit_test(test_out_of_memory),  cmocka_unit_test(test_packed_for_another),
  };
  return cmocka_run_group_tests(tests, create, destroy) != 0;
}
