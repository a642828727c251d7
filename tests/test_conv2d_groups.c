// SPDX-License-Identifier: BSD-3-Clause
// Grouped convolutions whose groups do not fill a channel block: every number of input and output
// channels of a group around the blocks, by "grouped" where it applies, else by what is
// chosen, against double precision; how many weights are packed; and what a NaN reaches.
#include "tests/conv_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
  int64_t kernel_h, kernel_w, stride, dilation, in_h, in_w;
} shape;
static const shape shapes[] = {
    {3, 3, 1, 1, 5, 9}, {3, 3, 2, 1, 6, 17}, {1, 1, 1, 1, 3, 8}, {1, 1, 2, 1, 5, 16},
    {5, 5, 1, 1, 6, 7}, {3, 3, 1, 2, 7, 9},  {7, 7, 3, 1, 9, 9}, {3, 1, 1, 1, 4, 15},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static onefold_conv2d_desc problem(const shape *s, int64_t groups, int64_t in, int64_t out) {
  onefold_conv2d_desc d;
  onefold_conv2d_desc_init(&d);
  d.groups = groups;
  d.in_channels = groups * in;
  d.out_channels = groups * out;
  d.in_h = s->in_h;
  d.in_w = s->in_w;
  d.kernel_h = s->kernel_h;
  d.kernel_w = s->kernel_w;
  d.stride_h = d.stride_w = s->stride;
  d.dilation_h = d.dilation_w = s->dilation;
  d.pad_top = d.pad_bottom = s->kernel_h / 2 * s->dilation;
  d.pad_left = d.pad_right = s->kernel_w / 2 * s->dilation;
  return d;
}

/// The plan's algorithm, and the bytes of its weights.
static const char *plan_of(const conv_context *c, const onefold_conv2d_desc *d, size_t *bytes) {
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_plan_info info;
  test_ok(c->context,
          onefold_conv2d_plan_create_tiled(conv_writable(c->context), d, &c->tiling, &plan));
  onefold_conv2d_plan_get_info(plan, &info);
  onefold_conv2d_plan_destroy(plan);
  *bytes = info.packed_bytes;
  return info.algorithm;
}

/// By 1 task and more of "grouped", with the same bits.
static void test_channels_of_a_group(void **state) {
  static const int64_t channels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 24, 32, 33};
  enum { COUNT = sizeof channels / sizeof *channels };
  const onefold_isa isa = test_level(state);
  int grouped = 0;
  conv_context context;
  conv_buffers buffers;
  conv_context_create(&context, isa, 3, ONEFOLD_ACCURACY_STRICT);
  conv_buffers_create(&buffers, 1 << 20);
  context.give_tiling = 1;
  const int all = COUNT * COUNT * SHAPES, cases = test_scaled(all);
  for (int n = 0; n < cases; n++) {
    const int i = (int)((int64_t)n * all / cases);
    test_rng rng = {UINT64_C(77000) + (uint64_t)i};
    const int64_t in = channels[i / SHAPES % COUNT], out = channels[i / SHAPES / COUNT];
    onefold_conv2d_desc d = problem(&shapes[i % SHAPES], test_range(&rng, 2, 6), in, out);
    d.batch = 1 + i % 2;
    const int exact = i % 3 != 0, in_place = i % 5 == 0;
    conv_draw_epilogue(&rng, exact, &d);
    conv_case c;
    conv_case_make(&c, &rng, &d, exact);
    const size_t bytes = test_elements(c.out) * sizeof(float);
    float *first = malloc(bytes), *other = malloc(bytes);
    size_t packed = 0;
    context.tiling = (onefold_tiling){.algorithm = "grouped", .threads = 1};
    const char *algorithm = plan_of(&context, &d, &packed);
    grouped += strcmp(algorithm, "grouped") == 0;
    test_case("%s: %lld groups of %lld to %lld channels, shape %d, %s", onefold_isa_name(isa),
              (long long)d.groups, (long long)in, (long long)out, i % SHAPES, algorithm);
    conv_run_case(context.context, &c, &buffers, (conv_place)(i % CONV_PLACES),
                  in_place && d.residual, first);
    context.tiling.threads = 2 + i % 3;
    context.tiling.order = i % 3;
    conv_run_case(context.context, &c, &buffers, CONV_ENDS_AT_GUARD, 0, other);
    if (memcmp(first, other, bytes) != 0) test_failed("%d tasks differ", context.tiling.threads);
    free(first);
    free(other);
    conv_case_destroy(&c);
  }
  assert_true(4 * grouped > cases);
  conv_context_destroy(&context);
  conv_buffers_destroy(&buffers);
}

