// SPDX-License-Identifier: BSD-3-Clause
// Direct convolution, for any problem: over a blocked source ("direct"), or
// over a plain one with few channels, whose reorder would cost more ("plain").
// Rows above and below the image are left out of a call; pixels to its left
// and right are masked in the border tiles of a row.
#include "ops/conv_estimate.h"
#include "ops/conv_space.h"
#include "ops/conv_tasks.h"

#include <stdio.h>

/// The source column that a tap reads for an output.
static int64_t column_read(const onefold_conv2d_desc *d, size_t output, int64_t tap) {
  return (int64_t)output * d->stride_w - d->pad_left + tap * d->dilation_w;
}

/// The mask of tile `index`: for each tap, the outputs whose source pixel is inside the image.
static void make_mask(const onefold_conv_problem *problem, int32_t count, int32_t index,
                      uint32_t *mask) {
  const onefold_conv2d_desc *d = &problem->desc;
  size_t begin = 0, end = 0;
  onefold_split((size_t)problem->out_w, (size_t)count, (size_t)index, &begin, &end);
  for (int64_t t = 0; t < d->kernel_w; t++) {
    mask[t] = 0;
    for (size_t p = begin; p < end; p++) {
      const int64_t x = column_read(d, p, t);
      if (x >= 0 && x < d->in_w) mask[t] |= 1u << (p - begin);
    }
  }
}

/// The tiles of a row for kernels of up to P pixels.
static onefold_status cut_row(const onefold_conv2d_plan *plan, int32_t P,
                              onefold_conv_columns *columns) {
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const int32_t count = (int32_t)((problem->out_w + P - 1) / P);
  *columns = (onefold_conv_columns){.count = count};
  for (; columns->left < count; columns->left++) {
    size_t begin = 0, end = 0;
    onefold_split((size_t)problem->out_w, (size_t)count, (size_t)columns->left, &begin, &end);
    if (column_read(d, begin, 0) >= 0) break;
  }
  for (; columns->left + columns->right < count; columns->right++) {
    size_t begin = 0, end = 0;
    onefold_split((size_t)problem->out_w, (size_t)count, (size_t)(count - 1 - columns->right),
                  &begin, &end);
    if (column_read(d, end - 1, d->kernel_w - 1) < d->in_w) break;
  }
  const int32_t masks = columns->left + columns->right;
  if (masks == 0) return ONEFOLD_OK;
  size_t bytes = 0;
  if (!onefold_mul((size_t)masks, (size_t)d->kernel_w, &bytes) ||
      !onefold_mul(bytes, sizeof(uint32_t), &bytes)) {
    return ONEFOLD_OUT_OF_MEMORY;
  }
  columns->mask = onefold_allocate(plan->context, bytes);
  if (!columns->mask) return ONEFOLD_OUT_OF_MEMORY;
  for (int32_t i = 0; i < masks; i++) {
    make_mask(problem, count, i < columns->left ? i : count - masks + i,
              columns->mask + i * d->kernel_w);
  }
  return ONEFOLD_OK;
}

static onefold_status cut_rows(onefold_conv2d_plan *plan) {
  onefold_status status = ONEFOLD_OK;
  for (int32_t i = 0; i < plan->strips.count && status == ONEFOLD_OK; i++) {
    const int32_t P = plan->strips.strip[i].kernel->pixels;
    if (plan->columns[P].count == 0) status = cut_row(plan, P, &plan->columns[P]);
  }
  return status;
}

/// Are the next strip's weights asked for meanwhile, 1 no, 2 yes: as the tiling says, or else where
/// the widest strip has few tiles.
static int32_t ahead_of(const onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  enum { FEW = 16 };
  if (tiling->ahead) return tiling->ahead;
  const onefold_conv_strip *widest = plan->strips.strip;
  for (int32_t i = 1; i < plan->strips.count; i++) {
    const onefold_conv_strip *s = &plan->strips.strip[i];
    if (s->blocks > widest->blocks) widest = s;
  }
  return plan->problem.out_h * plan->columns[widest->kernel->pixels].count <= FEW ? 2 : 1;
}

