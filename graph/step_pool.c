// SPDX-License-Identifier: BSD-3-Clause
// Steps that change the size of the image and keep its channels: pooling and upsampling.
#include "graph/exec.h"

#include <onefold/pool.h>

#include <stdio.h>

static onefold_status run_max(onefold_context *context, const onefold_step *step,
                              const onefold_step_buffers *buffers) {
  return onefold_pool2d(context, step->shape, ONEFOLD_BLOCKED, ONEFOLD_POOL_MAX, &step->as.pool,
                        buffers->src, buffers->dst);
}

static onefold_status run_mean(onefold_context *context, const onefold_step *step,
                               const onefold_step_buffers *buffers) {
  return onefold_pool2d(context, step->shape, ONEFOLD_BLOCKED, ONEFOLD_POOL_MEAN, &step->as.pool,
                        buffers->src, buffers->dst);
}

static void describe_pool(const onefold_step *step, char *text, size_t size) {
  const onefold_pool2d_params *p = &step->as.pool;
  snprintf(text, size, " kernel %lldx%lld stride %lldx%lld padding %lld,%lld,%lld,%lld",
           (long long)p->kernel_h, (long long)p->kernel_w, (long long)p->stride_h,
           (long long)p->stride_w, (long long)p->pad_top, (long long)p->pad_bottom,
           (long long)p->pad_left, (long long)p->pad_right);
}

const onefold_step_type onefold_step_type_max_pool = {
    .name = "max_pool", .run = run_max, .describe = describe_pool};

const onefold_step_type onefold_step_type_avg_pool = {
    .name = "avg_pool", .run = run_mean, .describe = describe_pool};

static onefold_status run_upsample(onefold_context *context, const onefold_step *step,
                                   const onefold_step_buffers *buffers) {
  return onefold_upsample_nearest(context, step->shape, ONEFOLD_BLOCKED, step->as.upsample_factor,
                                  buffers->src, buffers->dst);
}

static void describe_upsample(const onefold_step *step, char *text, size_t size) {
  snprintf(text, size, " by %lld", (long long)step->as.upsample_factor);
}

const onefold_step_type onefold_step_type_upsample = {
    .name = "upsample", .run = run_upsample, .describe = describe_upsample};
