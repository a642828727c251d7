// SPDX-License-Identifier: BSD-3-Clause
// conv2d on random problems of every kind, on every ISA level that runs here,
// against the sum in double precision: exact on small integers, under the
// stated bound on floats; buffers between guard pages, tasks run last to first.
#include "kernels/kernel.h"
#include "tests/conv_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FLOATS = 1 << 20, CONTEXTS = 3 };

typedef struct fixture {
  conv_context context[CONTEXTS]; // 1, 2 and 3 tasks
  conv_buffers buffers;
} fixture;

static void create(fixture *f, onefold_isa isa) {
  for (int i = 0; i < CONTEXTS; i++) {
    conv_context_create(&f->context[i], isa, i + 1, ONEFOLD_ACCURACY_STRICT);
  }
  conv_buffers_create(&f->buffers, MAX_FLOATS);
}

static void destroy(fixture *f) {
  for (int i = 0; i < CONTEXTS; i++) conv_context_destroy(&f->context[i]);
  conv_buffers_destroy(&f->buffers);
}

/// A caller's tiling: another algorithm, kernel, blocks or number of tasks.
static void draw_tiling(conv_context *c, test_rng *rng) {
  static const char *const algorithms[] = {"",          "direct",  "pointwise", "gather",
                                           "depthwise", "grouped", "plain",     "nonsense"};
  size_t count = 0;
  const onefold_kernel *rows = onefold_kernel_rows(&count);
  memset(&c->tiling, 0, sizeof(c->tiling));
  c->give_tiling = test_once_in(rng, 2);
  if (!c->give_tiling) return;
  snprintf(c->tiling.algorithm, sizeof(c->tiling.algorithm), "%s", test_pick(rng, algorithms));
  snprintf(c->tiling.kernel, sizeof(c->tiling.kernel), "%s",
           rows[test_range(rng, 0, (int64_t)count - 1)].name);
  conv_draw_numbers(c, rng);
  c->tiling.threads = (int32_t)test_range(rng, 0, 7);
}

static void run_random(fixture *f, onefold_isa isa, int index, double max_macs) {
  test_rng rng = {(uint64_t)isa * 1000003u + (uint64_t)index};
  onefold_conv2d_desc desc;
  onefold_shape out;
  conv_case c;
  char text[384];

  conv_draw(&rng, max_macs, &desc, &out);
  const int exact = test_once_in(&rng, 2);
  conv_draw_epilogue(&rng, exact, &desc);
  conv_context *context = &f->context[test_range(&rng, 0, CONTEXTS - 1)];
  draw_tiling(context, &rng);
  const conv_place place = (conv_place)test_range(&rng, 0, CONV_PLACES - 1);
  const int in_place = desc.residual && test_once_in(&rng, 2);
  conv_describe(&desc, text, sizeof(text));
  const onefold_tiling *t = &context->tiling;
  test_case("%s case %d: %s, %d threads%s%s, tiling \"%s\" %s block_in %d threads %d, place %d",
            onefold_isa_name(isa), index, text, onefold_context_threads(context->context),
            exact ? ", integers" : "", in_place ? ", in place" : "", t->algorithm, t->kernel,
            t->block_in, t->threads, (int)place);
  conv_case_make(&c, &rng, &desc, exact);
  assert_int_equal(c.out.h, out.h);
  assert_int_equal(c.out.w, out.w);
  conv_run_case(context->context, &c, &f->buffers, place, in_place, NULL);
  conv_case_destroy(&c);
}

static void test_random_problems(void **state) {
  fixture f;
  create(&f, test_level(state));
  const int small = test_scaled(4000), large = test_scaled(60);
  for (int i = 0; i < small; i++) run_random(&f, test_level(state), i, 3e5);
  for (int i = 0; i < large; i++) run_random(&f, test_level(state), 1000000 + i, 2e7);
  destroy(&f);
}

