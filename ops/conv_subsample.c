// SPDX-License-Identifier: BSD-3-Clause
// 1x1 convolution of any stride or crop ("subsample"): the pixels that are read are gathered, a
// piece of them at a time, and multiplied by pointwise kernels while they are in cache. Direct
// kernels would fetch lines at a stride from the whole image again for each strip.
#include "arch/caches.h"
#include "ops/conv2d.h"

#include <stdio.h>
#include <string.h>

static const char *refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  const onefold_conv2d_desc *d = &problem->desc;
  if (d->kernel_h != 1 || d->kernel_w != 1) {
    snprintf(reason, size, "the kernel is %lldx%lld, not 1x1", (long long)d->kernel_h,
             (long long)d->kernel_w);
    return reason;
  }
  const int crops = d->pad_top || d->pad_bottom || d->pad_left || d->pad_right;
  if (d->stride_h == 1 && d->stride_w == 1 && !crops) return "every pixel is read";
  return NULL;
}

/// Tasks that share the output blocks of a piece: as many as leave each some tiles of pixels.
static int32_t strip_parts(const onefold_conv_problem *problem, int32_t tasks) {
  const int64_t pixels = problem->desc.batch * problem->out_h * problem->out_w;
  int32_t parts = 1;
  while (parts < tasks && (tasks % parts || pixels * parts < 28 * (int64_t)tasks)) parts++;
  return parts <= problem->out_blocks ? parts : 1;
}

/// Like direct, but each line is fetched once.
static double estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem) {
  return 0.9 * onefold_conv_direct_estimate(dispatch, problem, ONEFOLD_OP_CONV_S1, problem->out_w,
                                            problem->out_h);
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  onefold_conv_blocked_source(plan);
  // A quarter of L2 for the pixels of a piece, no less than two tiles of them.
  const int64_t pixels = problem->desc.batch * problem->out_h * problem->out_w;
  const int64_t fit =
      (int64_t)(onefold_cache_l2_bytes() / 4 / sizeof(float)) / (problem->in_blocks * problem->v);
  plan->piece = fit < 28 ? 28 : fit;
  if (plan->piece > pixels) plan->piece = pixels;
  plan->strip_parts = strip_parts(problem, plan->tasks);
  plan->scratch = (size_t)(problem->in_blocks * plan->piece * problem->v);
  plan->scratch = (plan->scratch + 15) / 16 * 16;
  return onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, plan->piece, plan->strip_parts,
                                  tiling);
}

/// Pixels [begin, begin + count) of an image's output, [source block][pixel][v].
static void gather(const onefold_conv_run *run, int64_t image, int64_t begin, int64_t count,
                   float *to) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const size_t bytes = (size_t)problem->v * sizeof(float);
  for (int64_t block = 0; block < problem->in_blocks; block++) {
    const float *src = run->src + (image * plan->src_image + block * plan->src_block);
    for (int64_t i = 0; i < count; i++, to += problem->v) {
      const int64_t y = (begin + i) / problem->out_w * d->stride_h - d->pad_top;
      const int64_t x = (begin + i) % problem->out_w * d->stride_w - d->pad_left;
      memcpy(to, src + (y * plan->src_row + x * plan->src_pixel), bytes);
    }
  }
}

/// One strip of the gathered pixels, in tiles of nearly equal width.
static void multiply(const onefold_conv_run *run, const onefold_conv_strip *strip, int64_t image,
                     int64_t begin, int64_t count, const float *gathered) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const int64_t v = problem->v, plane = problem->out_h * problem->out_w * v;
  const int64_t tiles = (count + strip->kernel->pixels - 1) / strip->kernel->pixels;
  onefold_epilogue epilogue = onefold_conv_epilogue(run, image, strip->block);
  onefold_conv_args a = {
      .src = gathered + strip->band.block * count * v + strip->band.skip,
      .src_block = count * v,
      .src_pixel = v,
      .weight = run->packed->weight + strip->weight,
      .weight_q = strip->band.count * v * v,
      .weight_block = v * v,
      .weight_row = v * v,
      .weight_ahead = strip->blocks * strip->band.count * v * v,
      .dst_q = plane,
      .dst_pixel = v,
      .blocks = strip->band.count,
      .rows = 1,
      .taps = 1,
      .last_channels = strip->band.last,
      .v = (int32_t)v,
      .q = strip->blocks,
      .final = 1,
      .epilogue = &epilogue,
  };
  ptrdiff_t dst = (image * problem->out_blocks + strip->block) * plane + begin * v;
  for (int64_t i = 0; i < tiles; i++) {
    a.pixels = (int32_t)(count / tiles + (i < count % tiles));
    a.dst = run->dst + dst;
    epilogue.residual = run->residual ? run->residual + dst : NULL;
    ((onefold_conv_fn *)strip->kernel->fn)(&a);
    a.src += a.pixels * v;
    dst += a.pixels * v;
    a.weight_ahead = 0;
  }
}

static void task(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  const int64_t pixels = plan->problem.out_h * plan->problem.out_w;
  const size_t parts = (size_t)plan->strip_parts, sharing = (size_t)plan->tasks / parts;
  float *gathered = run->scratch + index * plan->scratch;
  size_t begin = 0, end = 0;
  int32_t first = 0, last = 0;
  onefold_split((size_t)(plan->problem.desc.batch * pixels), sharing, index / parts, &begin, &end);
  onefold_conv_strips_part(plan, (int32_t)parts, (int32_t)(index % parts), &first, &last);
  for (int64_t at = (int64_t)begin; at < (int64_t)end;) {
    const int64_t image = at / pixels, pixel = at % pixels;
    int64_t count = plan->piece;
    if (count > (int64_t)end - at) count = (int64_t)end - at;
    if (count > pixels - pixel) count = pixels - pixel;
    gather(run, image, pixel, count, gathered);
    for (int32_t s = first; s < last; s++) {
      multiply(run, &plan->strips.strip[s], image, pixel, count, gathered);
    }
    at += count;
  }
}

const onefold_conv_algorithm onefold_conv_subsample = {
    "subsample", ONEFOLD_PACK_BLOCKED, refuse, estimate, plan_it, task};
