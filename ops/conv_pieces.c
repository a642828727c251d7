// SPDX-License-Identifier: BSD-3-Clause
// 1x1 convolutions a piece of the pixels at a time: all strips multiply a piece while it is in L2.
#include "ops/conv2d.h"

/// Tasks that share the output blocks of a piece: as many as leave each some tiles of pixels.
static int32_t strip_parts(const onefold_conv_problem *problem, int32_t tasks) {
  const int64_t pixels = problem->desc.batch * problem->out_h * problem->out_w;
  int32_t parts = 1;
  while (parts < tasks && (tasks % parts || pixels * parts < 28 * (int64_t)tasks)) parts++;
  return parts <= problem->out_blocks ? parts : 1;
}

onefold_status onefold_conv_pieces_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  // A quarter of L2 for the pixels of a piece, half where weights do not fit beside them; no less
  // than two tiles.
  const int64_t pixels = problem->desc.batch * problem->out_h * problem->out_w;
  const int64_t l2 = (int64_t)(onefold_context_dispatch(plan->context)->l2_bytes / sizeof(float));
  const int64_t depth = problem->in_blocks * problem->v;
  const int64_t fit = l2 / (depth * problem->out_blocks * problem->v > l2 / 2 ? 2 : 4) / depth;
  plan->piece = fit < 28 ? 28 : fit;
  if (tiling->piece > 0) plan->piece = tiling->piece;
  if (plan->piece > pixels) plan->piece = pixels;
  plan->strip_parts = tiling->parts > 0 ? tiling->parts : strip_parts(problem, plan->tasks);
  const onefold_status status =
      onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, plan->piece, plan->strip_parts, tiling);
  if (status == ONEFOLD_OK) plan->block_in = onefold_conv_block_in(plan, tiling);
  return status;
}

onefold_op onefold_conv_pieces_tiles(const onefold_conv_problem *problem) {
  (void)problem;
  return ONEFOLD_OP_POINTWISE;
}

/// Never more than by direct kernels, whose tiles are the same over shorter rows; of a tiling whose
/// pieces or kernel are given, by the tiles of these, with the weights fetched for each piece.
double onefold_conv_pieces_estimate(const onefold_dispatch *dispatch,
                                    const onefold_conv_problem *problem, int32_t tasks,
                                    const onefold_tiling *tiling) {
  if (!tiling || (!tiling->piece && !tiling->kernel[0])) {
    return onefold_conv_direct_estimate(dispatch, problem, ONEFOLD_OP_CONV_S1, problem->out_w,
                                        problem->out_h, tasks, tiling);
  }
  const int64_t pixels = problem->out_h * problem->out_w;
  const int64_t piece = tiling->piece > 0 && tiling->piece < pixels ? tiling->piece : pixels;
  const double pieces = (double)pixels / (double)piece;
  const double weights = (double)(problem->in_blocks * problem->out_blocks) *
                         (double)(problem->v * problem->v) * sizeof(float);
  const double set = weights + (double)(problem->in_blocks * problem->v * piece) * sizeof(float);
  const double fetch = pieces * onefold_conv_fetch_estimate(dispatch, weights, set);
  const double work = pieces * onefold_conv_direct_estimate(dispatch, problem, ONEFOLD_OP_POINTWISE,
                                                            piece, 1, 1, tiling);
  return (work > fetch ? work : fetch) / tasks;
}

void onefold_conv_each_piece(const onefold_conv_run *run, size_t index,
                             onefold_conv_piece_fn *gather) {
  const onefold_conv2d_plan *plan = run->plan;
  const int64_t pixels = plan->problem.out_h * plan->problem.out_w;
  const size_t parts = (size_t)plan->strip_parts, sharing = (size_t)plan->tasks / parts;
  size_t begin = 0, end = 0;
  int32_t first = 0, last = 0;
  onefold_split((size_t)(plan->problem.desc.batch * pixels), sharing, index / parts, &begin, &end);
  onefold_conv_strips_part(plan, (int32_t)parts, (int32_t)(index % parts), &first, &last);
  for (int64_t at = (int64_t)begin; at < (int64_t)end;) {
    const int64_t image = at / pixels, pixel = at % pixels;
    int64_t count = plan->piece;
    if (count > (int64_t)end - at) count = (int64_t)end - at;
    if (count > pixels - pixel) count = pixels - pixel;
    onefold_conv_area area = onefold_conv_whole(run, image);
    if (gather) gather(run, index, image, pixel, count, &area);
    for (int32_t s = first; s < last; s++) {
      area.fetch = plan->fetch && s == first;
      onefold_conv_pointwise_pixels(run, &plan->strips.strip[s], image, &area, pixel,
                                    pixel + count);
    }
    at += count;
  }
}
