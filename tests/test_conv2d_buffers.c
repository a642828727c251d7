// SPDX-License-Identifier: BSD-3-Clause
// Weights that cannot be packed, buffers that cannot be run on, and weights packed for something
// else: refused with a sentence, and no output is touched.
#include "tests/conv_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void test_weights(void **state) {
  conv_fixture *f = *state;
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

static onefold_conv2d_buffers good_buffers(const conv_fixture *f, arena *a) {
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(f->plan, &info);
  assert_in_range(info.workspace_bytes, 1, sizeof(a->workspace));
  memset(a, 0, sizeof(*a));
  for (int i = 0; i < OUT + SPARE; i++) a->output[i] = NAN;
  return (onefold_conv2d_buffers){a->input, a->residual, a->scale, a->output, a->workspace};
}

/// The run is refused and leaves every float of the output as it was.
static void refuse_run(const conv_fixture *f, const onefold_conv2d_packed *packed, arena *a,
                       const onefold_conv2d_buffers *b, onefold_status status, const char *part) {
  test_fails(f->context, onefold_conv2d_run(f->plan, packed, b), status);
  test_says(f->context, part);
  for (int i = 0; i < OUT + SPARE; i++) assert_true(isnan(a->output[i]));
}

static void test_buffers(void **state) {
  conv_fixture *f = *state;
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
static void refuse_packed(conv_fixture *f, const onefold_conv2d_desc *d, const char *part) {
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
  conv_fixture *f = *state;
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

/// Weights of one way of packing do not run by another, which is named.
static void test_packed_in_another_format(void **state) {
  conv_fixture *f = *state;
  static const float zeros[16 * 16 * 25];
  static const struct {
    const char *problem, *packed, *by, *sentence;
  } rows[] = {
      {"ic16ih12oc16oh12kh3ph1", "winograd4", "direct",
       "packed for format winograd4, stride 1; the plan has blocked"},
      {"ic16ih12oc16oh12kh3ph1", "gather", "winograd2",
       "packed for format blocked; the plan has winograd2, stride 1"},
      {"ic16ih12oc16oh6kh5sh2ph2", "winograd2", "winograd4",
       "packed for format winograd2, stride 2; the plan has winograd4, stride 2"},
      {"g16ic16ih12oc16oh12kh3ph1", "depthwise", "direct", "packed for format depthwise; the plan"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    onefold_conv2d_desc d;
    onefold_conv2d_plan *plan[2] = {NULL, NULL};
    onefold_conv2d_packed *packed = NULL;
    const onefold_conv2d_weights weights = {zeros, NULL, NULL};
    const onefold_conv2d_buffers none = {.input = NULL};
    test_ok(f->context, onefold_conv2d_desc_parse(f->context, rows[i].problem, &d));
    for (int k = 0; k < 2; k++) {
      onefold_tiling tiling = {.threads = 1};
      snprintf(tiling.algorithm, sizeof tiling.algorithm, "%s", k ? rows[i].by : rows[i].packed);
      test_ok(f->context, onefold_conv2d_plan_create_tiled(f->context, &d, &tiling, &plan[k]));
    }
    test_ok(f->context, onefold_conv2d_pack(plan[0], &weights, &packed));
    test_fails(f->context, onefold_conv2d_run(plan[1], packed, &none), ONEFOLD_SHAPE_MISMATCH);
    test_says(f->context, rows[i].sentence);
    onefold_conv2d_packed_destroy(packed);
    for (int k = 0; k < 2; k++) onefold_conv2d_plan_destroy(plan[k]);
  }
}

/// A flag is set by any number but 0.
static void test_flags(void **state) {
  conv_fixture *f = *state;
  static arena a;
  onefold_conv2d_desc d = f->desc;
  onefold_conv2d_plan *plan = NULL;
  d.has_residual_scale = 2;
  d.has_channel_scale = -1;
  test_ok(f->context, onefold_conv2d_plan_create(f->context, &d, &plan));
  const onefold_conv2d_buffers b = good_buffers(f, &a);
  test_ok(f->context, onefold_conv2d_run(plan, f->packed, &b));
  onefold_conv2d_plan_destroy(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_buffers),
      cmocka_unit_test(test_packed_for_another),
      cmocka_unit_test(test_packed_in_another_format),
      cmocka_unit_test(test_flags),
  };
  return cmocka_run_group_tests(tests, conv_fixture_create, conv_fixture_destroy) != 0;
}
