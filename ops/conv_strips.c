// SPDX-License-Identifier: BSD-3-Clause
// Cuts output channels into strips, one kernel call wide, and shares the rows
// of all strips out among tasks.
#include "ops/conv2d.h"

onefold_conv_band onefold_conv_band_of(const onefold_conv_problem *problem,
                                       onefold_pack_format format, int32_t block) {
  const int64_t v = problem->v, channels = problem->desc.in_channels;
  int64_t out_end = ((int64_t)block + 1) * v;
  if (out_end > problem->desc.out_channels) out_end = problem->desc.out_channels;
  const int64_t first = (int64_t)block * v / problem->out_group * problem->in_group;
  const int64_t end = ((out_end - 1) / problem->out_group + 1) * problem->in_group;
  if (format == ONEFOLD_PACK_PLAIN) {
    return (onefold_conv_band){(int32_t)first, (int32_t)(end - first), 0, 1};
  }
  const int64_t b0 = first / v, b1 = (end - 1) / v;
  if (b0 == b1)
    return (onefold_conv_band){(int32_t)b0, 1, (int32_t)(first % v), (int32_t)(end - first)};
  // Lanes of a whole last block that are not the group's have zero weights.
  int64_t last = end - b1 * v;
  if ((b1 + 1) * v <= channels && last > v / 2) last = v;
  return (onefold_conv_band){(int32_t)b0, (int32_t)(b1 - b0 + 1), 0, (int32_t)last};
}

size_t onefold_conv_block_floats(const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t block) {
  const size_t v = (size_t)problem->v;
  const size_t taps = (size_t)(problem->desc.kernel_h * problem->desc.kernel_w);
  if (format == ONEFOLD_PACK_DEPTHWISE) return taps * v;
  const size_t count = (size_t)onefold_conv_band_of(problem, format, block).count;
  const size_t points = (size_t)onefold_pack_points(format);
  if (points > 0) {
    const size_t planes = (size_t)onefold_pack_phases(format) * (points - 1) + 1;
    return count * planes * planes * v * v;
  }
  return count * taps * v * (format == ONEFOLD_PACK_PLAIN ? 1 : v);
}

static int same_band(const onefold_conv_band *a, const onefold_conv_band *b) {
  return a->block == b->block && a->count == b->count && a->skip == b->skip && a->last == b->last;
}

/// Block at which part `index` of the output blocks begins.
static int32_t part_begin(int32_t blocks, int32_t parts, int32_t index) {
  return (int32_t)((int64_t)blocks * index / parts);
}

void onefold_conv_strips_part(const onefold_conv2d_plan *plan, int32_t parts, int32_t index,
                              int32_t *first, int32_t *last) {
  const int32_t blocks = (int32_t)plan->problem.out_blocks;
  const int32_t begin = part_begin(blocks, parts, index);
  const int32_t end = part_begin(blocks, parts, index + 1);
  *first = 0;
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
      image * plan->src_image + (strip->band.block + block) * plan->src_block + strip->band.skip;
  return block + args->blocks;
}

onefold_conv_area onefold_conv_whole(const onefold_conv_run *run, int64_t image) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const ptrdiff_t block = problem->out_h * problem->out_w * problem->v;
  return (onefold_conv_area){.src = run->src,
                             .src_offset = image * plan->src_image,
                             .src_block = plan->src_block,
                             .taps = 1,
                             .last = (int32_t)problem->in_blocks,
                             .dst = run->dst,
                             .residual = run->residual,
                             .dst_offset = image * problem->out_blocks * block,
                             .dst_block = block};
}

void onefold_conv_blocked_source(onefold_conv2d_plan *plan) {
  const onefold_conv2d_desc *d = &plan->problem.desc;
  plan->core_in = ONEFOLD_BLOCKED;
  plan->src_pixel = plan->problem.v;
  plan->src_row = d->in_w * plan->src_pixel;
  plan->src_block = d->in_h * plan->src_row;
  plan->src_image = plan->problem.in_blocks * plan->src_block;
}

int32_t onefold_conv_rows_inside(const onefold_conv2d_desc *desc, int64_t row, int64_t *first) {
  const int64_t y = row * desc->stride_h - desc->pad_top, step = desc->dilation_h;
  *first = y < 0 ? (-y + step - 1) / step : 0;
  int64_t end = y >= desc->in_h ? 0 : (desc->in_h - y + step - 1) / step;
  if (end > desc->kernel_h) end = desc->kernel_h;
  return end > *first ? (int32_t)(end - *first) : 0;
}
