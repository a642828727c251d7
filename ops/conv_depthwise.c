// SPDX-License-Identifier: BSD-3-Clause
// Depthwise convolution: one filter per channel; a kernel call makes rows of one channel block, of
// a grouped one too (conv_grouped.c).
#include "ops/conv_depthwise.h"

#include "ops/conv_space.h"

#include <stdio.h>

static const char *refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  if (problem->in_group == 1 && problem->out_group == 1) return NULL;
  snprintf(reason, size, "a group has %lld input and %lld output channels, not one of each",
           (long long)problem->in_group, (long long)problem->out_group);
  return reason;
}

/// Far less than any other algorithm, which multiplies by zeros.
static double estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                       int32_t tasks, const onefold_tiling *tiling) {
  (void)dispatch, (void)tiling;
  return problem->macs / problem->v / tasks;
}

void onefold_conv_depthwise_plan(onefold_conv2d_plan *plan, onefold_op base) {
  const onefold_op op = onefold_conv_for_stride(base, plan->problem.desc.stride_w);
  onefold_conv_blocked_source(plan);
  plan->depthwise = onefold_context_dispatch(plan->context)->ops[op].row[0];
  plan->kernel = plan->depthwise->name;
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  onefold_conv_depthwise_plan(plan, ONEFOLD_OP_DEPTHWISE_S1);
  plan->packed_floats = (size_t)plan->problem.in_blocks *
                        onefold_conv_block_floats(&plan->problem, ONEFOLD_PACK_DEPTHWISE, 0);
  plan->by_rows = onefold_conv_by_rows(plan, tiling);
  return ONEFOLD_OK;
}

void onefold_conv_depthwise_rows(const onefold_conv_run *run, int64_t image, int64_t block,
                                 const onefold_conv_area *area, int64_t begin, int64_t end) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const int64_t v = problem->v, y = begin * d->stride_h - d->pad_top;
  const ptrdiff_t dst_row = problem->out_w * v;
  const ptrdiff_t dst = area->dst_offset + block * area->dst_block + begin * dst_row;
  onefold_epilogue epilogue = onefold_conv_epilogue(run, image, (int32_t)block);
  if (area->residual) epilogue.residual = area->residual + dst;
  // Steps say which source blocks they read.
  const int64_t *first = plan->first_step ? plan->first_step + block : NULL;
  const ptrdiff_t src_block = first ? 0 : block * area->src_block;
  const onefold_depthwise_args a = {
      .src = area->src,
      .src_offset = area->src_offset + src_block + y * plan->src_row - d->pad_left * v,
      .src_row = plan->src_row,
      .weight = run->packed->weight + (first ? *first : block) * d->kernel_h * d->kernel_w * v,
      .dst = area->dst + dst,
      .dst_row = dst_row,
      .out_rows = end - begin,
      .out_pixels = problem->out_w,
      .rows = d->kernel_h,
      .taps = d->kernel_w,
      .row_stride = d->stride_h,
      .row_dilation = d->dilation_h,
      .stride = d->stride_w,
      .dilation = d->dilation_w,
      .row_begin = -y,
      .row_end = d->in_h - y,
      .column_begin = d->pad_left,
      .column_end = d->pad_left + d->in_w,
      .step = first ? plan->step + *first : NULL,
      .steps = first ? (int32_t)(first[1] - first[0]) : 1,
      .swap = plan->tasks > 1,
      .v = (int32_t)v,
      .epilogue = &epilogue,
  };
  ((onefold_depthwise_fn *)plan->depthwise->fn)(&a);
}

static void all_blocks(const onefold_conv_run *run, int64_t image, int64_t begin, int64_t end) {
  const onefold_conv_area whole = onefold_conv_whole(run, image);
  for (int64_t block = 0; block < run->plan->problem.out_blocks; block++) {
    onefold_conv_depthwise_rows(run, image, block, &whole, begin, end);
  }
}

static void one_block(const onefold_conv_run *run, int64_t plane, int64_t begin, int64_t end) {
  const int64_t blocks = run->plan->problem.out_blocks, image = plane / blocks;
  const onefold_conv_area whole = onefold_conv_whole(run, image);
  onefold_conv_depthwise_rows(run, image, plane % blocks, &whole, begin, end);
}

void onefold_conv_depthwise_task(const onefold_conv_run *run, size_t index) {
  const onefold_conv_problem *problem = &run->plan->problem;
  if (run->plan->by_rows) {
    onefold_conv_own_rows(run, problem->desc.batch, index, all_blocks);
  } else {
    onefold_conv_own_rows(run, problem->desc.batch * problem->out_blocks, index, one_block);
  }
}

static const onefold_conv_knob *const knobs[] = {&onefold_conv_knob_pair, &onefold_conv_knob_order,
                                                 NULL};

const onefold_conv_algorithm onefold_conv_depthwise = {
    .name = "depthwise",
    .format = ONEFOLD_PACK_DEPTHWISE,
    .refuse = refuse,
    .estimate = estimate,
    .plan = plan_it,
    .task = onefold_conv_depthwise_task,
    .knobs = knobs,
};
