// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and pointwise pairs.
//   depthwise first: a task makes all channels of a band of rows, then the pointwise strips of it.
//   pointwise first: a task makes a strip's channels of the rows that a band needs, keeping those
//                    that the band before had, then the depthwise rows.
#include "ops/conv_pair.h"

#include "ops/conv_depthwise.h"
#include "ops/conv_pieces.h"

#include <stdio.h>
#include <string.h>

/// Everything that one run hands to its tasks.
typedef struct pair_run {
  const onefold_conv_pair *pair;
  onefold_conv_run first, second;
  float *scratch;
} pair_run;

static int depthwise_first(const onefold_conv_pair *pair) {
  return pair->first->algorithm == &onefold_conv_depthwise;
}

const char *onefold_conv_pair_refuse(const onefold_conv2d_plan *first,
                                     const onefold_conv2d_plan *second, char *reason, size_t size) {
  const onefold_conv_problem *a = &first->problem, *b = &second->problem;
  const onefold_conv_algorithm *const x = first->algorithm, *const y = second->algorithm;
  if (!(x == &onefold_conv_depthwise && y == &onefold_conv_pointwise) &&
      !(x == &onefold_conv_pointwise && y == &onefold_conv_depthwise)) {
    snprintf(reason, size, "the algorithms are %s and %s, not depthwise and pointwise", x->name,
             y->name);
    return reason;
  }
  if (a->desc.batch != b->desc.batch || a->desc.out_channels != b->desc.in_channels ||
      a->out_h != b->desc.in_h || a->out_w != b->desc.in_w) {
    snprintf(reason, size, "the second does not read the shape that the first writes");
    return reason;
  }
  if (a->desc.in_layout != ONEFOLD_BLOCKED || a->desc.out_layout != ONEFOLD_BLOCKED ||
      b->desc.in_layout != ONEFOLD_BLOCKED || b->desc.out_layout != ONEFOLD_BLOCKED) {
    snprintf(reason, size, "a layout is not blocked");
    return reason;
  }
  if (a->desc.residual != ONEFOLD_RESIDUAL_NONE || a->desc.has_channel_scale ||
      b->desc.has_channel_scale) {
    snprintf(reason, size, "the first has a residual, or one has a channel scale");
    return reason;
  }
  return NULL;
}

size_t onefold_conv_pair_band(const onefold_context *context) {
  return onefold_context_dispatch(context)->l2_bytes / 4;
}

void onefold_conv_pair_make(const onefold_conv2d_plan *first, const onefold_conv2d_plan *second,
                            size_t bytes, onefold_conv_pair *pair) {
  *pair = (onefold_conv_pair){.first = first, .second = second};
  const onefold_conv_problem *middle = &second->problem;
  const onefold_conv2d_desc *d = &middle->desc;
  const ptrdiff_t row = d->in_w * middle->v;
  const size_t row_bytes = (size_t)row * sizeof(float);
  int64_t blocks = middle->in_blocks, step = 1, window = 1;
  if (depthwise_first(pair)) {
    pair->tasks = second->tasks;
  } else {
    blocks = 1;
    for (int32_t i = 0; i < first->strips.count; i++) {
      if (first->strips.strip[i].blocks > blocks) blocks = first->strips.strip[i].blocks;
    }
    step = d->stride_h;
    window = (d->kernel_h - 1) * d->dilation_h + 1;
    pair->tasks = first->tasks;
  }
  const int64_t fit = (int64_t)(bytes / ((size_t)blocks * row_bytes));
  pair->rows = fit > window ? (fit - window) / step + 1 : 1;
  if (pair->rows > middle->out_h) pair->rows = middle->out_h;
  pair->kept = (pair->rows - 1) * step + window;
  if (pair->kept > d->in_h) pair->kept = d->in_h;
  pair->block = pair->kept * row;
  pair->scratch = (size_t)(blocks * pair->block);
}

/// Floats from a task's scratch to the next.
static size_t apart(const onefold_conv_pair *pair) {
  return onefold_conv_scratch(pair->scratch, pair->tasks);
}

size_t onefold_conv_pair_workspace(const onefold_conv_pair *pair) {
  return onefold_conv_scratch_all(apart(pair), pair->tasks) * sizeof(float);
}

size_t onefold_conv_pair_between(const onefold_conv_pair *pair) {
  const onefold_conv_problem *middle = &pair->second->problem;
  const onefold_conv2d_desc *d = &middle->desc;
  return (size_t)(d->batch * middle->in_blocks * d->in_h * d->in_w * middle->v) * sizeof(float);
}

