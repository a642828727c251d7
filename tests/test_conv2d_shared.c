// SPDX-License-Identifier: BSD-3-Clause
// Weights that are packed once: they serve plans of other sizes, layouts and numbers of tasks, and
// of other algorithms with the same format.
#include "tests/conv_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FLOATS = 1 << 20 };

/// Weights packed once serve plans of any batch, height, width and layout.
static void test_shared_weights(void **state) {
  conv_context two;
  conv_buffers buffers;
  conv_context_create(&two, test_level(state), 2, ONEFOLD_ACCURACY_STRICT);
  conv_buffers_create(&buffers, MAX_FLOATS);
  const onefold_context *context = two.context;
  const int cases = test_scaled(100);
  int shared = 0;
  for (int i = 0; i < cases; i++) {
    test_rng rng = {UINT64_C(88000) + (uint64_t)i};
    onefold_conv2d_desc desc;
    onefold_shape out;
    conv_case first;
    onefold_conv2d_plan *plan = NULL;
    onefold_conv2d_packed *packed = NULL;
    char text[384], name[32];
    onefold_conv2d_plan_info info;
    conv_draw(&rng, 3e5, &desc, &out);
    conv_case_make(&first, &rng, &desc, 1);
    const onefold_conv2d_weights weights = {first.weight, first.bias, NULL};
    test_ok(conv_writable(context),
            onefold_conv2d_plan_create(conv_writable(context), &desc, &plan));
    test_ok(conv_writable(context), onefold_conv2d_pack(plan, &weights, &packed));
    onefold_conv2d_plan_get_info(plan, &info);
    snprintf(name, sizeof(name), "%s", info.algorithm);
    onefold_conv2d_plan_destroy(plan); // not needed by the weights
    for (int j = 0; j < 4; j++) {
      conv_case c;
      onefold_conv2d_desc other = desc;
      other.batch = test_range(&rng, 1, 3);
      other.in_h += test_range(&rng, 0, 5);
      other.in_w += test_range(&rng, 0, 17);
      other.in_layout = (onefold_layout)test_range(&rng, 0, 2);
      other.out_layout = (onefold_layout)test_range(&rng, 0, 2);
      conv_describe(&other, text, sizeof(text));
      test_case("%s case %d.%d: %s", onefold_isa_name(test_level(state)), i, j, text);
      test_ok(conv_writable(context),
              onefold_conv2d_plan_create(conv_writable(context), &other, &plan));
      onefold_conv2d_plan_get_info(plan, &info);
      if (strcmp(info.algorithm, name) == 0) {
        shared++;
        conv_case_make(&c, &rng, &other, 1);
        memcpy(c.weight, first.weight,
               (size_t)(desc.out_channels * (desc.in_channels / desc.groups) * desc.kernel_h *
                        desc.kernel_w) *
                   sizeof(float));
        free(c.bias);
        c.bias = first.bias;
        conv_case_expect(&c);
        const size_t n = (size_t)(c.out.n * c.out.c * c.out.h * c.out.w);
        float *result = malloc(n * sizeof(float));
        conv_run(context, plan, packed, &c, &buffers, CONV_ENDS_AT_GUARD, 0, result);
        conv_check(&c, result);
        free(result);
        c.bias = NULL;
        conv_case_destroy(&c);
      }
      onefold_conv2d_plan_destroy(plan);
    }
    onefold_conv2d_packed_destroy(packed);
    conv_case_destroy(&first);
  }
  assert_true(shared > cases); // of four times as many
  conv_context_destroy(&two);
  conv_buffers_destroy(&buffers);
}

/// A plan of an algorithm, by so many tasks.
static onefold_conv2d_plan *plan_by(onefold_context *context, const onefold_conv2d_desc *desc,
                                    const char *algorithm, int32_t tasks) {
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_plan_info info;
  onefold_tiling tiling = {.threads = tasks};
  snprintf(tiling.algorithm, sizeof tiling.algorithm, "%s", algorithm);
  test_ok(context, onefold_conv2d_plan_create_tiled(context, desc, &tiling, &plan));
  onefold_conv2d_plan_get_info(plan, &info);
  assert_string_equal(info.algorithm, algorithm);
  return plan;
}