static onefold_status finish(onefold_conv2d_plan *plan, onefold_op op,
                             const onefold_tiling *tiling) {
  onefold_status status = onefold_conv_strips_make(plan, op, plan->problem.out_w, 1, tiling);
  if (status == ONEFOLD_OK) status = cut_rows(plan);
  if (status != ONEFOLD_OK) return status;
  plan->block_in = onefold_conv_block_in(plan, tiling);
  plan->ahead = ahead_of(plan, tiling);
  plan->by_rows = onefold_conv_by_rows(plan, tiling);
  return ONEFOLD_OK;
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
  const onefold_conv_columns *columns = &plan->columns[strip->kernel->pixels];
  const int32_t count = columns->count, right = count - columns->right;
  const int64_t width = problem->out_w / count, wider = problem->out_w % count;
  const float *residual = onefold_conv_residual(run, image);

  onefold_epilogue epilogue = onefold_conv_epilogue(run, image, strip->block);
  onefold_conv_args a = {
      .src = run->src,
      .src_block = plan->src_block,
      .src_row = plan->src_row * d->dilation_h,
      .src_tap = plan->src_pixel * d->dilation_w,
      .src_pixel = plan->src_pixel * d->stride_w,
      .weight_row = d->kernel_w * cb * v,
      .dst_q = problem->out_h * problem->out_w * v,
      .taps = (int32_t)d->kernel_w,
      .v = (int32_t)v,
      .q = strip->blocks,
      .epilogue = &epilogue,
  };
  a.weight_block = a.weight_row * d->kernel_h;
  a.weight_q = a.weight_block * strip->band.count;
  // The next strip's weights are fetched by one row alone: what is on its way keeps those waiting
  // that the strip reads from L2.
  const int64_t asking = plan->ahead == 2 ? (row_begin + row_end) / 2 : -1;

  for (int32_t block = 0; block < strip->band.count;) {
    block = onefold_conv_pass(run, strip, image, block, &a);
    const float *weight = a.weight;
    const ptrdiff_t src = a.src_offset;
    for (int64_t row = row_begin; row < row_end; row++) {
      int64_t first = 0;
      a.rows = onefold_conv_rows_inside(d, row, &first);
      a.weight_ahead = row == asking ? a.weight_q * strip->blocks : 0;
      a.weight = weight + first * a.weight_row;
      const int64_t y = row * d->stride_h - d->pad_top + first * d->dilation_h;
      const ptrdiff_t dst_row =
          image * run->images.dst + (strip->block * problem->out_h + row) * problem->out_w * v;
      int64_t pixel = 0;
      // Tiles at the ends one by one, those between in one call.
      for (int32_t i = 0, tiles; i < count; i += tiles, pixel += a.pixels) {
        tiles = i < columns->left || i >= right ? 1 : right - i;
        const int64_t x = pixel * d->stride_w - d->pad_left;
        const ptrdiff_t dst = dst_row + pixel * v;
        const int64_t most = wider - i;
        a.pixels = (int32_t)(width * tiles + (most < 0 ? 0 : most < tiles ? most : tiles));
        a.mask = NULL;
        if (i < columns->left) {
          a.mask = columns->mask + i * d->kernel_w;
        } else if (i >= right) {
          a.mask = columns->mask + (columns->left + i - right) * d->kernel_w;
        }
        a.src_offset = src + y * plan->src_row + x * plan->src_pixel;
        a.dst = run->dst + dst;
        epilogue.residual = residual ? residual + dst : NULL;
        kernel(&a);
      }
    }
  }
}

static void all_strips(const onefold_conv_run *run, int64_t image, int64_t begin, int64_t end) {
  const onefold_conv_strips *strips = &run->plan->strips;
  for (int32_t i = 0; i < strips->count; i++) {
    strip_rows(run, &strips->strip[i], image, begin, end);
  }
}

static void task(const onefold_conv_run *run, size_t index) {
  if (run->plan->by_rows) {
    onefold_conv_own_rows(run, run->plan->problem.desc.batch, index, all_strips);
  } else {
    onefold_conv_each_rows(run, run->plan->problem.out_h, index, strip_rows);
  }
}

