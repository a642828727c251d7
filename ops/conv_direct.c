// SPDX-License-Identifier: BSD-3-Clause
// Direct convolution, for any problem: over a blocked source ("direct"), or
// over a plain one with few channels, whose reorder would cost more ("plain").
// Rows above and below the image are left out of a call; pixels to its left
// and right are masked in the border tiles of a row.
#include "ops/conv2d.h"

#include <stdio.h>

/// Tiles of one output row for kernels of up to P pixels, of nearly equal width.
static void cut_row(onefold_conv2d_plan *plan, int32_t P, uint32_t **mask) {
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const int32_t count = plan->column_count[P];
  for (int32_t i = 0; i < count; i++) {
    size_t begin = 0, end = 0;
    onefold_split((size_t)problem->out_w, (size_t)count, (size_t)i, &begin, &end);
    onefold_conv_columns *column = &plan->columns[P][i];
    *column = (onefold_conv_columns){(int32_t)begin, (int32_t)(end - begin), NULL};
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): pixels is 1 .. P
    const uint32_t full = (1u << column->pixels) - 1u;
    for (int64_t t = 0; t < d->kernel_w; t++) {
      uint32_t inside = 0;
      for (int32_t p = 0; p < column->pixels; p++) {
        const int64_t x = (column->first + p) * d->stride_w - d->pad_left + t * d->dilation_w;
        if (x >= 0 && x < d->in_w) inside |= 1u << p;
      }
      (*mask)[t] = inside;
      if (inside != full) column->mask = *mask;
    }
    if (column->mask) *mask += d->kernel_w;
  }
}

static onefold_status cut_rows(onefold_conv2d_plan *plan) {
  const onefold_conv_problem *problem = &plan->problem;
  size_t columns = 0;
  for (int32_t i = 0; i < plan->strips.count; i++) {
    const int32_t P = plan->strips.strip[i].kernel->pixels;
    if (plan->column_count[P]) continue;
    plan->column_count[P] = (int32_t)((problem->out_w + P - 1) / P);
    columns += (size_t)plan->column_count[P];
  }
  // One more row of masks than can be kept, to write the last one into.
  size_t masks = 0;
  if (!onefold_mul(columns + 1, (size_t)problem->desc.kernel_w, &masks) ||
      !onefold_mul(masks, sizeof(uint32_t), &masks)) {
    return ONEFOLD_OUT_OF_MEMORY;
  }
  plan->masks = onefold_allocate(plan->context, masks);
  if (!plan->masks) return ONEFOLD_OUT_OF_MEMORY;
  uint32_t *mask = plan->masks;
  for (int32_t P = 1; P <= ONEFOLD_MAX_TILE_PIXELS; P++) {
    if (!plan->column_count[P]) continue;
    plan->columns[P] = onefold_allocate(plan->context, (size_t)plan->column_count[P] *
                                                           sizeof(onefold_conv_columns));
    if (!plan->columns[P]) return ONEFOLD_OUT_OF_MEMORY;
    cut_row(plan, P, &mask);
  }
  return ONEFOLD_OK;
}

/// The kernels of `base` for the pixel distance `stride`: base, base+1 (2) or base+2 (any).
static onefold_op for_stride(onefold_op base, int64_t stride) {
  return (onefold_op)(base + (stride == 1 ? 0 : stride == 2 ? 1 : 2));
}

static onefold_status finish(onefold_conv2d_plan *plan, onefold_op op,
                             const onefold_tiling *tiling) {
  onefold_status status = onefold_conv_strips_make(plan, op, plan->problem.out_w, 1, tiling);
  if (status == ONEFOLD_OK) status = cut_rows(plan);
  if (status == ONEFOLD_OK) plan->block_in = onefold_conv_block_in(plan, tiling);
  return status;
}

