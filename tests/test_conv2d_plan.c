// SPDX-License-Identifier: BSD-3-Clause
// What a plan of conv2d says of itself, and which algorithm it takes.
#include "kernels/kernel.h"
#include "tests/conv_support.h"

#include <string.h>

typedef struct explained {
  int lines, chosen;
} explained;

static void count_line(void *user, const char *text) {
  explained *e = user;
  e->lines++;
  if (strstr(text, "chosen (")) e->chosen++;
  assert_true(strlen(text) > 12);
  assert_null(strchr(text, '\n'));
}

/// Facts of a plan, and the explanation, agree with the problem.
static void test_info(void **state) {
  conv_context c;
  conv_context_create(&c, test_level(state), 2, ONEFOLD_ACCURACY_STRICT);
  onefold_context *context = c.context;
  const int cases = test_scaled(200);
  for (int i = 0; i < cases; i++) {
    test_rng rng = {UINT64_C(5500) + (uint64_t)i};
    onefold_conv2d_desc desc;
    onefold_shape out, shape;
    onefold_conv2d_plan *plan = NULL;
    onefold_conv2d_plan_info info;
    onefold_dispatch dispatch;
    explained e = {0, 0};
    conv_draw(&rng, 3e5, &desc, &out);
    test_ok(context, onefold_conv2d_output_shape(context, &desc, &shape));
    assert_memory_equal(&shape, &out, sizeof(out));
    c.give_tiling = i % 2;
    test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
    onefold_conv2d_plan_get_info(plan, &info);
    assert_string_equal(info.source, i % 2 ? "caller" : "default");
    assert_null(onefold_dispatch_build(test_level(state), &dispatch));
    assert_non_null(onefold_dispatch_find(&dispatch, info.kernel));
    assert_true(info.macs ==
                (double)(out.n * out.c * out.h * out.w) *
                    (double)(desc.in_channels / desc.groups * desc.kernel_h * desc.kernel_w));
    assert_true(info.packed_bytes >= (size_t)(desc.out_channels * desc.in_channels / desc.groups *
                                              desc.kernel_h * desc.kernel_w) *
                                         sizeof(float));
    if (desc.in_layout == ONEFOLD_BLOCKED && desc.out_layout == ONEFOLD_BLOCKED &&
        strcmp(info.algorithm, "gather") != 0) {
      assert_int_equal(info.workspace_bytes, 0);
    }
    test_ok(context, onefold_conv2d_explain(context, &desc, count_line, &e));
    assert_int_equal(e.chosen, 1);
    assert_true(e.lines > 1);
    onefold_conv2d_plan_destroy(plan);
  }
  conv_context_destroy(&c);
}

/// Problems whose best algorithm is beyond doubt.
static void test_choice(void **state) {
  static const struct {
    const char *problem, *algorithm;
  } cases[] = {
      {"g96mb1ic96ih28oc96kh3ph1", "depthwise"},    {"g96mb1ic96ih56oc96kh3sh2ph1", "depthwise"},
      {"g672mb1ic672ih7oc672kh5ph2", "depthwise"},  {"g5mb1ic5ih9oc5kh7ph3", "depthwise"},
      {"g64mb1ic64ih28oc64kh3ph2dh1", "depthwise"}, {"mb1ic64ih56oc256kh1", "pointwise"},
      {"mb1ic512ih7oc512kh1", "pointwise"},         {"mb1ic24ih56oc144kh1", "pointwise"},
      {"mb1ic960ih7oc160kh1", "pointwise"},         {"mb2ic1280ih1oc1000kh1", "pointwise"},
      {"mb1ic64ih56oc64kh7ph3", "direct"},          {"mb1ic64ih28oc64kh1sh2", "gather"},
      {"mb1ic64ih28oc64kh3sh2ph1", "direct"},       {"g64mb1ic128ih28oc128kh3ph1", "grouped"},
      {"g32mb1ic32ih14oc64kh3sh2ph1", "grouped"},   {"g4mb1ic256ih14oc256kh3ph1", "direct"},
  };
  conv_context c;
  conv_context_create(&c, test_level(state), 1, ONEFOLD_ACCURACY_STRICT);
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    onefold_conv2d_desc desc;
    onefold_conv2d_plan *plan = NULL;
    onefold_conv2d_plan_info info;
    test_ok(c.context, onefold_conv2d_desc_parse(c.context, cases[i].problem, &desc));
    test_ok(c.context, onefold_conv2d_plan_create(c.context, &desc, &plan));
    onefold_conv2d_plan_get_info(plan, &info);
    test_case("%s", cases[i].problem);
    assert_string_equal(info.algorithm, cases[i].algorithm);
    onefold_conv2d_plan_destroy(plan);
  }
  conv_context_destroy(&c);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_info),
      cmocka_unit_test(test_choice),
  };
  enum { EACH = sizeof(each) / sizeof(*each) };
  if (test_isa_missing()) return 1;
  return test_every_level("conv2d plan", each, EACH) != 0;
}