// ------------------------------------------------------------------ direct

static const char *direct_refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  (void)problem, (void)reason, (void)size;
  return NULL;
}

static onefold_op direct_tiles(const onefold_conv_problem *problem) {
  return onefold_conv_for_stride(ONEFOLD_OP_CONV_S1, problem->desc.stride_w);
}

/// The part of the kernel's rows that lie inside the image, over all output rows.
static double rows_inside(const onefold_conv_problem *problem) {
  const onefold_conv2d_desc *d = &problem->desc;
  int64_t inside = 0, first = 0, end = 0;
  for (int64_t tap = 0; tap < d->kernel_h; tap++) {
    const int64_t y = tap * d->dilation_h - d->pad_top;
    onefold_conv_outputs_inside(y, d->in_h, d->stride_h, problem->out_h, &first, &end);
    inside += end - first;
  }
  return (double)inside / (double)(problem->out_h * d->kernel_h);
}

/// Rows outside are left out, which pays where a row is one tile: the ends of several cost as much.
/// Images that are small enough at stride 1 wait for weights.
static double direct_estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                              int32_t tasks, const onefold_tiling *tiling) {
  const onefold_op op = direct_tiles(problem);
  const int one = problem->out_w <= onefold_conv_widest_tile(dispatch, op);
  return (one && problem->desc.stride_h > 1 ? rows_inside(problem) : 1) *
         onefold_conv_direct_estimate(dispatch, problem, op, problem->out_w, problem->out_h, tasks,
                                      tiling);
}

static onefold_status direct_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  onefold_conv_blocked_source(plan);
  return finish(plan, direct_tiles(&plan->problem), tiling);
}

static const onefold_conv_knob *const direct_knobs[] = {
    &onefold_conv_knob_block_in, &onefold_conv_knob_ahead, &onefold_conv_knob_order, NULL};

const onefold_conv_algorithm onefold_conv_direct = {
    .name = "direct",
    .format = ONEFOLD_PACK_BLOCKED,
    .refuse = direct_refuse,
    .estimate = direct_estimate,
    .plan = direct_plan,
    .task = task,
    .tiles = direct_tiles,
    .knobs = direct_knobs,
};

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

static onefold_op plain_tiles(const onefold_conv_problem *problem) {
  const onefold_conv2d_desc *d = &problem->desc;
  const int64_t pixel = d->in_layout == ONEFOLD_NHWC ? d->in_channels : 1;
  return onefold_conv_for_stride(ONEFOLD_OP_PLAIN_S1, pixel * d->stride_w);
}

/// Like direct, without its reorder.
static double plain_estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                             int32_t tasks, const onefold_tiling *tiling) {
  const onefold_op op = tiling && *tiling->kernel ? plain_tiles(problem) : direct_tiles(problem);
  return 0.9 * onefold_conv_direct_estimate(dispatch, problem, op, problem->out_w, problem->out_h,
                                            tasks, tiling);
}

static onefold_status plain_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const int nhwc = d->in_layout == ONEFOLD_NHWC;
  plan->core_in = d->in_layout;
  plan->src_pixel = nhwc ? d->in_channels : 1;
  plan->src_row = d->in_w * plan->src_pixel;
  plan->src_block = nhwc ? 1 : d->in_h * d->in_w;
  plan->src_image = d->in_channels * d->in_h * d->in_w;
  return finish(plan, plain_tiles(&plan->problem), tiling);
}

// All its channels are fewer than a block.
static const onefold_conv_knob *const plain_knobs[] = {&onefold_conv_knob_ahead,
                                                       &onefold_conv_knob_order, NULL};

const onefold_conv_algorithm onefold_conv_plain = {
    .name = "plain",
    .format = ONEFOLD_PACK_PLAIN,
    .refuse = plain_refuse,
    .estimate = plain_estimate,
    .plan = plain_plan,
    .task = task,
    .tiles = plain_tiles,
    .knobs = plain_knobs,
};
