// SPDX-License-Identifier: BSD-3-Clause
// Steps over whole channels of a blocked tensor: the mean over the pixels, and the scaling of
// each image's channels. A unit of work is one block of channels of one image.
#include "graph/exec.h"
#include "ops/tensor.h"

#include <stdio.h>

typedef struct call call;
typedef void block_fn(const call *c, size_t index);

struct call {
  const onefold_dispatch *dispatch;
  const onefold_step *step;
  const onefold_step_buffers *buffers;
  block_fn *block_fn;
  size_t pixels, v, blocks, tasks;
};

static void run_task(void *arg, size_t index) {
  const call *c = arg;
  size_t begin, end;
  onefold_split(c->blocks, c->tasks, index, &begin, &end);
  for (size_t block = begin; block < end; block++) c->block_fn(c, block);
}

static onefold_status run_blocks(onefold_context *context, const onefold_step *step,
                                 const onefold_step_buffers *buffers, block_fn *fn) {
  call c = {onefold_context_dispatch(context), step, buffers, .block_fn = fn};
  c.pixels = (size_t)step->shape.h * (size_t)step->shape.w;
  c.v = (size_t)c.dispatch->v;
  c.blocks = (size_t)step->shape.n * (((size_t)step->shape.c + c.v - 1) / c.v);
  c.tasks = onefold_memory_tasks(context, c.blocks * c.pixels * c.v, c.blocks);
  onefold_parallel(context, run_task, &c, c.tasks);
  return ONEFOLD_OK;
}

// ------------------------------------------------------------------------- mean

static void mean_of_block(const call *c, size_t index) {
  const float *src = c->buffers->src + index * c->pixels * c->v;
  onefold_mean_fn *mean = (onefold_mean_fn *)c->dispatch->ops[ONEFOLD_OP_MEAN].row[0]->fn;
  mean(src, c->pixels, c->buffers->dst + index * c->v, (int32_t)c->v);
}

static onefold_status run_mean(onefold_context *context, const onefold_step *step,
                               const onefold_step_buffers *buffers) {
  return run_blocks(context, step, buffers, mean_of_block);
}

const onefold_step_type onefold_step_type_mean = {.name = "mean", .run = run_mean};

// ------------------------------------------------------------------------ scale

static void scale_block(const call *c, size_t index) {
  const size_t v = c->v, count = c->pixels * v;
  const float zero[ONEFOLD_MAX_VECTOR] = {0};
  const float *src = c->buffers->src + index * count;
  float *dst = c->buffers->dst + index * count;
  const onefold_node_activation *act = &c->step->as.activation;
  onefold_scale_shift_fn *scale_shift =
      (onefold_scale_shift_fn *)c->dispatch->ops[ONEFOLD_OP_SCALE_SHIFT].row[0]->fn;
  scale_shift(src, c->buffers->scale + index * v, zero, v, dst, count);
  if (act->function != ONEFOLD_ACT_NONE)
    c->dispatch->act[act->function](act->param, dst, dst, count);
}

static onefold_status run_scale(onefold_context *context, const onefold_step *step,
                                const onefold_step_buffers *buffers) {
  return run_blocks(context, step, buffers, scale_block);
}

static void describe_scale(const onefold_step *step, char *text, size_t size) {
  if (step->as.activation.function != ONEFOLD_ACT_NONE)
    snprintf(text, size, " +%s", onefold_activation_name(step->as.activation.function));
}

const onefold_step_type onefold_step_type_channel_scale = {
    .name = "channel_scale", .run = run_scale, .describe = describe_scale};
