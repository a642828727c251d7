// SPDX-License-Identifier: BSD-3-Clause
// Nearest-neighbour upsampling: a row is widened once and copied for the rows below.
#include "ops/context.h"
#include "ops/tensor.h"

#include <onefold/pool.h>

#include <string.h>

typedef struct upsample_call {
  const float *input;
  float *output;
  size_t group, width, rows, factor; // floats of a pixel, pixels of a row, rows of all planes
  size_t tasks;
} upsample_call;

/// Each of `width` pixels of `group` floats `factor` times. Inlined with the
/// usual groups, so that their copies are moves.
static inline void widen(const size_t group, const float *src, size_t width, size_t factor,
                         float *dst) {
  for (size_t x = 0; x < width; x++, src += group) {
    for (size_t i = 0; i < factor; i++, dst += group) memcpy(dst, src, group * sizeof(float));
  }
}

static void widen_row(const upsample_call *c, const float *src, float *dst) {
  switch (c->group) {
  case 1:
    widen(1, src, c->width, c->factor, dst);
    break;
  case 4:
    widen(4, src, c->width, c->factor, dst);
    break;
  case 8:
    widen(8, src, c->width, c->factor, dst);
    break;
  case 16:
    widen(16, src, c->width, c->factor, dst);
    break;
  default:
    widen(c->group, src, c->width, c->factor, dst);
  }
}

static void run_task(void *arg, size_t index) {
  const upsample_call *c = arg;
  const size_t in_row = c->width * c->group, out_row = in_row * c->factor;
  size_t begin, end;
  onefold_split(c->rows, c->tasks, index, &begin, &end);
  for (size_t row = begin; row < end; row++) {
    float *dst = c->output + row * c->factor * out_row;
    widen_row(c, c->input + row * in_row, dst);
    for (size_t i = 1; i < c->factor; i++) memcpy(dst + i * out_row, dst, out_row * sizeof(float));
  }
}

onefold_status onefold_upsample_nearest(onefold_context *context, onefold_shape in,
                                        onefold_layout layout, int64_t factor, const float *input,
                                        float *output) {
  static const char op[] = "upsample_nearest";
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  onefold_span from = {"input", input, 0}, to = {"output", output, 0};
  onefold_status status = onefold_check_tensor(context, op, in, layout, &from.count);
  if (status) return status;
  if (factor < 1) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: factor is %lld, must be positive",
                        op, (long long)factor);
  }
  onefold_shape out = in;
  if (__builtin_mul_overflow(in.h, factor, &out.h) ||
      __builtin_mul_overflow(in.w, factor, &out.w)) {
    return onefold_fail(context, ONEFOLD_OVERFLOW, "%s: %lldx%lld pixels times %lld do not fit", op,
                        (long long)in.h, (long long)in.w, (long long)factor);
  }
  status = onefold_check_tensor(context, op, out, layout, &to.count);
  if (!status) status = onefold_check_floats(context, op, "input", input);
  if (!status) status = onefold_check_floats(context, op, "output", output);
  if (!status) status = onefold_check_apart(context, op, from, to);
  if (status) return status;

  int64_t group, planes;
  onefold_pixel_planes(onefold_context_block(context), in, layout, &group, &planes);
  upsample_call call = {.input = input,
                        .output = output,
                        .group = (size_t)group,
                        .width = (size_t)in.w,
                        .rows = (size_t)(planes * in.h),
                        .factor = (size_t)factor};
  call.tasks = onefold_memory_tasks(context, to.count, call.rows);
  onefold_parallel(context, run_task, &call, call.tasks);
  return ONEFOLD_OK;
}