/// Weights packed by one plan give another plan, of another size and of more tasks, the bits that
/// its own would. Direct, pointwise and gathered convolutions share a format.
static void test_shared_by_algorithms(void **state) {
  static const struct {
    const char *problem, *packed, *by;
    onefold_layout layout;
  } rows[] = {
      {"ic24ih9oc40kh3ph1", "direct", "direct", ONEFOLD_BLOCKED},
      {"ic24ih9oc40kh3ph1", "direct", "gather", ONEFOLD_NHWC},
      {"ic24ih9oc40kh3ph1", "gather", "direct", ONEFOLD_NCHW},
      {"ic24ih9oc40kh1", "pointwise", "direct", ONEFOLD_BLOCKED},
      {"ic24ih9oc40kh1", "direct", "pointwise", ONEFOLD_BLOCKED},
      {"ic24ih1oc40kh1", "pointwise", "pointwise", ONEFOLD_NCHW},
      {"ic24ih9oc40kh1sh2", "gather", "direct", ONEFOLD_BLOCKED},
      {"ic3ih9oc40kh3sh2ph1", "plain", "plain", ONEFOLD_NCHW},
      {"g40ic40ih9oc40kh3ph1", "depthwise", "depthwise", ONEFOLD_BLOCKED},
      {"g10ic20ih9oc40kh3ph1", "grouped", "grouped", ONEFOLD_BLOCKED},
      {"ic32ih9oc40kh3ph1", "winograd2", "winograd2", ONEFOLD_BLOCKED},
      {"ic32ih9oc40kh3ph1", "winograd4", "winograd4", ONEFOLD_NCHW},
      {"ic32ih9oc40kh3ph1", "winograd6", "winograd6", ONEFOLD_BLOCKED},
      {"ic32ih9oc40kh5sh2ph2", "winograd4", "winograd4", ONEFOLD_BLOCKED},
      {"ic32ih9oc40kh3sh2ph1", "polyphase3", "polyphase3", ONEFOLD_BLOCKED},
      {"ic32ih9oc40kh3sh2ph1", "polyphase5", "polyphase5", ONEFOLD_NHWC},
  };
  conv_context from, to;
  conv_buffers buffers;
  conv_context_create(&from, test_level(state), 1, ONEFOLD_ACCURACY_FAST);
  conv_context_create(&to, test_level(state), 3, ONEFOLD_ACCURACY_FAST);
  conv_buffers_create(&buffers, MAX_FLOATS);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_rng rng = {i};
    onefold_conv2d_desc desc;
    conv_case c;
    test_case("%s: %s packed by %s", rows[i].problem, rows[i].by, rows[i].packed);
    test_ok(from.context, onefold_conv2d_desc_parse(from.context, rows[i].problem, &desc));
    desc.in_layout = rows[i].layout;
    onefold_conv2d_plan *packer = plan_by(from.context, &desc, rows[i].packed, 1);
    desc.batch = 3;
    desc.out_layout = ONEFOLD_NCHW;
    if (desc.in_h > 1) desc.in_h = 14, desc.in_w = 19;
    onefold_conv2d_plan *plan = plan_by(to.context, &desc, rows[i].by, 3);
    conv_case_make(&c, &rng, &desc, 0);
    const onefold_conv2d_weights weights = {c.weight, c.bias, NULL};
    onefold_conv2d_packed *other = NULL, *own = NULL;
    test_ok(from.context, onefold_conv2d_pack(packer, &weights, &other));
    test_ok(to.context, onefold_conv2d_pack(plan, &weights, &own));
    onefold_conv2d_plan_destroy(packer);
    const size_t bytes = test_elements(c.out) * sizeof(float);
    float *got = malloc(bytes), *want = malloc(bytes);
    conv_run(to.context, plan, other, &c, &buffers, CONV_ENDS_AT_GUARD, 0, got);
    conv_run(to.context, plan, own, &c, &buffers, CONV_ENDS_AT_GUARD, 0, want);
    assert_memory_equal(got, want, bytes);
    free(got);
    free(want);
    onefold_conv2d_packed_destroy(other);
    onefold_conv2d_packed_destroy(own);
    onefold_conv2d_plan_destroy(plan);
    conv_case_destroy(&c);
  }
  conv_context_destroy(&from);
  conv_context_destroy(&to);
  conv_buffers_destroy(&buffers);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_shared_weights),
      cmocka_unit_test(test_shared_by_algorithms),
  };
  enum { EACH = sizeof(each) / sizeof(*each) };
  if (test_isa_missing()) return 1;
  return test_every_level("conv2d shared", each, EACH) != 0;
}
