// SPDX-License-Identifier: BSD-3-Clause
// onefold_conv2d_run allocates nothing: neither from the C library nor from the context.
#include "tests/alloc_watch.h"
#include "tests/conv_support.h"

#include <stdlib.h>
#include <string.h>

static void *context_allocate(void *user, size_t size, size_t alignment) {
  ++*(int *)user;
  return aligned_alloc(alignment, size);
}

static void context_release(void *user, void *pointer) {
  ++*(int *)user;
  free(pointer);
}

static void one_after_the_other(void *user, onefold_task_fn fn, void *arg, size_t n) {
  (void)user;
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

static onefold_context *make_context(onefold_isa isa, int threads, int *calls) {
  onefold_context_options options;
  onefold_context *context = NULL;
  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  options.threads = threads;
  options.parallel_for = one_after_the_other;
  options.allocate = context_allocate;
  options.release = context_release;
  options.allocator_user = calls;
  options.max_isa = isa;
  options.has_max_isa = 1;
  test_ok(NULL, onefold_context_create(&options, &context));
  return context;
}

static float *zeros(size_t bytes) {
  float *values = aligned_alloc(64, bytes / 64 * 64 + 64);
  assert_non_null(values);
  memset(values, 0, bytes);
  return values;
}

static void run_counted(onefold_context *context, const onefold_conv2d_desc *d, onefold_shape out,
                        test_rng *rng, int *context_calls) {
  conv_case c;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  onefold_conv2d_plan_info info;
  conv_case_make(&c, rng, d, 0);
  const onefold_conv2d_weights weights = {c.weight, c.bias, c.residual_scale};
  test_ok(context, onefold_conv2d_plan_create(context, d, &plan));
  test_ok(context, onefold_conv2d_pack(plan, &weights, &packed));
  onefold_conv2d_plan_get_info(plan, &info);
  const size_t in_bytes = onefold_tensor_elements(context, c.in, d->in_layout) * sizeof(float);
  const size_t out_bytes = onefold_tensor_elements(context, out, d->out_layout) * sizeof(float);
  float *input = zeros(in_bytes), *output = zeros(out_bytes), *residual = zeros(out_bytes);
  float *workspace = zeros(info.workspace_bytes);
  const onefold_conv2d_buffers buffers = {input, c.residual ? residual : NULL, c.scale, output,
                                          workspace};
  *context_calls = 0;
  test_watch_begin();
  const onefold_status status = onefold_conv2d_run(plan, packed, &buffers);
  const int calls = test_watch_end();
  test_ok(context, status);
  if (calls || *context_calls) {
    test_failed("%d calls of the C library's allocator, %d of the context's", calls,
                *context_calls);
  }
  free(input);
  free(output);
  free(residual);
  free(workspace);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  conv_case_destroy(&c);
}

static void test_run(void **state) {
  const onefold_isa isa = test_level(state);
  const int cases = test_scaled(300);
  for (int threads = 1; threads <= 3; threads += 2) {
    int context_calls = 0;
    onefold_context *context = make_context(isa, threads, &context_calls);
    for (int i = 0; i < cases; i++) {
      test_rng rng = {UINT64_C(31000) + (uint64_t)i};
      onefold_conv2d_desc desc;
      onefold_shape out;
      char text[384];
      conv_draw(&rng, 5e5, &desc, &out);
      conv_draw_epilogue(&rng, 0, &desc);
      conv_describe(&desc, text, sizeof(text));
      test_case("%s case %d: %s, %d threads", onefold_isa_name(isa), i, text, threads);
      run_counted(context, &desc, out, &rng, &context_calls);
    }
    onefold_context_destroy(context);
  }
}

/// The wrappers do count what the library allocates elsewhere.
static void test_watch(void **state) {
  int context_calls = 0;
  onefold_context *context = make_context(test_level(state), 1, &context_calls);
  onefold_conv2d_desc d;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_desc_init(&d);
  d.in_channels = d.out_channels = d.in_h = d.in_w = 8;
  context_calls = 0;
  test_watch_begin();
  const onefold_status status = onefold_conv2d_plan_create(context, &d, &plan);
  const int calls = test_watch_end();
  test_ok(context, status);
  assert_true(context_calls > 0);
  assert_true(calls >= context_calls);
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
}

int main(void) {
  static const struct CMUnitTest each[] = {cmocka_unit_test(test_watch),
                                           cmocka_unit_test(test_run)};
  if (test_isa_missing()) return 1;
  return test_every_level("allocation", each, 2) != 0;
}