/// Output rows [row_begin, row_end) of one strip of one image. Source blocks
/// go in passes whose weights stay in cache; partial sums wait in dst.
static void strip_rows(const onefold_conv_run *run, const onefold_conv_strip *strip, int64_t image,
                       int64_t row_begin, int64_t row_end) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const int64_t v = problem->v, cb = plan->algorithm->format == ONEFOLD_PACK_PLAIN ? 1 : v;
  onefold_conv_fn *const kernel = (onefold_conv_fn *)strip->kernel->fn;
  const onefold_conv_columns *column = plan->columns[strip->kernel->pixels];
  const int32_t columns = plan->column_count[strip->kernel->pixels];

  onefold_epilogue epilogue = onefold_conv_epilogue(run, image, strip->block);
  onefold_conv_args a = {
      .src = run->src,
      .src_block = plan->src_block,
      .src_row = plan->src_row * d->dilation_h,
      .src_tap = plan->src_pixel * d->dilation_w,
      .src_pixel = plan->src_pixel * d->stride_w,
      .weight_row = d->kernel_w * cb * v,
      .dst_q = problem->out_h * problem->out_w * v,
      .dst_pixel = v,
      .taps = (int32_t)d->kernel_w,
      .v = (int32_t)v,
      .q = strip->blocks,
      .epilogue = &epilogue,
  };
  a.weight_block = a.weight_row * d->kernel_h;
  a.weight_q = a.weight_block * strip->band.count;
  // Few tiles to a strip: the next strip's weights are fetched meanwhile.
  if (problem->out_h * columns <= 16) a.weight_ahead = a.weight_q * strip->blocks;

  for (int32_t block = 0; block < strip->band.count;) {
    block = onefold_conv_pass(run, strip, image, block, &a);
    const float *weight = a.weight;
    const ptrdiff_t src = a.src_offset;
    for (int64_t row = row_begin; row < row_end; row++) {
      int64_t first = 0;
      a.rows = onefold_conv_rows_inside(d, row, &first);
      a.weight = weight + first * a.weight_row;
      const int64_t y = row * d->stride_h - d->pad_top + first * d->dilation_h;
      const ptrdiff_t dst_row =
          ((image * problem->out_blocks + strip->block) * problem->out_h + row) * problem->out_w;
      for (int32_t i = 0; i < columns; i++) {
        const int64_t x = column[i].first * d->stride_w - d->pad_left;
        const ptrdiff_t dst = (dst_row + column[i].first) * v;
        a.pixels = column[i].pixels;
        a.mask = column[i].mask;
        a.src_offset = src + y * plan->src_row + x * plan->src_pixel;
        a.dst = run->dst + dst;
        epilogue.residual = run->residual ? run->residual + dst : NULL;
        kernel(&a);
      }
    }
  }
}

static void task(const onefold_conv_run *run, size_t index) {
  onefold_conv_each_rows(run, run->plan->problem.out_h, index, strip_rows);
}

// ------------------------------------------------------------------ direct

static const char *direct_refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  (void)problem, (void)reason, (void)size;
  return NULL;
}

static double direct_estimate(const onefold_dispatch *dispatch,
                              const onefold_conv_problem *problem) {
  return onefold_conv_direct_estimate(dispatch, problem,
                                      for_stride(ONEFOLD_OP_CONV_S1, problem->desc.stride_w),
                                      problem->out_w, problem->out_h);
}

static onefold_status direct_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv2d_desc *d = &plan->problem.desc;
  onefold_conv_blocked_source(plan);
  return finish(plan, for_stride(ONEFOLD_OP_CONV_S1, d->stride_w), tiling);
}

const onefold_conv_algorithm onefold_conv_direct = {
    "direct", ONEFOLD_PACK_BLOCKED, direct_refuse, direct_estimate, direct_plan, task};

// ------------------------------------------------------------------- plain

static const char *plain_refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  if (problem->desc.in_layout == ONEFOLD_BLOCKED) return "the source is blocked";
  if (problem->desc.in_channels >= problem->v) {
    snprintf(reason, size, "%lld channels fill a block of %d; reordering them pays",
             (long long)problem->desc.in_channels, problem->v);
    return reason;
  }
  return NULL;
}

/// Like direct, without its reorder.
static double plain_estimate(const onefold_dispatch *dispatch,
                             const onefold_conv_problem *problem) {
  return 0.9 * direct_estimate(dispatch, problem);
}

static onefold_status plain_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const int nhwc = d->in_layout == ONEFOLD_NHWC;
  plan->core_in = d->in_layout;
  plan->src_pixel = nhwc ? d->in_channels : 1;
  plan->src_row = d->in_w * plan->src_pixel;
  plan->src_block = nhwc ? 1 : d->in_h * d->in_w;
  plan->src_image = d->in_channels * d->in_h * d->in_w;
  return finish(plan, for_stride(ONEFOLD_OP_PLAIN_S1, plan->src_pixel * d->stride_w), tiling);
}

const onefold_conv_algorithm onefold_conv_plain = {"plain",        ONEFOLD_PACK_PLAIN, plain_refuse,
                                                   plain_estimate, plain_plan,         task};
