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
  plan->split = may_split(problem);
  plan->vectors = (int32_t)count_of(problem);
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

void onefold_conv_vectors(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv2d_packed *packed = run->packed;
  const ptrdiff_t v = plan->problem.v, outputs = plan->problem.out_blocks * v;
  const int64_t batch = plan->problem.desc.batch;
  const int together = plan->vectors > 1;
  float *gathered = together ? run->scratch + index * plan->scratch : NULL;
  float *out = together ? gathered + plan->problem.in_blocks * v * plan->vectors : NULL;
  onefold_epilogue epilogue = plan->epilogue;
  onefold_conv_args a = {
      .src_pixel = v,
      .weight_block = v * v,
      .weight_row = v * v,
      .rows = 1,
      .taps = 1,
      .v = (int32_t)v,
      .split = plan->split,
      .final = 1,
      .epilogue = &epilogue,
  };
  int32_t first = 0, last = 0;
  onefold_conv_strips_part(plan, plan->tasks, (int32_t)index, &first, &last);
  if (first == last) return; // more tasks than output blocks
  for (int64_t image = 0; image < batch; image += a.pixels) {
    a.pixels = (int32_t)(batch - image < plan->vectors ? batch - image : plan->vectors);
    a.src_block = a.dst_q = a.pixels * v;
    a.src = together ? gathered : run->src + image * run->images.src;
    if (together) gather_vectors(run, image, a.pixels, gathered);
    const float *residual = onefold_conv_residual(run, image);
    for (int32_t i = first; i < last; i++) {
      const onefold_conv_strip *s = &plan->strips.strip[i];
      const ptrdiff_t block = s->block * v, dst = image * run->images.dst + block;
      a.src_offset = s->band.block * a.src_block + s->band.skip;
      a.weight = packed->weight + s->weight;
      a.weight_q = s->band.count * v * v;
      a.dst = together ? out : run->dst + dst;
      a.blocks = s->band.count;
      a.last_channels = s->band.last;
      a.q = s->blocks;
      if (packed->bias) epilogue.bias = packed->bias + block;
      if (packed->residual_scale) epilogue.residual_scale = packed->residual_scale + block;
      if (run->scale) epilogue.scale = run->scale + image * outputs + block;
      if (residual) epilogue.residual = residual + dst;
      ((onefold_conv_fn *)s->kernel->fn)(&a);
      if (together) scatter_vectors(run, s, image, a.pixels, out);
    }
  }
}
