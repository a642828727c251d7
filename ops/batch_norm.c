// SPDX-License-Identifier: BSD-3-Clause
// Batch normalisation as a multiplication and an addition per channel, made
// from the statistics in double precision, a few channels at a time.
#include "ops/batch_norm.h"

#include "ops/context.h"
#include "ops/tensor.h"

#include <onefold/elementwise.h>

#include <string.h>

// Channels whose scale and shift are held at a time.
#define TABLE 1024
// Floats of a plane that make a unit.
#define UNIT_FLOATS 16384

typedef struct batch_norm_call {
  onefold_scale_shift_fn *fn;
  const onefold_batch_norm_params *params;
  const float *input;
  float *output;
  size_t channels, pixels;
  size_t lanes;  // NCHW: 1, blocked: v
  size_t pieces; // units of a plane
  size_t units, tasks;
} batch_norm_call;

/// y = x*scale + shift for channels [first, first + count).
static void make_table(const onefold_batch_norm_params *p, size_t first, size_t count, float *scale,
                       float *shift) {
  for (size_t i = 0; i < count; i++) {
    double s, t;
    onefold_batch_norm_channel(p, first + i, &s, &t);
    scale[i] = (float)s;
    shift[i] = (float)t;
  }
}

/// NCHW and blocked. A unit is a piece of a plane of `lanes` channels.
static void run_planes(void *arg, size_t index) {
  const batch_norm_call *c = arg;
  const size_t planes = (c->channels - 1) / c->lanes + 1;
  size_t begin, end;
  onefold_split(c->units, c->tasks, index, &begin, &end);
  for (size_t unit = begin; unit < end; unit++) {
    const size_t plane = unit / c->pieces, first = plane % planes * c->lanes;
    const size_t left = c->channels - first;
    float scale[ONEFOLD_MAX_VECTOR] = {0}, shift[ONEFOLD_MAX_VECTOR] = {0};
    make_table(c->params, first, left < c->lanes ? left : c->lanes, scale, shift);
    size_t from, to;
    onefold_split(c->pixels, c->pieces, unit % c->pieces, &from, &to);
    const size_t offset = (plane * c->pixels + from) * c->lanes;
    c->fn(c->input + offset, scale, shift, c->lanes, c->output + offset, (to - from) * c->lanes);
  }
}

/// NHWC. A unit is a pixel. Few channels are repeated to fill the table, so
/// that one period is long; many are taken in parts of up to TABLE.
static void run_rows(void *arg, size_t index) {
  const batch_norm_call *c = arg;
  float scale[TABLE], shift[TABLE];
  size_t begin, end;
  onefold_split(c->units, c->tasks, index, &begin, &end);
  const size_t parts = (c->channels - 1) / TABLE + 1;
  for (size_t part = 0; part < parts; part++) {
    size_t first, last;
    onefold_split(c->channels, parts, part, &first, &last);
    const size_t count = last - first;
    make_table(c->params, first, count, scale, shift);
    if (parts > 1) {
      for (size_t pixel = begin; pixel < end; pixel++) {
        const size_t offset = pixel * c->channels + first;
        c->fn(c->input + offset, scale, shift, count, c->output + offset, count);
      }
      continue;
    }
    const size_t offset = begin * count, n = (end - begin) * count;
    size_t period = count;
    for (; period + count <= TABLE && period < n; period += count) {
      memcpy(scale + period, scale, count * sizeof(float));
      memcpy(shift + period, shift, count * sizeof(float));
    }
    c->fn(c->input + offset, scale, shift, period, c->output + offset, n);
  }
}

/// The parameter arrays, and that every channel has a positive variance.
static onefold_status check_params(const onefold_context *context, const char *op, size_t channels,
                                   const onefold_batch_norm_params *p, onefold_span out) {
  const struct {
    onefold_span span;
    int optional;
  } arrays[4] = {{{"gamma", p->gamma, channels}, 1},
                 {{"beta", p->beta, channels}, 1},
                 {{"mean", p->mean, channels}, 0},
                 {{"variance", p->variance, channels}, 0}};
  for (int i = 0; i < 4; i++) {
    const onefold_span span = arrays[i].span;
    if (!span.floats && arrays[i].optional) continue;
    onefold_status status = onefold_check_floats(context, op, span.name, span.floats);
    if (!status) status = onefold_check_apart(context, op, out, span);
    if (status) return status;
  }
  for (size_t c = 0; c < channels; c++) {
    if (p->variance[c] + p->epsilon > 0.0) continue;
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "%s: variance[%zu] + epsilon is %g + %g, must be positive", op, c,
                        (double)p->variance[c], p->epsilon);
  }
  return ONEFOLD_OK;
}

onefold_status onefold_batch_norm(onefold_context *context, onefold_shape shape,
                                  onefold_layout layout, const onefold_batch_norm_params *params,
                                  const float *input, float *output) {
  static const char op[] = "batch_norm";
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  size_t n = 0;
  onefold_status status = onefold_check_tensor(context, op, shape, layout, &n);
  const onefold_span in = {"input", input, n}, out = {"output", output, n};
  if (!status) status = onefold_check_floats(context, op, "input", input);
  if (!status) status = onefold_check_floats(context, op, "output", output);
  if (!status) status = onefold_check_same_or_apart(context, op, out, in);
  if (status) return status;
  if (!params) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: params is NULL", op);
  status = check_params(context, op, (size_t)shape.c, params, out);
  if (status) return status;

  const onefold_dispatch *dispatch = onefold_context_dispatch(context);
  batch_norm_call call = {
      .fn = (onefold_scale_shift_fn *)dispatch->ops[ONEFOLD_OP_SCALE_SHIFT].row[0]->fn,
      .params = params,
      .input = input,
      .output = output,
      .channels = (size_t)shape.c,
      .pixels = (size_t)shape.h * (size_t)shape.w};
  if (layout == ONEFOLD_NHWC) {
    call.units = (size_t)shape.n * call.pixels;
  } else {
    call.lanes = layout == ONEFOLD_BLOCKED ? (size_t)dispatch->v : 1;
    const size_t plane = call.pixels * call.lanes;
    call.pieces = (plane - 1) / UNIT_FLOATS + 1;
    call.units = n / plane * call.pieces;
  }
  call.tasks = onefold_memory_tasks(context, n, call.units);
  onefold_parallel(context, layout == ONEFOLD_NHWC ? run_rows : run_planes, &call, call.tasks);
  return ONEFOLD_OK;
}
