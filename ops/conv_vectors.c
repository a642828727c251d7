// SPDX-License-Identifier: BSD-3-Clause
// Pointwise convolution of images of one pixel. Images of a batch go together as the pixels of one,
// gathered into scratch and their results scattered from there, unless epilogues read something
// else for each.
#include "ops/conv_vectors.h"

#include "ops/conv_algorithm.h"

#include <string.h>

/// Images that go together.
static int64_t count_of(const onefold_conv_problem *problem) {
  enum { MOST = 56 };
  const onefold_conv2d_desc *d = &problem->desc;
  if (d->residual || d->has_channel_scale) return 1;
  const int64_t times = (d->batch - 1) / MOST + 1;
  return (d->batch - 1) / times + 1;
}

/// May a kernel add the channels of one pixel in any order? Not where images go together, whose
/// sums are the same beside others and alone.
static int may_split(const onefold_conv_problem *problem) {
  return count_of(problem) == 1 && problem->accuracy != ONEFOLD_ACCURACY_STRICT;
}

int onefold_conv_are_vectors(const onefold_conv_problem *problem, int32_t tasks,
                             const onefold_tiling *tiling) {
  const int one_pass = tiling->block_in <= 0 || tiling->block_in >= problem->in_blocks;
  return problem->out_h * problem->out_w == 1 && one_pass && tiling->piece <= 0 &&
         (problem->out_blocks >= tasks || may_split(problem));
}

onefold_status onefold_conv_vectors_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  const int32_t v = problem->v;
  plan->vectors = (int32_t)count_of(problem);
  plan->args = (onefold_conv_args){.src_block = v,
                                   .src_pixel = v,
                                   .weight_block = (ptrdiff_t)v * v,
                                   .weight_row = (ptrdiff_t)v * v,
                                   .dst_q = v,
                                   .rows = 1,
                                   .taps = 1,
                                   .pixels = 1,
                                   .v = v,
                                   .split = may_split(problem),
                                   .final = 1};
  plan->block_in = (int32_t)problem->in_blocks;
  if (plan->vectors > 1) {
    const int64_t blocks = problem->in_blocks + ONEFOLD_MAX_TILE_BLOCKS;
    plan->scratch =
        onefold_conv_scratch((size_t)(blocks * problem->v * plan->vectors), plan->tasks);
  }
  // Strips are the same for any number of tasks, and so are the sums of their kernels.
  return onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, plan->vectors, 1, tiling);
}

/// The vectors of images from `first` on as the pixels of one: [in_blocks][count][v].
static void gather_vectors(const onefold_conv_run *run, int64_t first, int64_t count, float *dst) {
  const ptrdiff_t v = run->plan->problem.v;
  for (int64_t block = 0; block < run->plan->problem.in_blocks; block++) {
    for (int64_t i = 0; i < count; i++, dst += v) {
      const float *src = run->src + (first + i) * run->images.src + block * v;
      memcpy(dst, src, (size_t)v * sizeof *dst);
    }
  }
}

/// The other way, of the output blocks of a strip.
static void scatter_vectors(const onefold_conv_run *run, const onefold_conv_strip *strip,
                            int64_t first, int64_t count, const float *src) {
  const ptrdiff_t v = run->plan->problem.v;
  for (int32_t block = strip->block; block < strip->block + strip->blocks; block++) {
    for (int64_t i = 0; i < count; i++, src += v) {
      memcpy(run->dst + (first + i) * run->images.dst + block * v, src, (size_t)v * sizeof *src);
    }
  }
}

/// The arguments that a strip has of its own. Returns its floats in an image before it.
static ptrdiff_t enter_strip(const onefold_conv_run *run, const onefold_conv_strip *strip,
                             onefold_conv_args *args) {
  const onefold_conv2d_packed *packed = run->packed;
  const ptrdiff_t before = (ptrdiff_t)strip->block * args->src_pixel;
  args->src_offset = strip->band.block * args->src_block + strip->band.skip;
  args->weight = packed->weight + strip->weight;
  args->weight_q = strip->band.count * args->weight_block;
  args->blocks = strip->band.count;
  args->last_channels = strip->band.last;
  args->q = strip->blocks;
  if (packed->bias) args->epilogue->bias = packed->bias + before;
  if (packed->residual_scale) args->epilogue->residual_scale = packed->residual_scale + before;
  return before;
}

static void call(const onefold_conv_strip *strip, onefold_conv_args *args) {
  ((onefold_conv_fn *)strip->kernel->fn)(args);
}

/// A strip of all images, one after the other.
static void one_by_one(const onefold_conv_run *run, const onefold_conv_strip *strip,
                       onefold_conv_args *args) {
  onefold_epilogue *epilogue = args->epilogue;
  const ptrdiff_t before = enter_strip(run, strip, args);
  args->src = run->src;
  args->dst = run->dst + before;
  if (run->scale) epilogue->scale = run->scale + before;
  if (run->residual) epilogue->residual = run->residual + before;
  for (int64_t left = run->plan->problem.desc.batch;;) {
    call(strip, args);
    if (--left == 0) return;
    args->src += run->images.src;
    args->dst += run->images.dst;
    if (run->scale) epilogue->scale += run->plan->problem.out_blocks * args->v;
    if (run->residual) epilogue->residual += run->images.residual;
  }
}

/// The strips [first, last) of images that go together.
static void together(const onefold_conv_run *run, const onefold_conv_strip *first,
                     const onefold_conv_strip *last, float *scratch, onefold_conv_args *args) {
  const onefold_conv2d_plan *plan = run->plan;
  const int64_t batch = plan->problem.desc.batch;
  args->src = scratch;
  args->dst = scratch + plan->problem.in_blocks * args->v * plan->vectors;
  for (int64_t image = 0; image < batch; image += args->pixels) {
    args->pixels = (int32_t)(batch - image < plan->vectors ? batch - image : plan->vectors);
    args->src_block = args->dst_q = (ptrdiff_t)args->pixels * args->v;
    gather_vectors(run, image, args->pixels, scratch);
    for (const onefold_conv_strip *strip = first; strip < last; strip++) {
      enter_strip(run, strip, args);
      call(strip, args);
      scatter_vectors(run, strip, image, args->pixels, args->dst);
    }
  }
}

void onefold_conv_vectors(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  onefold_epilogue epilogue = plan->epilogue;
  onefold_conv_args args = plan->args;
  args.epilogue = &epilogue;
  int32_t first = 0, last = 0;
  onefold_conv_strips_part(plan, plan->tasks, (int32_t)index, &first, &last);
  if (first == last) return; // more tasks than output blocks
  const onefold_conv_strip *strip = plan->strips.strip + first, *end = plan->strips.strip + last;
  if (plan->vectors > 1) {
    together(run, strip, end, run->scratch + index * plan->scratch, &args);
    return;
  }
  for (; strip < end; strip++) one_by_one(run, strip, &args);
}
