// SPDX-License-Identifier: BSD-3-Clause
// Steps over whole channels of a blocked tensor: the mean over the pixels, and the scaling of
// each image's channels. One task is one block of channels of one image.
#include "graph/exec.h"

#include <stdio.h>

// Pixels that are summed in float before they are added to the sum in double.
#define RUN 64

typedef struct task {
  const onefold_dispatch *dispatch;
  const onefold_step *step;
  const onefold_step_buffers *buffers;
  size_t pixels, v;
} task;

static size_t make_task(onefold_context *context, const onefold_step *step,
                        const onefold_step_buffers *buffers, task *t) {
  t->dispatch = onefold_context_dispatch(context);
  t->step = step;
  t->buffers = buffers;
  t->pixels = (size_t)step->shape.h * (size_t)step->shape.w;
  t->v = (size_t)t->dispatch->v;
  return (size_t)step->shape.n * (((size_t)step->shape.c + t->v - 1) / t->v);
}

static void mean_of_block(void *arg, size_t index) {
  const task *t = arg;
  const size_t v = t->v;
  const float *src = t->buffers->src + index * t->pixels * v;
  double sum[ONEFOLD_MAX_VECTOR] = {0};
  for (size_t p = 0; p < t->pixels; p += RUN) {
    const size_t end = p + RUN < t->pixels ? p + RUN : t->pixels;
    float run[ONEFOLD_MAX_VECTOR] = {0};
    for (size_t q = p; q < end; q++)
      for (size_t l = 0; l < v; l++) run[l] += src[q * v + l];
    for (size_t l = 0; l < v; l++) sum[l] += (double)run[l];
  }
  for (size_t l = 0; l < v; l++)
    t->buffers->dst[index * v + l] = (float)(sum[l] / (double)t->pixels);
}

static onefold_status run_mean(onefold_context *context, const onefold_step *step,
                               const onefold_step_buffers *buffers) {
  task t;
  const size_t blocks = make_task(context, step, buffers, &t);
  onefold_parallel(context, mean_of_block, &t, blocks);
  return ONEFOLD_OK;
}

const onefold_step_type onefold_step_type_mean = {.name = "mean", .run = run_mean};

static void scale_block(void *arg, size_t index) {
  const task *t = arg;
  const size_t v = t->v, count = t->pixels * v;
  const float zero[ONEFOLD_MAX_VECTOR] = {0};
  const float *src = t->buffers->src + index * count;
  float *dst = t->buffers->dst + index * count;
  const onefold_node_activation *act = &t->step->as.activation;
  onefold_scale_shift_fn *scale_shift =
      (onefold_scale_shift_fn *)t->dispatch->ops[ONEFOLD_OP_SCALE_SHIFT].row[0]->fn;
  scale_shift(src, t->buffers->scale + index * v, zero, v, dst, count);
  if (act->function != ONEFOLD_ACT_NONE)
    t->dispatch->act[act->function](act->param, dst, dst, count);
}

static onefold_status run_scale(onefold_context *context, const onefold_step *step,
                                const onefold_step_buffers *buffers) {
  task t;
  const size_t blocks = make_task(context, step, buffers, &t);
  onefold_parallel(context, scale_block, &t, blocks);
  return ONEFOLD_OK;
}

static void describe_scale(const onefold_step *step, char *text, size_t size) {
  if (step->as.activation.function != ONEFOLD_ACT_NONE)
    snprintf(text, size, " +%s", onefold_activation_name(step->as.activation.function));
}

const onefold_step_type onefold_step_type_channel_scale = {
    .name = "channel_scale", .run = run_scale, .describe = describe_scale};
