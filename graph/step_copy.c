// SPDX-License-Identifier: BSD-3-Clause
// Steps that move blocked tensors: ranges of channels, and images with rows and columns added.
// A unit of work is one row of one block of the result's channels.
#include "graph/exec.h"
#include "ops/tensor.h"

#include <stdio.h>
#include <string.h>

typedef struct call call;
typedef void row_fn(const call *c, size_t block, size_t row);

struct call {
  const onefold_step *step;
  const onefold_step_buffers *buffers;
  row_fn *row_fn;
  size_t v, first, blocks; // of each image, blocks [first, first + blocks) are written
  size_t rows, units, tasks;
};

static void run_task(void *arg, size_t index) {
  const call *c = arg;
  size_t begin, end;
  onefold_split(c->units, c->tasks, index, &begin, &end);
  for (size_t unit = begin; unit < end; unit++) c->row_fn(c, unit / c->rows, unit % c->rows);
}

/// `images` tensors of c->blocks blocks and c->rows rows of `width` pixels.
static onefold_status run_rows(const onefold_context *context, call *c, size_t images,
                               size_t width) {
  c->units = images * c->blocks * c->rows;
  c->tasks = onefold_memory_tasks(context, c->units * width * c->v, c->units);
  onefold_parallel(context, run_task, c, c->tasks);
  return ONEFOLD_OK;
}

// ---------------------------------------------------------------------- channels

/// Lanes [to, to + count) of each pixel of a row from lanes from `from` on.
static void copy_lanes(const float *src, float *dst, size_t from, size_t to, size_t count,
                       size_t width, size_t v) {
  if (count == v) {
    memcpy(dst, src, width * v * sizeof *dst);
    return;
  }
  for (size_t x = 0; x < width; x++)
    for (size_t l = 0; l < count; l++) dst[x * v + to + l] = src[x * v + from + l];
}

/// The lanes of one block of the result come from at most two blocks of the source.
static void copy_row(const call *c, size_t index, size_t row) {
  const onefold_channel_copy *p = &c->step->as.copy;
  const onefold_shape out = c->step->shape;
  const size_t v = c->v, width = (size_t)out.w;
  const size_t image = index / c->blocks, block = c->first + index % c->blocks;
  const size_t source_blocks = ((size_t)p->source_channels + v - 1) / v;
  const size_t result_blocks = ((size_t)out.c + v - 1) / v;
  const size_t end = (size_t)(p->to + p->count);
  const size_t channel = block * v > (size_t)p->to ? block * v : (size_t)p->to;
  const size_t stop = (block + 1) * v < end ? (block + 1) * v : end;
  float *dst = c->buffers->dst + ((image * result_blocks + block) * c->rows + row) * width * v;
  for (size_t at = channel; at < stop;) {
    const size_t from = at - (size_t)p->to + (size_t)p->from;
    const size_t left = stop - at, room = v - from % v, count = left < room ? left : room;
    const float *src =
        c->buffers->src + ((image * source_blocks + from / v) * c->rows + row) * width * v;
    copy_lanes(src, dst, from % v, at % v, count, width, v);
    at += count;
  }
  if (end < (size_t)out.c || end % v == 0 || stop != end) return;
  for (size_t x = 0; x < width; x++)
    for (size_t l = end % v; l < v; l++) dst[x * v + l] = 0;
}

static onefold_status run_copy(onefold_context *context, const onefold_step *step,
                               const onefold_step_buffers *buffers) {
  const onefold_channel_copy *p = &step->as.copy;
  const size_t v = (size_t)onefold_context_block(context);
  call c = {.step = step, .buffers = buffers, .row_fn = copy_row, .v = v};
  c.first = (size_t)p->to / v;
  c.blocks = ((size_t)(p->to + p->count) + v - 1) / v - c.first;
  c.rows = (size_t)step->shape.h;
  return run_rows(context, &c, (size_t)step->shape.n, (size_t)step->shape.w);
}

static void describe_copy(const onefold_step *step, char *text, size_t size) {
  const onefold_channel_copy *p = &step->as.copy;
  snprintf(text, size, " channels %lld to %lld of %lld from %lld", (long long)p->from,
           (long long)(p->from + p->count - 1), (long long)p->source_channels, (long long)p->to);
}

const onefold_step_type onefold_step_type_copy = {
    .name = "copy_channels", .run = run_copy, .describe = describe_copy};

// ----------------------------------------------------------------------- padding

static float *fill(float *dst, const float *values, int64_t pixels, size_t v) {
  for (int64_t x = 0; x < pixels; x++, dst += v) memcpy(dst, values, v * sizeof *dst);
  return dst;
}

static void pad_row(const call *c, size_t index, size_t row) {
  const onefold_pad_params *p = &c->step->as.pad.params;
  const onefold_shape in = c->step->shape;
  const size_t v = c->v, width = (size_t)in.w;
  const int64_t result_width = p->left + in.w + p->right, y = (int64_t)row - p->top;
  const float *values = c->step->as.pad.values + index % c->blocks * v;
  float *dst = c->buffers->dst + (index * c->rows + row) * (size_t)result_width * v;
  if (y < 0 || y >= in.h) {
    fill(dst, values, result_width, v);
    return;
  }
  const float *src = c->buffers->src + (index * (size_t)in.h + (size_t)y) * width * v;
  dst = fill(dst, values, p->left, v);
  memcpy(dst, src, width * v * sizeof *dst);
  fill(dst + width * v, values, p->right, v);
}

static onefold_status run_pad(onefold_context *context, const onefold_step *step,
                              const onefold_step_buffers *buffers) {
  const onefold_pad_params *p = &step->as.pad.params;
  const size_t v = (size_t)onefold_context_block(context);
  call c = {.step = step, .buffers = buffers, .row_fn = pad_row, .v = v};
  c.blocks = ((size_t)step->shape.c + v - 1) / v;
  c.rows = (size_t)(p->top + step->shape.h + p->bottom);
  return run_rows(context, &c, (size_t)step->shape.n, (size_t)(p->left + step->shape.w + p->right));
}

static void describe_pad(const onefold_step *step, char *text, size_t size) {
  const onefold_pad_params *p = &step->as.pad.params;
  snprintf(text, size, " by %lld,%lld,%lld,%lld", (long long)p->top, (long long)p->bottom,
           (long long)p->left, (long long)p->right);
}

static void destroy_pad(onefold_context *context, onefold_step *step) {
  onefold_release(context, step->as.pad.values);
}

const onefold_step_type onefold_step_type_pad = {
    .name = "pad", .run = run_pad, .describe = describe_pad, .destroy = destroy_pad};
