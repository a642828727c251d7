// SPDX-License-Identifier: BSD-3-Clause
// Pooling: one kernel call for each output row and group of channels. NCHW has
// groups of one channel, BLOCKED of one block; in NHWC all channels of a pixel
// are cut into vectors and a rest, which the reference kernel does.
#include "ops/context.h"
#include "ops/tensor.h"

#include <onefold/pool.h>

static const char op[] = "pool2d";

onefold_pool2d_params onefold_pool2d_square(int64_t kernel, int64_t stride, int64_t pad) {
  return (onefold_pool2d_params){.kernel_h = kernel,
                                 .kernel_w = kernel,
                                 .stride_h = stride,
                                 .stride_w = stride,
                                 .pad_top = pad,
                                 .pad_bottom = pad,
                                 .pad_left = pad,
                                 .pad_right = pad,
                                 .count_include_pad = 1};
}

// ---------------------------------------------------------------------- shapes

static onefold_status check_params(const onefold_context *context, const onefold_pool2d_params *p) {
  const struct {
    const char *name;
    int64_t value, lowest, highest;
  } sizes[] = {
      {"kernel_h", p->kernel_h, 1, INT32_MAX},
      {"kernel_w", p->kernel_w, 1, INT32_MAX},
      {"stride_h", p->stride_h, 1, INT32_MAX},
      {"stride_w", p->stride_w, 1, INT32_MAX},
      {"pad_top", p->pad_top, 0, p->kernel_h / 2},
      {"pad_left", p->pad_left, 0, p->kernel_w / 2},
      {"pad_bottom", p->pad_bottom, 0, p->kernel_h / 2},
      {"pad_right", p->pad_right, 0, p->kernel_w / 2},
      {"divisor", p->divisor, 0, INT64_MAX},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    if (sizes[i].value >= sizes[i].lowest && sizes[i].value <= sizes[i].highest) continue;
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: %s is %lld, not from %lld to %lld",
                        op, sizes[i].name, (long long)sizes[i].value, (long long)sizes[i].lowest,
                        (long long)sizes[i].highest);
  }
  return ONEFOLD_OK;
}

/// Windows along one axis; none where the window is too large.
static int64_t count_windows(int64_t in, int64_t kernel, int64_t stride, int64_t low, int64_t high,
                             int ceil_mode) {
  const int64_t room = in + low + high - kernel + (ceil_mode ? stride - 1 : 0);
  if (room < 0) return 0;
  const int64_t count = room / stride + 1;
  return ceil_mode && (count - 1) * stride >= in + low ? count - 1 : count;
}

onefold_status onefold_pool2d_output_shape(const onefold_context *context, onefold_shape in,
                                           const onefold_pool2d_params *params,
                                           onefold_shape *out) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (!params || !out) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: %s is NULL", op,
                        params ? "out" : "params");
  }
  const onefold_pool2d_params *p = params;
  size_t elements = 0;
  onefold_status status = onefold_check_tensor(context, op, in, ONEFOLD_NCHW, &elements);
  if (!status) status = check_params(context, p);
  if (status) return status;
  const onefold_shape shape = {
      in.n, in.c,
      count_windows(in.h, p->kernel_h, p->stride_h, p->pad_top, p->pad_bottom, p->ceil_mode),
      count_windows(in.w, p->kernel_w, p->stride_w, p->pad_left, p->pad_right, p->ceil_mode)};
  if (shape.h == 0 || shape.w == 0) {
    const int h = shape.h == 0;
    return onefold_fail(context, ONEFOLD_SHAPE_MISMATCH,
                        "%s: kernel_%c is %lld, larger than the image of %lld with padding "
                        "%lld+%lld",
                        op, h ? 'h' : 'w', (long long)(h ? p->kernel_h : p->kernel_w),
                        (long long)(h ? in.h : in.w), (long long)(h ? p->pad_top : p->pad_left),
                        (long long)(h ? p->pad_bottom : p->pad_right));
  }
  *out = shape;
  return ONEFOLD_OK;
}

// ------------------------------------------------------------------------- run

