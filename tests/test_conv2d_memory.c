// SPDX-License-Identifier: BSD-3-Clause
// conv2d where memory runs out: each call says so, and nothing leaks.
#include "tests/conv_fixture.h"

#include <stdlib.h>
#include <string.h>

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
static void out_of_memory(const conv_fixture *f, const onefold_conv2d_desc *d) {
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
  conv_fixture *f = *state;
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
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, conv_fixture_create, conv_fixture_destroy) != 0;
}
