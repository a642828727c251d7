// SPDX-License-Identifier: BSD-3-Clause
// Convolution as a matrix product over gathered pixels ("gather"): of each tap, a plane of the
// pixels that a piece of the output reads, with zeros outside the image, multiplied by pointwise
// kernels while the planes are in cache. For 1x1 with a stride, whose lines direct kernels would
// fetch from the whole image again for each strip; for small images, whose rows are shorter than a
// tile: a tile here goes over rows; and for strides and dilations that have no kernel of their own.
// The planes are im2col's: Chellapilla et al., "High Performance Convolutional Neural Networks for
// Document Processing", 2006; here of some source blocks at a time.
#include "ops/conv_pieces.h"
#include "ops/conv_space.h"

#include <stdio.h>
#include <string.h>

// Planes of a source block that a piece can have.
#define MOST_TAPS 1024

static const char *refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  const onefold_conv2d_desc *d = &problem->desc;
  const int64_t taps = onefold_conv_taps(problem);
  const int crops = d->pad_top || d->pad_bottom || d->pad_left || d->pad_right;
  if (taps == 1)
    return d->stride_h == 1 && d->stride_w == 1 && !crops ? "every pixel is read" : NULL;
  if (d->groups > 1) {
    snprintf(reason, size, "the kernel is %lldx%lld and there are %lld groups",
             (long long)d->kernel_h, (long long)d->kernel_w, (long long)d->groups);
    return reason;
  }
  if (d->kernel_h > MOST_TAPS || taps > MOST_TAPS) {
    snprintf(reason, size, "the kernel is %lldx%lld, of more than %d taps", (long long)d->kernel_h,
             (long long)d->kernel_w, MOST_TAPS);
    return reason;
  }
  return NULL;
}

/// With the copies. At 1x1 like direct, but each line is fetched once.
static double estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                       int32_t tasks, const onefold_tiling *tiling) {
  const int64_t taps = onefold_conv_taps(problem);
  const double product = onefold_conv_pieces_estimate(dispatch, problem, tasks, tiling);
  if (taps == 1) return 0.9 * product;
  const double vectors = (double)(problem->desc.batch * problem->out_h * problem->out_w) *
                         (double)(problem->in_blocks * taps);
  return product + 3 * vectors / tasks;
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  onefold_conv_blocked_source(plan);
  const onefold_status status = onefold_conv_pieces_plan(plan, tiling);
  const int64_t planes = onefold_conv_pieces_blocks(plan) * onefold_conv_taps(&plan->problem);
  plan->scratch =
      onefold_conv_scratch((size_t)(planes * plan->piece * plan->problem.v), plan->tasks);
  return status;
}

/// `count` vectors of V floats, `step` floats apart, next to each other, between `before` and
/// `after` vectors of zeros. Returns what follows.
static inline __attribute__((always_inline)) float *copy_vectors(float *to, const float *from,
                                                                 ptrdiff_t step, int64_t before,
                                                                 int64_t count, int64_t after,
                                                                 const int V) {
  const size_t bytes = (size_t)V * sizeof *to;
  for (int64_t i = 0; i < before; i++, to += V) memset(to, 0, bytes);
  for (int64_t i = 0; i < count; i++, to += V, from += step) memcpy(to, from, bytes);
  for (int64_t i = 0; i < after; i++, to += V) memset(to, 0, bytes);
  return to;
}

/// The same; the width as a constant makes moves of the copies.
static float *copy_pixels(float *to, const float *from, ptrdiff_t step, int64_t before,
                          int64_t count, int64_t after, int32_t v) {
  if (v == 16) return copy_vectors(to, from, step, before, count, after, 16);
  if (v == 8) return copy_vectors(to, from, step, before, count, after, 8);
  return copy_vectors(to, from, step, before, count, after, v);
}

static int64_t clamp(int64_t x, int64_t least, int64_t most) {
  return x < least ? least : x > most ? most : x;
}

/// One plane: the outputs [begin, begin + count) of an image, at a tap of a source block. Returns
/// what follows.
static float *gather_plane(const onefold_conv2d_plan *plan, const float *src, int64_t a, int64_t b,
                           int64_t begin, int64_t count, float *to) {
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const ptrdiff_t step = d->stride_w * plan->src_pixel;
  int64_t left = 0, right = 0, row = begin / problem->out_w, x = begin % problem->out_w;
  onefold_conv_outputs_inside(b * d->dilation_w - d->pad_left, d->in_w, d->stride_w, problem->out_w,
                              &left, &right);
  for (int64_t done = 0, n; done < count; done += n, row++, x = 0) {
    n = problem->out_w - x < count - done ? problem->out_w - x : count - done;
    const int64_t y = row * d->stride_h + a * d->dilation_h - d->pad_top;
    const int inside = y >= 0 && y < d->in_h;
    const int64_t first = inside ? clamp(left, x, x + n) : x;
    const int64_t end = inside ? clamp(right, first, x + n) : x;
    const int64_t column = first * d->stride_w + b * d->dilation_w - d->pad_left;
    const float *from = first < end ? src + (y * plan->src_row + column * plan->src_pixel) : src;
    to = copy_pixels(to, from, step, first - x, end - first, x + n - end, problem->v);
  }
  return to;
}

/// Lanes past the last channel may hold anything, and every plane's are multiplied, by zero.
static void clear_lanes(float *to, int64_t vectors, int64_t first, int64_t v) {
  for (int64_t i = 0; i < vectors; i++)
    memset(to + i * v + first, 0, (size_t)(v - first) * sizeof *to);
}

/// [source block][tap][pixel][v]
static void gather(const onefold_conv_run *run, size_t index, int64_t image, int64_t begin,
                   int64_t count, onefold_conv_area *area) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const int64_t v = problem->v, taps = onefold_conv_taps(problem);
  float *gathered = run->scratch + index * plan->scratch, *to = gathered;
  for (int64_t block = area->first; block < area->last; block++) {
    const float *src = run->src + (image * run->images.src + block * plan->src_block);
    float *const planes = to;
    for (int64_t a = 0; a < d->kernel_h; a++) {
      for (int64_t b = 0; b < d->kernel_w; b++)
        to = gather_plane(plan, src, a, b, begin, count, to);
    }
    const int64_t channels = d->in_channels - block * v;
    if (taps > 1 && channels < v) clear_lanes(planes, taps * count, channels, v);
  }
  area->src = gathered;
  area->src_block = count * v;
  area->src_offset = -begin * v - area->first * taps * area->src_block;
}

static void task(const onefold_conv_run *run, size_t index) {
  onefold_conv_each_piece(run, index, gather);
}

// What is gathered is in cache: nothing is asked for ahead.
static const onefold_conv_knob *const knobs[] = {
    &onefold_conv_knob_piece, &onefold_conv_knob_block_in, &onefold_conv_knob_parts, NULL};

const onefold_conv_algorithm onefold_conv_gather = {
    .name = "gather",
    .format = ONEFOLD_PACK_BLOCKED,
    .refuse = refuse,
    .estimate = estimate,
    .plan = plan_it,
    .task = task,
    .tiles = onefold_conv_pieces_tiles,
    .knobs = knobs,
};
