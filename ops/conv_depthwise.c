// SPDX-License-Identifier: BSD-3-Clause
// Depthwise convolution: one filter per channel, row by row of each channel block.
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

  plan->first = onefold_allocate(plan->context, (size_t)d->kernel_w * sizeof(int32_t));
  plan->last = onefold_allocate(plan->context, (size_t)d->kernel_w * sizeof(int32_t));
  if (!plan->first || !plan->last) return ONEFOLD_OUT_OF_MEMORY;
  for (int64_t t = 0; t < d->kernel_w; t++) {
    // Pixel p reads column p*stride + x: inside from the first p with a
    // column >= 0 to the last with one < in_w.
    const int64_t x = t * d->dilation_w - d->pad_left;
    const int64_t first = x < 0 ? (-x + d->stride_w - 1) / d->stride_w : 0;
    int64_t last = x >= d->in_w ? 0 : (d->in_w - x + d->stride_w - 1) / d->stride_w;
    if (last > plan->problem.out_w) last = plan->problem.out_w;
    plan->first[t] = (int32_t)(first < last ? first : last);
    plan->last[t] = (int32_t)last;
  }
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
      .src_row = plan->src_row * d->dilation_h,
      .src_tap = v * d->dilation_w,
      .src_pixel = v * d->stride_w,
      .weight_row = d->kernel_w * v,
      .taps = (int32_t)d->kernel_w,
      .pixels = (int32_t)problem->out_w,
      .v = (int32_t)v,
      .first = plan->first,
      .last = plan->last,
      .epilogue = &epilogue,
  };
  size_t begin = 0, end = 0;
  onefold_split((size_t)(d->batch * blocks * rows), (size_t)plan->tasks, index, &begin, &end);
  for (size_t unit = begin; unit < end; unit++) {
    const int64_t row = (int64_t)unit % rows, block = (int64_t)unit / rows % blocks;
    const int64_t image = (int64_t)unit / rows / blocks;
    int64_t first = 0;
    a.rows = onefold_conv_rows_inside(d, row, &first);
    const int64_t y = row * d->stride_h - d->pad_top + first * d->dilation_h;
    const ptrdiff_t dst = (ptrdiff_t)unit * problem->out_w * v;
    a.weight = run->packed->weight + (block * d->kernel_h + first) * a.weight_row;
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