/// Channels around every block size, on an image around every tile size.
static void test_channel_counts(void **state) {
  static const int channels[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33};
  static const int widths[] = {1, 6, 7, 13, 14, 15, 29};
  enum { COUNT = sizeof(channels) / sizeof(*channels) };
  fixture f;
  create(&f, test_level(state));
  for (int i = 0; i < COUNT * COUNT; i++) {
    test_rng rng = {(uint64_t)i};
    onefold_conv2d_desc d;
    conv_case c;
    onefold_conv2d_desc_init(&d);
    d.batch = 1 + i % 3;
    d.in_channels = channels[i / COUNT];
    d.out_channels = channels[i % COUNT];
    d.in_h = 2 + i % 4;
    d.in_w = test_pick(&rng, widths);
    d.kernel_h = d.kernel_w = 1 + 2 * (i % 2);
    d.pad_top = d.pad_bottom = d.pad_left = d.pad_right = i % 2;
    d.in_layout = (onefold_layout)(i % 3);
    d.out_layout = (onefold_layout)(i / 3 % 3);
    test_case("%s: %lld to %lld channels, %lld wide, kernel %lld",
              onefold_isa_name(test_level(state)), (long long)d.in_channels,
              (long long)d.out_channels, (long long)d.in_w, (long long)d.kernel_h);
    conv_case_make(&c, &rng, &d, i % 4 != 0);
    conv_run_case(f.context[0].context, &c, &f.buffers, CONV_ENDS_AT_GUARD, 0, NULL);
    conv_case_destroy(&c);
  }
  destroy(&f);
}

/// The same bits whatever the number of tasks, in the strict class.
static void test_thread_counts(void **state) {
  static const int threads[] = {1, 2, 3, 5, 8};
  enum { COUNT = sizeof(threads) / sizeof(*threads) };
  conv_context context[COUNT];
  conv_buffers buffers;
  conv_buffers_create(&buffers, MAX_FLOATS);
  for (int i = 0; i < COUNT; i++) {
    conv_context_create(&context[i], test_level(state), threads[i], ONEFOLD_ACCURACY_STRICT);
  }
  const int cases = test_scaled(150);
  size_t most = 0, by_default = 0;
  for (int i = 0; i < cases; i++) {
    test_rng rng = {UINT64_C(77000) + (uint64_t)i};
    onefold_conv2d_desc desc;
    onefold_shape out;
    conv_case c;
    char text[384];
    // Every third one is large enough to be shared out by default.
    do conv_draw(&rng, 2e6, &desc, &out);
    while (i % 3 == 1 && conv_macs(&desc, out) < 12e5);
    conv_draw_epilogue(&rng, 0, &desc);
    conv_case_make(&c, &rng, &desc, 0);
    conv_describe(&desc, text, sizeof(text));
    const size_t n = test_elements(out);
    float *first = malloc(n * sizeof(float)), *other = malloc(n * sizeof(float));
    for (int j = 0; j < COUNT; j++) {
      // And another third is cut for all threads, however small.
      context[j].give_tiling = i % 3 == 0;
      context[j].tiling = (onefold_tiling){.threads = threads[j]};
      test_case("%s case %d: %s, %d threads", onefold_isa_name(test_level(state)), i, text,
                threads[j]);
      conv_run_case(context[j].context, &c, &buffers, CONV_STARTS_AT_GUARD, 0, j ? other : first);
      if (j && memcmp(first, other, n * sizeof(float)) != 0) {
        test_failed("differs from the result of one thread");
      }
      if (context[j].tasks > most) most = context[j].tasks;
      if (i % 3 == 1 && context[j].tasks > by_default) by_default = context[j].tasks;
    }
    free(first);
    free(other);
    conv_case_destroy(&c);
  }
  assert_in_range(most, 8, 8); // the largest context did cut its work
  assert_in_range(by_default, 2, 8);
  for (int i = 0; i < COUNT; i++) conv_context_destroy(&context[i]);
  conv_buffers_destroy(&buffers);
}

