// SPDX-License-Identifier: BSD-3-Clause
// Depthwise convolution: one filter per channel; a kernel call makes rows of one channel block.
#include "ops/conv2d.h"

#include <stdio.h>

static const char *refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  if (problem->in_group == 1 && problem->out_group == 1) return NULL;
  snprintf(reason, size, "a group has %lld input and %lld output channels, not one of each",
           (long long)problem->in_group, (long long)problem->out_group);
  return reason;
}

/// Far less than any other algorithm, which multiplies by zeros.
static double estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem) {
  (void)dispatch;
  return problem->macs / problem->v;
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  (void)tiling;
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const onefold_dispatch *dispatch = onefold_context_dispatch(plan->context);
  onefold_conv_blocked_source(plan);
  const onefold_op op = d->stride_w == 1   ? ONEFOLD_OP_DEPTHWISE_S1
                        : d->stride_w == 2 ? ONEFOLD_OP_DEPTHWISE_S2
                                           : ONEFOLD_OP_DEPTHWISE_SN;
  plan->depthwise = dispatch->ops[op].row[0];
  plan->kernel = plan->depthwise->name;
  plan->packed_floats = (size_t)plan->problem.in_blocks *
                        onefold_conv_block_floats(&plan->problem, ONEFOLD_PACK_DEPTHWISE, 0);
  return ONEFOLD_OK;
}

static void task(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const int64_t v = problem->v, rows = problem->out_h, blocks = problem->out_blocks;
  onefold_depthwise_fn *const kernel = (onefold_depthwise_fn *)plan->depthwise->fn;
  onefold_epilogue epilogue;
  onefold_depthwise_args a = {
      .src = run->src,
      .src_row = plan->src_row,
      .dst_row = problem->out_w * v,
      .out_pixels = problem->out_w,
      .rows = d->kernel_h,
      .taps = d->kernel_w,
      .row_stride = d->stride_h,
      .row_dilation = d->dilation_h,
      .stride = d->stride_w,
      .dilation = d->dilation_w,
      .column_begin = d->pad_left,
      .column_end = d->pad_left + d->in_w,
      .v = (int32_t)v,
      .epilogue = &epilogue,
  };
  size_t begin = 0, end = 0;
  onefold_split((size_t)(d->batch * blocks * rows), (size_t)plan->tasks, index, &begin, &end);
  for (int64_t unit = (int64_t)begin; unit < (int64_t)end; unit += a.out_rows) {
    const int64_t row = unit % rows, block = unit / rows % blocks, image = unit / rows / blocks;
    const int64_t left = (int64_t)end - unit, y = row * d->stride_h - d->pad_top;
    const ptrdiff_t dst = unit * a.dst_row;
    a.out_rows = rows - row < left ? rows - row : left;
    a.row_begin = -y;
    a.row_end = d->in_h - y;
    a.weight = run->packed->weight + block * d->kernel_h * d->kernel_w * v;
    a.src_offset =
        image * plan->src_image + block * plan->src_block + y * plan->src_row - d->pad_left * v;
    a.dst = run->dst + dst;
    epilogue = onefold_conv_epilogue(run, image, (int32_t)block);
    epilogue.residual = run->residual ? run->residual + dst : NULL;
    kernel(&a);
  }
}

const onefold_conv_algorithm onefold_conv_depthwise = {
    "depthwise", ONEFOLD_PACK_DEPTHWISE, refuse, estimate, plan_it, task};
