// SPDX-License-Identifier: BSD-3-Clause
// Cuts output channels into strips, one kernel call wide.
#include "ops/conv_strips.h"

#include "ops/conv_algorithm.h"
#include "ops/conv_estimate.h"

static int same_band(const onefold_conv_band *a, const onefold_conv_band *b) {
  return a->block == b->block && a->count == b->count && a->skip == b->skip && a->last == b->last;
}

/// Block at which part `index` of the output blocks begins.
static int32_t part_begin(int32_t blocks, int32_t parts, int32_t index) {
  return (int32_t)((int64_t)blocks * index / parts);
}

void onefold_conv_strips_part(const onefold_conv2d_plan *plan, int32_t parts, int32_t index,
                              int32_t *first, int32_t *last) {
  *first = 0;
  *last = plan->strips.count;
  if (parts == 1) return; // spares a search
  const int32_t blocks = (int32_t)plan->problem.out_blocks;
  const int32_t begin = part_begin(blocks, parts, index);
  const int32_t end = part_begin(blocks, parts, index + 1);
  while (*first < plan->strips.count && plan->strips.strip[*first].block < begin) ++*first;
  *last = *first;
  while (*last < plan->strips.count && plan->strips.strip[*last].block < end) ++*last;
}

onefold_status onefold_conv_strips_make(onefold_conv2d_plan *plan, onefold_op op, int64_t pixels,
                                        int32_t parts, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_dispatch *dispatch = onefold_context_dispatch(plan->context);
  const onefold_pack_format format = plan->algorithm->format;
  const int32_t blocks = (int32_t)problem->out_blocks;

  onefold_conv_strip *strip = onefold_allocate(plan->context, (size_t)blocks * sizeof *strip);
  double *cost = onefold_allocate(plan->context, ((size_t)blocks + 1) * sizeof *cost);
  int32_t *best = onefold_allocate(plan->context, ((size_t)blocks + 1) * sizeof *best);
  plan->strips.strip = strip;
  if (!strip || !cost || !best) {
    onefold_release(plan->context, cost);
    onefold_release(plan->context, best);
    return ONEFOLD_OUT_OF_MEMORY;
  }
  const double depth = onefold_conv_depth(problem, format);
  onefold_conv_cover(dispatch, op, pixels, depth, blocks, tiling->kernel, cost, best);
  size_t weight = 0;
  int32_t widest = 0, part = 0;
  for (int32_t block = 0; block < blocks;) {
    while (part_begin(blocks, parts, part + 1) <= block) part++;
    const int32_t part_end = part_begin(blocks, parts, part + 1);
    const onefold_conv_band band = onefold_conv_band_of(problem, format, block);
    int32_t run = 1; // blocks from here on with the same band
    for (; block + run < part_end; run++) {
      const onefold_conv_band next = onefold_conv_band_of(problem, format, block + run);
      if (!same_band(&band, &next)) break;
    }
    const size_t floats = onefold_conv_block_floats(problem, format, block);
    for (const int32_t end = block + run; block < end;) {
      const onefold_kernel *kernel = dispatch->ops[op].row[best[end - block]];
      onefold_conv_strip *s = &strip[plan->strips.count++];
      *s = (onefold_conv_strip){kernel, block, end - block, band, weight};
      if (kernel->q < s->blocks) s->blocks = kernel->q;
      block += s->blocks;
      weight += (size_t)s->blocks * floats;
      if (s->blocks > widest) {
        widest = s->blocks;
        plan->kernel = kernel->name;
      }
    }
  }
  plan->packed_floats = weight;
  onefold_release(plan->context, cost);
  onefold_release(plan->context, best);
  return ONEFOLD_OK;
}

int32_t onefold_conv_block_in(const onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  if (tiling->block_in > 0) return tiling->block_in;
  const onefold_conv_problem *problem = &plan->problem;
  const size_t v = (size_t)problem->v;
  const size_t taps = (size_t)(problem->desc.kernel_h * problem->desc.kernel_w);
  const size_t cb = plan->algorithm->format == ONEFOLD_PACK_PLAIN ? 1 : v;
  int32_t widest = 1;
  for (int32_t i = 0; i < plan->strips.count; i++) {
    if (plan->strips.strip[i].blocks > widest) widest = plan->strips.strip[i].blocks;
  }
  const size_t block_bytes = taps * cb * v * (size_t)widest * sizeof(float);
  const size_t fit = onefold_context_dispatch(plan->context)->l2_bytes / 2 / block_bytes;
  return fit < 1 ? 1 : fit > INT32_MAX ? INT32_MAX : (int32_t)fit;
}
