// SPDX-License-Identifier: BSD-3-Clause
// 1x1 convolution of any stride or crop ("subsample"): the pixels that are read are gathered, a
// piece of them at a time, and multiplied by pointwise kernels while they are in cache. Direct
// kernels would fetch lines at a stride from the whole image again for each strip.
#include "ops/conv2d.h"

#include <string.h>

static const char *refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  const onefold_conv2d_desc *d = &problem->desc;
  if (!onefold_conv_kernel_is(problem, 1, reason, size)) return reason;
  const int crops = d->pad_top || d->pad_bottom || d->pad_left || d->pad_right;
  if (d->stride_h == 1 && d->stride_w == 1 && !crops) return "every pixel is read";
  return NULL;
}

/// Like direct, but each line is fetched once.
static double estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                       int32_t tasks, const onefold_tiling *tiling) {
  return 0.9 * onefold_conv_pieces_estimate(dispatch, problem, tasks, tiling);
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  onefold_conv_blocked_source(plan);
  const onefold_status status = onefold_conv_pieces_plan(plan, tiling);
  plan->scratch = (size_t)(plan->problem.in_blocks * plan->piece * plan->problem.v);
  plan->scratch = (plan->scratch + 15) / 16 * 16;
  return status;
}

/// Pixels [begin, begin + count) of an image's output, [source block][pixel][v].
static void gather(const onefold_conv_run *run, size_t index, int64_t image, int64_t begin,
                   int64_t count, onefold_conv_area *area) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const size_t bytes = (size_t)problem->v * sizeof(float);
  float *gathered = run->scratch + index * plan->scratch, *to = gathered;
  for (int64_t block = 0; block < problem->in_blocks; block++) {
    const float *src = run->src + (image * plan->src_image + block * plan->src_block);
    for (int64_t i = 0; i < count; i++, to += problem->v) {
      const int64_t y = (begin + i) / problem->out_w * d->stride_h - d->pad_top;
      const int64_t x = (begin + i) % problem->out_w * d->stride_w - d->pad_left;
      memcpy(to, src + (y * plan->src_row + x * plan->src_pixel), bytes);
    }
  }
  area->src = gathered;
  area->src_offset = -begin * problem->v;
  area->src_block = count * problem->v;
}

static void task(const onefold_conv_run *run, size_t index) {
  onefold_conv_each_piece(run, index, gather);
}

const onefold_conv_algorithm onefold_conv_subsample = {"subsample",
                                                       ONEFOLD_PACK_BLOCKED,
                                                       refuse,
                                                       estimate,
                                                       plan_it,
                                                       task,
                                                       onefold_conv_pieces_tiles,
                                                       onefold_conv_pieces_knobs};
