// SPDX-License-Identifier: BSD-3-Clause
// Runs a convolution case between guard pages and checks the result.
#include "tests/conv_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

onefold_context *conv_writable(const onefold_context *context) {
  return (onefold_context *)(uintptr_t)context;
}

static void last_to_first(void *user, onefold_task_fn fn, void *arg, size_t n) {
  conv_context *c = user;
  c->tasks = n;
  while (n > 0) fn(arg, --n);
}

void conv_draw_numbers(conv_context *c, test_rng *rng) {
  size_t count = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  for (size_t i = 0; i < count; i++) {
    const int32_t value = (int32_t)test_range(rng, 0, 5);
    if (fields[i].size || fields[i].offset == offsetof(onefold_tiling, threads)) continue;
    memcpy((char *)&c->tiling + fields[i].offset, &value, sizeof value);
  }
}

static int give_tiling(void *user, const struct onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  const conv_context *c = user;
  (void)desc;
  if (c->give_tiling) *tiling = c->tiling;
  return c->give_tiling;
}

void conv_context_create(conv_context *c, onefold_isa isa, int threads, onefold_accuracy accuracy) {
  onefold_context_options options;
  memset(c, 0, sizeof(*c));
  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  options.threads = threads;
  options.parallel_for = last_to_first;
  options.parallel_user = c;
  options.max_isa = isa;
  options.has_max_isa = 1;
  options.accuracy = accuracy;
  options.tiling = give_tiling;
  options.tiling_user = c;
  test_ok(NULL, onefold_context_create(&options, &c->context));
  assert_int_equal(onefold_context_isa(c->context), isa);
}

void conv_context_destroy(conv_context *c) {
  onefold_context_destroy(c->context);
  c->context = NULL;
}

void conv_buffers_create(conv_buffers *b, size_t floats) {
  test_guard *const guards[] = {&b->input, &b->residual, &b->scale, &b->output, &b->workspace};
  for (int i = 0; i < 5; i++) test_guard_create(guards[i], floats * sizeof(float));
}

void conv_buffers_destroy(conv_buffers *b) {
  test_guard *const guards[] = {&b->input, &b->residual, &b->scale, &b->output, &b->workspace};
  for (int i = 0; i < 5; i++) test_guard_destroy(guards[i]);
}

static float *place_at(test_guard *guard, size_t n, conv_place place) {
  switch (place) {
  case CONV_ENDS_AT_GUARD:
    return test_guard_place(guard, n, TEST_ENDS_AT_GUARD);
  case CONV_OFF_BY_FLOAT:
    return test_guard_place(guard, n + 1, TEST_STARTS_AT_GUARD) + 1;
  default:
    return test_guard_place(guard, n, TEST_STARTS_AT_GUARD);
  }
}

/// 64-byte aligned, against the upper guard page where the size allows it.
static float *place_workspace(test_guard *guard, size_t bytes, conv_place place) {
  const int ends = place == CONV_ENDS_AT_GUARD && bytes % 64 == 0;
  return test_guard_place(guard, bytes / sizeof(float),
                          ends ? TEST_ENDS_AT_GUARD : TEST_STARTS_AT_GUARD);
}

static void check_intact(const conv_buffers *b) {
  const test_guard *const guards[] = {&b->input, &b->residual, &b->scale, &b->output,
                                      &b->workspace};
  static const char *const names[] = {"input", "residual", "scale", "output", "workspace"};
  for (int i = 0; i < 5; i++) {
    if (!test_guard_intact(guards[i])) test_failed("memory next to the %s was written", names[i]);
  }
}

/// A value for the padding lanes of what a plan reads: finite, and far off.
static const float lane = 1e30f;

void conv_run(const onefold_context *context, const onefold_conv2d_plan *plan,
              const onefold_conv2d_packed *packed, const conv_case *c, conv_buffers *b,
              conv_place place, int in_place, float *result) {
  const onefold_conv2d_desc *d = &c->desc;
  const int v = onefold_context_block(context);
  const size_t in = test_layout_elements(c->in, d->in_layout, v);
  const size_t out = test_layout_elements(c->out, d->out_layout, v);
  const size_t scales = (size_t)(d->batch * d->out_channels);
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(plan, &info);
  assert_int_equal(info.out.n, c->out.n);
  assert_int_equal(info.out.c, c->out.c);
  assert_int_equal(info.out.h, c->out.h);
  assert_int_equal(info.out.w, c->out.w);
  assert_int_equal(onefold_tensor_elements(context, c->in, d->in_layout), in);
  assert_int_equal(onefold_tensor_elements(context, c->out, d->out_layout), out);

  float *input = place_at(&b->input, in, place);
  float *output = place_at(&b->output, out, place);
  float *residual = place_at(&b->residual, out, place);
  float *scale = place_at(&b->scale, scales, place);
  float *workspace = place_workspace(&b->workspace, info.workspace_bytes, place);
  test_to_layout(c->in, c->x, d->in_layout, v, lane, input);
  if (in_place) residual = output;
  if (c->residual) test_to_layout(c->out, c->residual, d->out_layout, v, lane, residual);
  if (c->scale) memcpy(scale, c->scale, scales * sizeof(float));
  float *before = malloc((in + out) * sizeof(float));
  assert_non_null(before);
  memcpy(before, input, in * sizeof(float));
  memcpy(before + in, residual, out * sizeof(float));

  const onefold_conv2d_buffers buffers = {input, c->residual ? residual : NULL,
                                          c->scale ? scale : NULL, output,
                                          info.workspace_bytes ? workspace : NULL};
  test_ok(conv_writable(context), onefold_conv2d_run(plan, packed, &buffers));
  test_from_layout(c->out, d->out_layout, v, output, result);
  if (!c->has_nan) test_lanes_finite(c->out, d->out_layout, v, output);
  if (test_first_difference(before, input, in) < in) test_failed("the input was written");
  if (!in_place && test_first_difference(before + in, residual, out) < out) {
    test_failed("the residual was written");
  }
  if (place == CONV_OFF_BY_FLOAT && !(isnan(output[-1]) && isnan(input[-1]))) {
    test_failed("the float before a buffer was written");
  }
  check_intact(b);
  free(before);
}

void conv_check(const conv_case *c, const float *result) {
  const size_t count = (size_t)(c->out.n * c->out.c * c->out.h * c->out.w);
  for (size_t i = 0; i < count; i++) {
    const double got = result[i], want = c->want[i];
    if (isnan(want) ? isnan(got) : fabs(got - want) <= c->bound[i]) continue;
    const size_t pixels = (size_t)(c->out.h * c->out.w), at = i % pixels;
    test_failed("image %zu channel %zu row %zu column %zu is %.9g, not %.9g within %.3g",
                i / pixels / (size_t)c->out.c, i / pixels % (size_t)c->out.c, at / (size_t)c->out.w,
                at % (size_t)c->out.w, got, want, c->bound[i]);
  }
}

void conv_run_case(const onefold_context *context, const conv_case *c, conv_buffers *b,
                   conv_place place, int in_place, float *result) {
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  const onefold_conv2d_weights weights = {c->weight, c->bias, c->residual_scale};
  float *own = result ? NULL : malloc((size_t)(c->out.n * c->out.c * c->out.h * c->out.w) * 4);
  test_ok(conv_writable(context),
          onefold_conv2d_plan_create(conv_writable(context), &c->desc, &plan));
  test_ok(conv_writable(context), onefold_conv2d_pack(plan, &weights, &packed));
  conv_run(context, plan, packed, c, b, place, in_place, result ? result : own);
  conv_check(c, result ? result : own);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  free(own);
}