/// What pays is the way of the intermediate through L3 and memory: below the size of L2 the
/// ratio is 1, on one core; of several tasks, each would read much of it from another core. A band
/// has to fit there too, with more than a row to share source rows between; and the tasks, which
/// are cut along rows, must come out even.
int onefold_conv_pair_pays(const onefold_conv_pair *pair) {
  const onefold_conv_problem *middle = &pair->second->problem;
  const onefold_conv2d_desc *d = &middle->desc;
  const size_t l2 = onefold_context_dispatch(pair->first->context)->l2_bytes;
  const int64_t strips = depthwise_first(pair) ? 1 : pair->first->strips.count;
  const size_t least = pair->tasks == 1 ? l2 : l2 / 16;
  return onefold_conv_pair_between(pair) >= least && pair->scratch * sizeof(float) <= l2 / 2 &&
         pair->rows > 1 &&
         (pair->tasks == 1 || d->batch * strips * middle->out_h >= 8 * (int64_t)pair->tasks);
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void depthwise_task(void *arg, size_t index) {
  const pair_run *run = arg;
  const onefold_conv_pair *pair = run->pair;
  const onefold_conv_problem *middle = &pair->second->problem;
  const int64_t height = middle->out_h, width = middle->out_w;
  float *const scratch = run->scratch + index * apart(pair);
  size_t begin = 0, end = 0;
  onefold_split((size_t)(middle->desc.batch * height), (size_t)pair->tasks, index, &begin, &end);
  for (int64_t unit = (int64_t)begin, next; unit < (int64_t)end; unit = next) {
    const int64_t image = unit / height, row = unit % height;
    next = smaller(smaller(unit + pair->rows, (image + 1) * height), (int64_t)end);
    const int64_t last = row + next - unit;
    onefold_conv_area a = onefold_conv_whole(&run->first, image);
    onefold_conv_area b = onefold_conv_whole(&run->second, image);
    a.dst = scratch;
    b.src = scratch;
    a.dst_block = b.src_block = pair->block;
    a.dst_offset = b.src_offset = -row * width * middle->v;
    for (int64_t block = 0; block < middle->in_blocks; block++) {
      onefold_conv_depthwise_rows(&run->first, image, block, &a, row, last);
    }
    for (int32_t i = 0; i < pair->second->strips.count; i++) {
      onefold_conv_pointwise_pixels(&run->second, &pair->second->strips.strip[i], image, &b,
                                    row * width, last * width);
    }
  }
}

/// One task of a pair whose first is pointwise; first.scratch is the task's own.
typedef struct strip_task {
  onefold_conv_run first;
  const onefold_conv_run *second;
  const onefold_conv_pair *pair;
} strip_task;

/// The output rows [begin, end) of the second, for the channels of a strip of the first.
static void strip_rows(const onefold_conv_run *first, const onefold_conv_strip *strip,
                       int64_t image, int64_t begin, int64_t end) {
  const strip_task *task = (const strip_task *)first;
  const onefold_conv_pair *pair = task->pair;
  const onefold_conv2d_desc *d = &pair->second->problem.desc;
  const int64_t row = d->in_w * pair->second->problem.v;
  float *const scratch = first->scratch;
  onefold_conv_area a = onefold_conv_whole(first, image);
  onefold_conv_area b = onefold_conv_whole(task->second, image);
  a.dst = scratch;
  b.src = scratch;
  a.dst_block = b.src_block = pair->block;
  int64_t low = 0, high = 0; // rows that scratch holds
  for (int64_t next; begin < end; begin = next) {
    next = smaller(begin + pair->rows, end);
    const int64_t top = begin * d->stride_h - d->pad_top;
    const int64_t bottom =
        (next - 1) * d->stride_h - d->pad_top + (d->kernel_h - 1) * d->dilation_h + 1;
    const int64_t from = top < 0 ? 0 : smaller(top, d->in_h);
    const int64_t to = bottom < from ? from : smaller(bottom, d->in_h);
    const int64_t have = from >= low && from < high ? smaller(high, to) : from;
    for (int32_t i = 0; have > from && from > low && i < strip->blocks; i++) {
      float *block = scratch + i * pair->block;
      memmove(block, block + (from - low) * row, (size_t)((have - from) * row) * sizeof *block);
    }
    low = from;
    high = to;
    a.dst_offset = b.src_offset = -strip->block * pair->block - from * row;
    if (have < to) {
      onefold_conv_pointwise_pixels(first, strip, image, &a, have * d->in_w, to * d->in_w);
    }
    for (int32_t i = 0; i < strip->blocks; i++) {
      onefold_conv_depthwise_rows(task->second, image, strip->block + i, &b, begin, next);
    }
  }
}

static void pointwise_task(void *arg, size_t index) {
  const pair_run *run = arg;
  const onefold_conv_pair *pair = run->pair;
  strip_task task = {run->first, &run->second, pair};
  task.first.scratch = run->scratch + index * apart(pair);
  onefold_conv_each_rows(&task.first, pair->second->problem.out_h, index, strip_rows);
}

void onefold_conv_pair_run(const onefold_conv_pair *pair, const onefold_conv2d_packed *first,
                           const onefold_conv2d_packed *second,
                           const onefold_conv2d_buffers *buffers,
                           const onefold_conv_images *images) {
  pair_run run = {
      .pair = pair,
      .first = {.plan = pair->first,
                .packed = first,
                .src = buffers->input,
                .images = pair->first->images},
      .second = {.plan = pair->second,
                 .packed = second,
                 .dst = buffers->output,
                 .residual = buffers->residual,
                 .images = pair->second->images},
      .scratch = buffers->workspace,
  };
  if (images) run.first.images.src = images->src;
  if (images) run.second.images = *images; // its source is scratch
  onefold_parallel_if(pair->first->context, pair->first->wakes || pair->second->wakes,
                      depthwise_first(pair) ? depthwise_task : pointwise_task, &run,
                      (size_t)pair->tasks);
}