/// Weights packed once serve plans of any batch, height, width and layout.
static void test_shared_weights(void **state) {
  fixture f;
  create(&f, test_level(state));
  const onefold_context *context = f.context[1].context;
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
        conv_run(context, plan, packed, &c, &f.buffers, CONV_ENDS_AT_GUARD, 0, result);
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
  destroy(&f);
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

/// A dense 3x3 problem for tests of special values.
static void special_case(conv_case *c, test_rng *rng, onefold_activation activation) {
  onefold_conv2d_desc d;
  onefold_conv2d_desc_init(&d);
  d.in_channels = 19;
  d.out_channels = 35;
  d.in_h = 9;
  d.in_w = 17;
  d.kernel_h = d.kernel_w = 3;
  d.pad_top = d.pad_bottom = d.pad_left = d.pad_right = 1;
  d.activation = activation;
  conv_case_make(c, rng, &d, 0);
}

static void scale_by(float *values, size_t n, float factor) {
  for (size_t i = 0; i < n; i++) values[i] *= factor;
}

/// Denormal inputs, denormal results and values near the largest.
static void test_magnitudes(void **state) {
  static const float factors[][2] = {
      {0x1p-140f, 1.0f}, {1.0f, 0x1p-140f}, {0x1p-70f, 0x1p-72f}, {0x1p59f, 0x1p59f}};
  fixture f;
  create(&f, test_level(state));
  for (int i = 0; i < 4; i++) {
    test_rng rng = {(uint64_t)i};
    conv_case c;
    special_case(&c, &rng, ONEFOLD_ACT_RELU);
    scale_by(c.x, (size_t)(c.in.c * c.in.h * c.in.w), factors[i][0]);
    scale_by(c.weight, (size_t)(c.out.c * c.in.c * 9), factors[i][1]);
    free(c.bias);
    c.bias = NULL;
    conv_case_expect(&c);
    test_case("%s: inputs times %g, weights times %g", onefold_isa_name(test_level(state)),
              (double)factors[i][0], (double)factors[i][1]);
    conv_run_case(f.context[0].context, &c, &f.buffers, CONV_STARTS_AT_GUARD, 0, NULL);
    conv_case_destroy(&c);
  }
  destroy(&f);
}

/// One NaN reaches exactly the outputs that read it, through every activation.
static void test_nan(void **state) {
  fixture f;
  create(&f, test_level(state));
  for (int act = 0; act < ONEFOLD_ACT_COUNT; act++) {
    test_rng rng = {UINT64_C(99)};
    conv_case c;
    special_case(&c, &rng, (onefold_activation)act);
    const int64_t row = 4, column = 13;
    c.has_nan = 1;
    c.x[(5 * c.in.h + row) * c.in.w + column] = NAN;
    conv_case_expect(&c);
    test_case("%s: NaN through %s", onefold_isa_name(test_level(state)),
              onefold_activation_name((onefold_activation)act));
    for (int64_t o = 0; o < c.out.c; o++) {
      for (int64_t y = 0; y < c.out.h; y++) {
        for (int64_t x = 0; x < c.out.w; x++) {
          const size_t i = (size_t)((o * c.out.h + y) * c.out.w + x);
          if (llabs(y - row) <= 1 && llabs(x - column) <= 1) c.want[i] = NAN;
        }
      }
    }
    conv_run_case(f.context[0].context, &c, &f.buffers, CONV_STARTS_AT_GUARD, 0, NULL);
    conv_case_destroy(&c);
  }
  destroy(&f);
}

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
  fixture f;
  create(&f, test_level(state));
  onefold_context *context = f.context[1].context;
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
    f.context[1].give_tiling = i % 2;
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
  destroy(&f);
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
      cmocka_unit_test(test_random_problems),
      cmocka_unit_test(test_channel_counts),
      cmocka_unit_test(test_thread_counts),
      cmocka_unit_test(test_shared_weights),
      cmocka_unit_test(test_shared_by_algorithms),
      cmocka_unit_test(test_magnitudes),
      cmocka_unit_test(test_nan),
      cmocka_unit_test(test_info),
      cmocka_unit_test(test_choice),
  };
  enum { EACH = sizeof(each) / sizeof(*each) };
  if (test_isa_missing()) return 1;
  return test_every_level("conv2d", each, EACH) != 0;
}