typedef struct pool_call {
  const onefold_pool2d_params *params;
  onefold_shape in, out;
  const float *input;
  float *output;
  int64_t group, planes; // floats of a pixel, planes of pixels
  int32_t v;
  onefold_pool_fn *vector, *rest; // for v channels, for fewer
  size_t tasks;
} pool_call;

/// One row of one plane.
static void run_row(const pool_call *c, int64_t plane, int64_t row) {
  const onefold_pool2d_params *p = c->params;
  const int64_t begin = row * p->stride_h - p->pad_top, end = begin + p->kernel_h;
  const int64_t first = begin < 0 ? 0 : begin, last = end > c->in.h ? c->in.h : end;
  const int64_t padded = c->in.h + p->pad_bottom, counted = end > padded ? padded : end;
  const int include = p->count_include_pad != 0;
  onefold_pool_args a = {
      .src_row = c->in.w * c->group,
      .src_column = c->group,
      .dst_pixel = c->group,
      .rows = last - first,
      .taps = p->kernel_w,
      .pixels = c->out.w,
      .stride = p->stride_w,
      .pad = p->pad_left,
      .width = c->in.w,
      .divisor = p->divisor,
      .count_rows = include ? counted - begin : last - first,
      .count_begin = include ? -p->pad_left : 0,
      .count_end = include ? c->in.w + p->pad_right : c->in.w,
      .v = c->v,
  };
  a.src = c->input + (plane * c->in.h + first) * a.src_row;
  a.dst = c->output + (plane * c->out.h + row) * c->out.w * c->group;
  int64_t left = c->group;
  for (; left >= c->v; left -= c->v, a.src += c->v, a.dst += c->v) c->vector(&a);
  a.v = (int32_t)left;
  if (left > 0) c->rest(&a);
}

static void run_task(void *arg, size_t index) {
  const pool_call *c = arg;
  size_t begin, end;
  onefold_split((size_t)(c->planes * c->out.h), c->tasks, index, &begin, &end);
  for (size_t unit = begin; unit < end; unit++) {
    run_row(c, (int64_t)unit / c->out.h, (int64_t)unit % c->out.h);
  }
}

static onefold_pool_fn *reference_kernel(onefold_op kind) {
  size_t count = 0;
  const onefold_kernel *row = onefold_kernel_rows(&count);
  while (row->op != kind || row->isa != ONEFOLD_ISA_REF) row++;
  return (onefold_pool_fn *)row->fn;
}

onefold_status onefold_pool2d(onefold_context *context, onefold_shape in, onefold_layout layout,
                              onefold_pooling pooling, const onefold_pool2d_params *params,
                              const float *input, float *output) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if ((unsigned)pooling > ONEFOLD_POOL_MEAN) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: %d is not a pooling", op,
                        (int)pooling);
  }
  pool_call call = {.params = params, .in = in, .input = input, .output = output};
  onefold_span from = {"input", input, 0}, to = {"output", output, 0};
  onefold_status status = onefold_check_tensor(context, op, in, layout, &from.count);
  if (!status) status = onefold_pool2d_output_shape(context, in, params, &call.out);
  if (!status) status = onefold_check_tensor(context, op, call.out, layout, &to.count);
  if (!status) status = onefold_check_floats(context, op, "input", input);
  if (!status) status = onefold_check_floats(context, op, "output", output);
  if (!status) status = onefold_check_apart(context, op, from, to);
  if (status) return status;

  const onefold_op kind = pooling == ONEFOLD_POOL_MAX ? ONEFOLD_OP_POOL_MAX : ONEFOLD_OP_POOL_MEAN;
  const onefold_dispatch *dispatch = onefold_context_dispatch(context);
  call.v = dispatch->v;
  call.vector = (onefold_pool_fn *)dispatch->ops[kind].row[0]->fn;
  call.rest = reference_kernel(kind);
  onefold_pixel_planes(dispatch->v, in, layout, &call.group, &call.planes);
  const size_t larger = from.count > to.count ? from.count : to.count;
  call.tasks = onefold_memory_tasks(context, larger, (size_t)(call.planes * call.out.h));
  onefold_parallel(context, run_task, &call, call.tasks);
  return ONEFOLD_OK;
}
