// SPDX-License-Identifier: BSD-3-Clause
// Convolutions of images of one pixel, a matrix by a vector each: batches, groups, layouts, every
// epilogue and any number of tasks, more than there are output blocks too, against double
// precision, and the same bits by any number of tasks in the class standard too.
#include "tests/conv_support.h"

#include <stdlib.h>
#include <string.h>

static void test_vectors(void **state) {
  static const int channels[] = {1, 7, 16, 17, 40, 129}, groups[] = {1, 1, 2, 3};
  const onefold_isa isa = test_level(state);
  conv_buffers buffers;
  conv_buffers_create(&buffers, 1 << 20);
  for (int accuracy = 0; accuracy < 2; accuracy++) {
    conv_context context;
    conv_context_create(&context, isa, 5,
                        accuracy ? ONEFOLD_ACCURACY_STANDARD : ONEFOLD_ACCURACY_STRICT);
    context.give_tiling = 1;
    for (int i = 0; i < test_scaled(400); i++) {
      test_rng rng = {UINT64_C(31000) + (uint64_t)i};
      onefold_conv2d_desc d;
      conv_case c;
      onefold_conv2d_desc_init(&d);
      d.batch = i % 10 ? test_range(&rng, 1, 5) : test_range(&rng, 50, 120);
      d.groups = test_pick(&rng, groups);
      d.in_channels = d.groups * test_pick(&rng, channels);
      d.out_channels = d.groups * test_pick(&rng, channels);
      d.in_h = d.in_w = d.kernel_h = d.kernel_w = 1;
      d.in_layout = (onefold_layout)(i % 3);
      d.out_layout = (onefold_layout)(i / 3 % 3);
      const int exact = i % 4 != 0;
      conv_draw_epilogue(&rng, exact, &d);
      context.tiling.threads = 1;
      test_case("%s: case %d, batch %lld, %lld to %lld channels in %lld groups",
                onefold_isa_name(isa), i, (long long)d.batch, (long long)d.in_channels,
                (long long)d.out_channels, (long long)d.groups);
      conv_case_make(&c, &rng, &d, exact);
      const size_t bytes = test_elements(c.out) * sizeof(float);
      float *first = malloc(bytes), *other = malloc(bytes);
      const int in_place = d.residual && i % 5 == 0;
      conv_run_case(context.context, &c, &buffers, CONV_ENDS_AT_GUARD, in_place, first);
      context.tiling.threads = 2 + i % 4;
      conv_run_case(context.context, &c, &buffers, CONV_ENDS_AT_GUARD, in_place, other);
      if (memcmp(first, other, bytes) != 0) test_failed("%d tasks differ", context.tiling.threads);
      free(first);
      free(other);
      conv_case_destroy(&c);
    }
    conv_context_destroy(&context);
  }
  conv_buffers_destroy(&buffers);
}

/// More tasks than output blocks, or enough images that they could be cut along these.
static void test_many_tasks(void **state) {
  static const struct {
    int64_t batch, in, out;
    onefold_residual residual;
  } rows[] = {
      {1, 25088, 10, ONEFOLD_RESIDUAL_NONE},
      {336, 64, 64, ONEFOLD_RESIDUAL_BEFORE_ACTIVATION},
      {200, 100, 10, ONEFOLD_RESIDUAL_NONE},
      {1, 300, 3, ONEFOLD_RESIDUAL_AFTER_ACTIVATION},
  };
  static const int32_t tasks[] = {1, 2, 4, 5, 7};
  const onefold_isa isa = test_level(state);
  conv_buffers buffers;
  conv_buffers_create(&buffers, 1 << 20);
  for (int accuracy = 0; accuracy < ONEFOLD_ACCURACY_FAST + 1; accuracy++) {
    conv_context context;
    conv_context_create(&context, isa, 5, (onefold_accuracy)accuracy);
    context.give_tiling = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      test_rng rng = {i};
      onefold_conv2d_desc d;
      conv_case c;
      onefold_conv2d_desc_init(&d);
      d.batch = rows[i].batch;
      d.in_channels = rows[i].in;
      d.out_channels = rows[i].out;
      d.in_h = d.in_w = 1;
      d.residual = rows[i].residual;
      conv_case_make(&c, &rng, &d, 0);
      float *got[2] = {malloc(test_elements(c.out) * sizeof(float)),
                       malloc(test_elements(c.out) * sizeof(float))};
      for (size_t k = 0; k < sizeof tasks / sizeof *tasks; k++) {
        context.tiling.threads = tasks[k];
        test_case("%s, class %d: %lld images of %lld to %lld channels in %d tasks",
                  onefold_isa_name(isa), accuracy, (long long)d.batch, (long long)d.in_channels,
                  (long long)d.out_channels, tasks[k]);
        conv_run_case(context.context, &c, &buffers, CONV_ENDS_AT_GUARD, 0, got[k > 0]);
        if (tasks[k] > 1) assert_int_equal(context.tasks, tasks[k]);
        if (memcmp(got[0], got[k > 0], test_elements(c.out) * sizeof(float)) != 0)
          test_failed("%d tasks give other bits than one", tasks[k]);
      }
      free(got[0]);
      free(got[1]);
      conv_case_destroy(&c);
    }
    conv_context_destroy(&context);
  }
  conv_buffers_destroy(&buffers);
}

int main(void) {
  static const struct CMUnitTest each[] = {cmocka_unit_test(test_vectors),
                                           cmocka_unit_test(test_many_tasks)};
  if (test_isa_missing()) return 1;
  return test_every_level("conv2d_vectors", each, 2) != 0;
}
