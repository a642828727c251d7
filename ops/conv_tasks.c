// SPDX-License-Identifier: BSD-3-Clause
// Shares the rows of all strips out among tasks, and fills the arguments of kernels.
#include "ops/conv_tasks.h"

#include "ops/conv_algorithm.h"

void onefold_conv_each_rows(const onefold_conv_run *run, int64_t rows, size_t index,
                            onefold_conv_rows_fn *body) {
  const onefold_conv2d_plan *plan = run->plan;
  const int64_t per_image = plan->problem.out_blocks * rows;
  size_t begin = 0, end = 0;
  onefold_split((size_t)(plan->problem.desc.batch * per_image), (size_t)plan->tasks, index, &begin,
                &end);
  // Work is counted in rows of one block; a strip of n blocks owns n*rows of
  // them, and a cut inside it falls on the same row for the tasks on both sides.
  const int64_t first = begin > 0 ? (int64_t)begin / per_image : 0;
  for (int64_t image = first; image * per_image < (int64_t)end; image++) {
    for (int32_t i = 0; i < plan->strips.count; i++) {
      const onefold_conv_strip *s = &plan->strips.strip[i];
      const int64_t start = image * per_image + s->block * rows, size = s->blocks * rows;
      const int64_t from = (int64_t)begin - start, to = (int64_t)end - start;
      if (to <= 0) break;
      if (from >= size) continue;
      const int64_t row_begin = from <= 0 ? 0 : from / s->blocks;
      const int64_t row_end = to >= size ? rows : to / s->blocks;
      if (row_begin < row_end) body(run, s, image, row_begin, row_end);
    }
  }
}

int onefold_conv_by_pixels(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                           int32_t tasks, size_t weights) {
  const int64_t pixels = problem->desc.batch * problem->out_h * problem->out_w;
  return tasks > 1 && pixels >= 28 * (int64_t)tasks &&
         weights * sizeof(float) <= dispatch->l2_bytes / 2;
}

int onefold_conv_by_rows(const onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  if (tiling->order) return tiling->order == ONEFOLD_BY_ROWS;
  const int64_t rows = plan->problem.desc.batch * plan->problem.out_h, tasks = plan->tasks;
  const int64_t most = (rows + tasks - 1) / tasks;
  return 8 * most * tasks <= 9 * rows && rows * plan->problem.out_w >= 196 * tasks &&
         onefold_conv_by_pixels(onefold_context_dispatch(plan->context), &plan->problem,
                                plan->tasks, plan->packed_floats);
}

void onefold_conv_own_rows(const onefold_conv_run *run, int64_t planes, size_t index,
                           onefold_conv_plane_rows_fn *body) {
  const int64_t rows = run->plan->problem.out_h;
  size_t begin = 0, end = 0;
  onefold_split((size_t)(planes * rows), (size_t)run->plan->tasks, index, &begin, &end);
  if (begin == end) return;
  const int64_t first = (int64_t)begin / rows, last = ((int64_t)end - 1) / rows;
  const int back = run->plan->tasks > 1 && index % 2 == 0;
  for (int64_t i = first; i <= last; i++) {
    const int64_t plane = back ? first + last - i : i, row = plane * rows;
    const int64_t from = (int64_t)begin > row ? (int64_t)begin - row : 0;
    const int64_t to = (int64_t)end < row + rows ? (int64_t)end - row : rows;
    body(run, plane, from, to);
  }
}

onefold_epilogue onefold_conv_epilogue(const onefold_conv_run *run, int64_t image, int32_t block) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv2d_packed *packed = run->packed;
  const int64_t v = plan->problem.v;
  onefold_epilogue e = plan->epilogue;
  if (packed->bias) e.bias = packed->bias + block * v;
  if (packed->residual_scale) e.residual_scale = packed->residual_scale + block * v;
  if (run->scale) e.scale = run->scale + (image * plan->problem.out_blocks + block) * v;
  return e;
}

int32_t onefold_conv_pass(const onefold_conv_run *run, const onefold_conv_strip *strip,
                          int64_t image, int32_t block, onefold_conv_args *args) {
  const onefold_conv2d_plan *plan = run->plan;
  const int32_t cb = plan->algorithm->format == ONEFOLD_PACK_PLAIN ? 1 : plan->problem.v;
  const int32_t left = strip->band.count - block;
  // Partial sums in dst would overwrite a residual that lies there.
  const int32_t most = run->residual == run->dst ? left : plan->block_in;
  args->final = left <= most;
  args->blocks = args->final ? left : most;
  args->last_channels = args->final ? strip->band.last : cb;
  args->accumulate = block > 0;
  args->weight = run->packed->weight + strip->weight + block * args->weight_block;
  args->src_offset =
      image * run->images.src + (strip->band.block + block) * plan->src_block + strip->band.skip;
  return block + args->blocks;
}

onefold_conv_area onefold_conv_whole(const onefold_conv_run *run, int64_t image) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const ptrdiff_t block = problem->out_h * problem->out_w * problem->v;
  return (onefold_conv_area){.src = run->src,
                             .src_offset = image * run->images.src,
                             .src_block = plan->src_block,
                             .taps = 1,
                             .last = (int32_t)problem->in_blocks,
                             .dst = run->dst,
                             .residual = onefold_conv_residual(run, image),
                             .dst_offset = image * run->images.dst,
                             .dst_block = block};
}