/// Where whole groups are a block, none of its weights are zeros that were added.
static void test_packed_bytes(void **state) {
  static const int64_t channels[] = {2, 4, 8};
  conv_context context;
  conv_context_create(&context, test_level(state), 1, ONEFOLD_ACCURACY_STRICT);
  const int64_t v = onefold_context_block(context.context);
  context.tiling = (onefold_tiling){.algorithm = "grouped"};
  for (int i = 0; i < 9; i++) {
    const int64_t in = channels[i / 3], out = channels[i % 3];
    if (in > out || out >= v) continue;
    const onefold_conv2d_desc d = problem(&shapes[0], 2 * v, in, out);
    size_t bytes = 0;
    test_case("%lld to %lld channels", (long long)in, (long long)out);
    assert_string_equal(plan_of(&context, &d, &bytes), "grouped");
    assert_int_equal(bytes, (size_t)(d.out_channels * (in * 9 + 1)) * sizeof(float)); // and bias
  }
  conv_context_destroy(&context);
}

static void find_sentence(void *user, const char *line) {
  const char *const sentence = *(const char *const *)user;
  if (strstr(line, "grouped") == line && strstr(line, sentence)) *(const char **)user = NULL;
}

/// Why groups are not "grouped".
static void test_refusals(void **state) {
  static const struct {
    int64_t groups, in, out;
    const char *sentence;
  } rows[] = {
      {1, 32, 32, "there is one group"},
      {4, 1, 1, "a group is one channel"},
      {2, 200, 3, "a group of 200 input channels fills nearly all of its blocks of"},
      {2, 32, 16, "groups of 32 input and 16 output channels fill blocks of"},
  };
  conv_context context;
  conv_context_create(&context, test_level(state), 1, ONEFOLD_ACCURACY_STRICT);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const onefold_conv2d_desc d = problem(&shapes[0], rows[i].groups, rows[i].in, rows[i].out);
    const char *left = rows[i].sentence;
    test_ok(context.context, onefold_conv2d_explain(context.context, &d, find_sentence, &left));
    if (left) test_failed("\"%s\" is not said", left);
  }
  conv_context_destroy(&context);
}

/// A NaN stays in its group, which shares its block with others.
static void test_nan(void **state) {
  conv_context context;
  conv_buffers buffers;
  conv_context_create(&context, test_level(state), 1, ONEFOLD_ACCURACY_STRICT);
  conv_buffers_create(&buffers, 1 << 20);
  context.give_tiling = 1;
  context.tiling = (onefold_tiling){.algorithm = "grouped"};
  test_rng rng = {5};
  const onefold_conv2d_desc d = problem(&shapes[0], 8, 2, 2);
  conv_case c;
  conv_case_make(&c, &rng, &d, 1);
  const int64_t plane = d.in_h * d.in_w, group = 5;
  for (int64_t i = 0; i < 2 * plane; i++) c.x[group * 2 * plane + i] = NAN;
  c.has_nan = 1;
  conv_case_expect(&c);
  float *result = malloc(test_elements(c.out) * sizeof *result);
  conv_run_case(context.context, &c, &buffers, CONV_ENDS_AT_GUARD, 0, result);
  for (int64_t i = 0; i < 16 * plane; i++) {
    const int poisoned = i / plane / 2 == group;
    test_case("channel %d", (int)(i / plane));
    assert_int_equal(isnan(result[i]) != 0, poisoned);
  }
  free(result);
  conv_case_destroy(&c);
  conv_context_destroy(&context);
  conv_buffers_destroy(&buffers);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_channels_of_a_group),
      cmocka_unit_test(test_packed_bytes),
      cmocka_unit_test(test_nan),
      cmocka_unit_test(test_refusals),
  };
  enum { EACH = sizeof(each) / sizeof(*each) };
  if (test_isa_missing()) return 1;
  return test_every_level("conv2d_groups", each, EACH) != 0;
}
