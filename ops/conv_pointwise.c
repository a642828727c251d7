// SPDX-License-Identifier: BSD-3-Clause
// Pointwise convolution: 1x1, stride 1, no padding. The image is one row of
// H*W pixels, cut into tiles that are shared out among tasks.
#include "ops/conv_pieces.h"
#include "ops/conv_space.h"
#include "ops/conv_vectors.h"

#include <stdio.h>

static const char *refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  const onefold_conv2d_desc *d = &problem->desc;
  if (!onefold_conv_kernel_is(problem, 1, reason, size)) return reason;
  if (d->stride_h != 1 || d->stride_w != 1) {
    snprintf(reason, size, "the stride is %lldx%lld, not 1", (long long)d->stride_h,
             (long long)d->stride_w);
    return reason;
  }
  if (d->pad_top || d->pad_bottom || d->pad_left || d->pad_right) return "the image is cropped";
  return NULL;
}

static double estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                       int32_t tasks, const onefold_tiling *tiling) {
  return onefold_conv_pieces_estimate(dispatch, problem, tasks, tiling);
}

/// Bytes of an image.
static double image_bytes(const onefold_conv_problem *problem) {
  return (double)(problem->in_blocks * problem->v * problem->out_h * problem->out_w) *
         sizeof(float);
}

/// Does an image leave L2 before it is read again?
static int is_large(const onefold_dispatch *dispatch, const onefold_conv_problem *problem) {
  return image_bytes(problem) > (double)dispatch->l2_bytes;
}

/// In every mode but VECTORS, the sums of an output are in one order.
static onefold_conv_mode mode_of(const onefold_dispatch *dispatch,
                                 const onefold_conv_problem *problem, int32_t tasks,
                                 const onefold_tiling *tiling) {
  const int64_t weights = problem->in_blocks * problem->out_blocks * problem->v * problem->v;
  if (onefold_conv_are_vectors(problem, tasks, tiling)) return ONEFOLD_CONV_VECTORS;
  if (tiling->piece > 0) return ONEFOLD_CONV_PIECES;
  if (is_large(dispatch, problem) && problem->out_blocks > 2) return ONEFOLD_CONV_PIECES;
  if (onefold_conv_by_pixels(dispatch, problem, tasks, (size_t)weights)) return ONEFOLD_CONV_PIECES;
  return ONEFOLD_CONV_ROWS;
}

/// Are pixels asked for ahead, 1 no, 2 yes: as the tiling says, or else those of large images. The
/// hardware fetches by itself from a few planes at a time, where no pieces cut them short, but not
/// as fast as memory could.
static int32_t ahead_of(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                        onefold_conv_mode mode, const onefold_tiling *tiling) {
  if (tiling->ahead) return tiling->ahead;
  const int far = problem->in_blocks > 12 || image_bytes(problem) > (double)dispatch->l3_bytes / 4;
  const int asks =
      is_large(dispatch, problem) && problem->in_blocks > 3 && (mode == ONEFOLD_CONV_PIECES || far);
  return asks ? 2 : 1;
}

static onefold_status rows_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const int64_t pixels = plan->problem.out_h * plan->problem.out_w;
  const onefold_status status =
      onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, pixels, 1, tiling);
  if (status == ONEFOLD_OK) plan->block_in = onefold_conv_block_in(plan, tiling);
  return status;
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_dispatch *dispatch = onefold_context_dispatch(plan->context);
  onefold_conv_blocked_source(plan);
  plan->mode = mode_of(dispatch, &plan->problem, plan->tasks, tiling);
  plan->ahead = ahead_of(dispatch, &plan->problem, plan->mode, tiling);
  switch (plan->mode) {
  case ONEFOLD_CONV_VECTORS:
    return onefold_conv_vectors_plan(plan, tiling);
  case ONEFOLD_CONV_PIECES:
    return onefold_conv_pieces_plan(plan, tiling);
  default:
    return rows_plan(plan, tiling);
  }
}

/// A row here is one pixel; tasks cut the pixels.
static void strip_pixels(const onefold_conv_run *run, const onefold_conv_strip *strip,
                         int64_t image, int64_t begin, int64_t end) {
  enum { MOST = 1 << 24 }; // kernels count pixels in 32 bits
  onefold_conv_area whole = onefold_conv_whole(run, image);
  whole.fetch = run->plan->ahead == 2;
  for (; begin < end; begin += MOST) {
    const int64_t last = end - begin < MOST ? end : begin + MOST;
    onefold_conv_pointwise_pixels(run, strip, image, &whole, begin, last);
  }
}

static void task(const onefold_conv_run *run, size_t index) {
  const onefold_conv_problem *problem = &run->plan->problem;
  switch (run->plan->mode) {
  case ONEFOLD_CONV_VECTORS:
    onefold_conv_vectors(run, index);
    break;
  case ONEFOLD_CONV_PIECES:
    onefold_conv_each_piece(run, index, NULL);
    break;
  default:
    onefold_conv_each_rows(run, problem->out_h * problem->out_w, index, strip_pixels);
  }
}

static const onefold_conv_knob *const knobs[] = {
    &onefold_conv_knob_piece, &onefold_conv_knob_block_in, &onefold_conv_knob_parts,
    &onefold_conv_knob_ahead, &onefold_conv_knob_pair,     NULL};

const onefold_conv_algorithm onefold_conv_pointwise = {
    .name = "pointwise",
    .format = ONEFOLD_PACK_BLOCKED,
    .refuse = refuse,
    .estimate = estimate,
    .plan = plan_it,
    .task = task,
    .tiles = onefold_conv_pieces_tiles,
    .knobs = knobs,
};
