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

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_random_problems),
      cmocka_unit_test(test_channel_counts),
      cmocka_unit_test(test_thread_counts),
      cmocka_unit_test(test_magnitudes),
      cmocka_unit_test(test_nan),
  };
  enum { EACH = sizeof(each) / sizeof(*each) };
  if (test_isa_missing()) return 1;
  return test_every_level("conv2d", each, EACH) != 0;
}
