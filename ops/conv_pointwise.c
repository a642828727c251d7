// SPDX-License-Identifier: BSD-3-Clause
// Pointwise convolution: 1x1, stride 1, no padding. The image is one row of
// H*W pixels, cut into tiles that are shared out among tasks.
#include "ops/conv_pieces.h"
#include "ops/conv_space.h"

#include <stdio.h>
#include <string.h>

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

/// Does an image leave L2 before it is read again?
static int is_large(const onefold_conv2d_plan *plan) {
  const onefold_conv_problem *problem = &plan->problem;
  const int64_t floats = problem->in_blocks * problem->v * problem->out_h * problem->out_w;
  return (size_t)floats * sizeof(float) > onefold_context_dispatch(plan->context)->l2_bytes;
}

/// Images of one pixel are vectors, which a matrix multiplies. Those of a batch go together as the
/// pixels of one image, TOGETHER at most, unless epilogues read something else for each.
static onefold_status plan_vectors(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  enum { TOGETHER = 56 };
  const onefold_conv_problem *problem = &plan->problem;
  const int64_t batch = problem->desc.batch, times = (batch - 1) / TOGETHER + 1;
  const int apart = problem->desc.residual || problem->desc.has_channel_scale;
  plan->vectors = apart ? 1 : (int32_t)((batch - 1) / times + 1);
  plan->block_in = (int32_t)problem->in_blocks;
  if (plan->vectors > 1) {
    plan->split = 0; // an image's sums are the same with others beside it and in a pair
    const int64_t blocks = problem->in_blocks + ONEFOLD_MAX_TILE_BLOCKS;
    plan->scratch =
        onefold_conv_scratch((size_t)(blocks * problem->v * plan->vectors), plan->tasks);
  }
  return onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, plan->vectors, plan->tasks, tiling);
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  const int64_t pixels = problem->out_h * problem->out_w, v = problem->v;
  const size_t weights = (size_t)(problem->in_blocks * problem->out_blocks * v * v);
  onefold_conv_blocked_source(plan);
  // The hardware fetches by itself from a few planes at a time, where no pieces cut them short.
  const int large = is_large(plan);
  const int pieces = tiling->piece > 0 || (large && problem->out_blocks > 2) ||
                     onefold_conv_by_pixels(plan, weights);
  plan->fetch = large && (pieces || problem->in_blocks > 12);
  if (tiling->ahead) plan->fetch = tiling->ahead == 2;
  plan->split = pixels == 1 && problem->accuracy != ONEFOLD_ACCURACY_STRICT;
  const int one_pass = tiling->block_in <= 0 || tiling->block_in >= problem->in_blocks;
  if (pixels == 1 && one_pass && tiling->piece <= 0 && problem->out_blocks >= plan->tasks) {
    return plan_vectors(plan, tiling);
  }
  if (pieces) return onefold_conv_pieces_plan(plan, tiling);
  const onefold_status status =
      onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, pixels, 1, tiling);
  if (status == ONEFOLD_OK) plan->block_in = onefold_conv_block_in(plan, tiling);
  return status;
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

/// Tasks share the strips. The arguments of a kernel would take longer than the products of an
/// image if every call filled all of them.
static void vectors(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv2d_packed *packed = run->packed;
  const ptrdiff_t v = plan->problem.v, outputs = plan->problem.out_blocks * v;
  const int64_t batch = plan->problem.desc.batch;
  const int together = plan->vectors > 1;
  float *gathered = run->scratch + index * plan->scratch;
  float *out = gathered + plan->problem.in_blocks * v * plan->vectors;
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

/// A row here is one pixel; tasks cut the pixels.
static void strip_pixels(const onefold_conv_run *run, const onefold_conv_strip *strip,
                         int64_t image, int64_t begin, int64_t end) {
  enum { MOST = 1 << 24 }; // kernels count pixels in 32 bits
  onefold_conv_area whole = onefold_conv_whole(run, image);
  whole.fetch = run->plan->fetch;
  for (; begin < end; begin += MOST) {
    const int64_t last = end - begin < MOST ? end : begin + MOST;
    onefold_conv_pointwise_pixels(run, strip, image, &whole, begin, last);
  }
}

static void task(const onefold_conv_run *run, size_t index) {
  const onefold_conv_problem *problem = &run->plan->problem;
  if (run->plan->vectors) {
    vectors(run, index);
  } else if (run->plan->piece) {
    onefold_conv_each_piece(run, index, NULL);
  } else {
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
