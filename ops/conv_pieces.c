// SPDX-License-Identifier: BSD-3-Clause
// Products over the pixels of an image, a piece at a time: all strips multiply a piece while it is
// in L2.
#include "ops/conv_pieces.h"

#include "ops/conv_algorithm.h"
#include "ops/conv_estimate.h"

/// Tasks that share the output blocks of a piece: as many as leave each some tiles of pixels.
static int32_t strip_parts(const onefold_conv_problem *problem, int32_t tasks) {
  const int64_t pixels = problem->desc.batch * problem->out_h * problem->out_w;
  int32_t parts = 1;
  while (parts < tasks && (tasks % parts || pixels * parts < 28 * (int64_t)tasks)) parts++;
  return parts <= problem->out_blocks ? parts : 1;
}

/// The size of the parts when n are cut into as few as parts of `most` would be.
static int64_t even_part(int64_t n, int64_t most) {
  const int64_t parts = (n - 1) / most + 1;
  return (n - 1) / parts + 1;
}

enum { LEAST_PIECE = 28, GATHERED = 100 << 10 }; // two tiles, bytes

/// A quarter of L2 for the pixels of a piece, half where weights do not fit beside them. Gathered
/// pixels of several taps are a few tiles, whose source blocks go in turn; but where a residual may
/// lie in the output, partial sums may not. Those of one tap, of all tasks, are a third of the
/// weights, or GATHERED bytes of each.
static int64_t default_piece(const onefold_conv_problem *problem, int32_t tasks, int64_t l2) {
  const onefold_conv2d_desc *d = &problem->desc;
  const int64_t taps = onefold_conv_taps(problem), depth = problem->in_blocks * problem->v * taps;
  const int64_t outputs = problem->out_blocks * problem->v,
                pixels = problem->out_h * problem->out_w;
  if (taps > 1 && d->residual == ONEFOLD_RESIDUAL_NONE) return even_part(pixels, 4 * LEAST_PIECE);
  int64_t fit = l2 / (depth * outputs > l2 / 2 ? 2 : 4) / depth;
  if (taps == 1 && pixels != d->in_h * d->in_w) {
    const int64_t third = outputs / (3 * tasks), least = GATHERED / (int64_t)sizeof(float) / depth;
    const int64_t most = third > least ? third : least;
    if (fit > most && most > 0) fit = even_part((pixels - 1) / tasks + 1, most);
  }
  return fit < LEAST_PIECE ? LEAST_PIECE : fit;
}

/// As many as their planes of a piece leave L2 to the weights; all of 1x1.
static int32_t default_blocks(const onefold_conv_problem *problem, int64_t piece, int64_t l2) {
  const int64_t taps = onefold_conv_taps(problem);
  if (taps == 1 || problem->desc.residual != ONEFOLD_RESIDUAL_NONE)
    return (int32_t)problem->in_blocks;
  const int64_t fit = l2 / 4 / (piece * taps * problem->v);
  return (int32_t)even_part(problem->in_blocks, fit < 1 ? 1 : fit);
}

/// How tasks cut a convolution: pixels of a piece, tasks that share its output blocks, and source
/// blocks that are gathered at a time.
typedef struct cut {
  int64_t piece;
  int32_t parts, blocks;
} cut;

static cut cut_pieces(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                      int32_t tasks, const onefold_tiling *tiling) {
  const int64_t l2 = (int64_t)(dispatch->l2_bytes / sizeof(float));
  const int64_t pixels = problem->out_h * problem->out_w; // a piece is of one image
  const int in_turn =
      onefold_conv_taps(problem) > 1 && problem->desc.residual == ONEFOLD_RESIDUAL_NONE;
  cut c = {tiling->piece, tiling->parts, tiling->block_in};
  if (c.piece <= 0) c.piece = default_piece(problem, tasks, l2);
  if (c.piece > pixels) c.piece = pixels;
  if (c.parts <= 0) c.parts = strip_parts(problem, tasks);
  if (c.blocks <= 0 || !in_turn) c.blocks = default_blocks(problem, c.piece, l2);
  if (c.blocks > problem->in_blocks) c.blocks = (int32_t)problem->in_blocks;
  return c;
}

onefold_status onefold_conv_pieces_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  const cut c = cut_pieces(onefold_context_dispatch(plan->context), problem, plan->tasks, tiling);
  plan->piece = c.piece;
  plan->strip_parts = c.parts;
  const onefold_status status =
      onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, c.piece, c.parts, tiling);
  if (status != ONEFOLD_OK) return status;
  plan->block_in = onefold_conv_taps(problem) > 1 ? c.blocks : onefold_conv_block_in(plan, tiling);
  return ONEFOLD_OK;
}

int64_t onefold_conv_pieces_blocks(const onefold_conv2d_plan *plan) {
  return onefold_conv_taps(&plan->problem) > 1 ? plan->block_in : plan->problem.in_blocks;
}

onefold_op onefold_conv_pieces_tiles(const onefold_conv_problem *problem) {
  (void)problem;
  return ONEFOLD_OP_POINTWISE;
}

/// At 1x1 never more than by direct kernels, whose tiles are the same over shorter rows; of several
/// taps, and of a tiling whose pieces or kernel are given, by the tiles of these, with the weights
/// fetched for each piece.
double onefold_conv_pieces_estimate(const onefold_dispatch *dispatch,
                                    const onefold_conv_problem *problem, int32_t tasks,
                                    const onefold_tiling *tiling) {
  const int64_t taps = onefold_conv_taps(problem);
  onefold_tiling t = {0};
  if (tiling) t = *tiling;
  if (taps == 1 && !t.piece && !t.kernel[0]) {
    return onefold_conv_direct_estimate(dispatch, problem, ONEFOLD_OP_CONV_S1, problem->out_w,
                                        problem->out_h, tasks, tiling);
  }
  const int64_t pixels = problem->out_h * problem->out_w;
  const cut c = cut_pieces(dispatch, problem, tasks, &t);
  const int64_t piece = taps == 1 && !t.piece ? pixels : c.piece; // of 1x1, the mode is not known
  if (taps > 1) t.block_in = c.blocks;
  const double pieces = (double)pixels / (double)piece;
  const double channels = (double)(taps * problem->in_blocks * problem->v);
  const double weights = channels * (double)(problem->out_blocks * problem->v) * sizeof(float);
  const double set = weights + channels * (double)piece * sizeof(float);
  const double fetch = pieces * onefold_conv_fetch_estimate(dispatch, weights, set);
  const double work = pieces * onefold_conv_direct_estimate(dispatch, problem, ONEFOLD_OP_POINTWISE,
                                                            piece, 1, 1, &t);
  return (work > fetch ? work : fetch) / tasks;
}

/// Floats from a pixel to one of its plane that is asked for: behind the next tile's, or further on
/// while those of all planes are a part of L1.
static ptrdiff_t ahead_of(const onefold_conv_run *run, const onefold_conv_strip *strip,
                          const onefold_conv_area *area) {
  enum { MOST = 64 };
  const size_t vector = (size_t)run->plan->problem.v * sizeof(float);
  const size_t planes = (size_t)strip->band.count * (size_t)area->taps;
  const size_t l1 = onefold_context_dispatch(run->plan->context)->l1d_bytes;
  int64_t pixels = (int64_t)(l1 / 3 / (planes * vector));
  if (pixels > MOST) pixels = MOST;
  if (pixels < strip->kernel->pixels) pixels = strip->kernel->pixels;
  return pixels * run->plan->problem.v;
}

void onefold_conv_pointwise_pixels(const onefold_conv_run *run, const onefold_conv_strip *strip,
                                   int64_t image, const onefold_conv_area *area, int64_t begin,
                                   int64_t end) {
  const onefold_conv2d_plan *plan = run->plan;
  const int64_t v = plan->problem.v;
  onefold_epilogue epilogue = onefold_conv_epilogue(run, image, strip->block);
  onefold_conv_args a = {
      .src = area->src,
      .src_block = area->src_block,
      .src_ahead = area->fetch ? ahead_of(run, strip, area) : 0,
      .src_pixel = v,
      .weight_row = v * v,
      .weight_q = strip->band.count * area->taps * v * v,
      .dst_q = area->dst_block,
      .rows = 1,
      .taps = 1,
      .pixels = (int32_t)(end - begin),
      .v = (int32_t)v,
      .q = strip->blocks,
      .split = plan->args.split,
      .epilogue = &epilogue,
  };
  a.weight_ahead = a.weight_q * strip->blocks; // the next strip's
  const ptrdiff_t dst = area->dst_offset + strip->block * area->dst_block + begin * v;
  const ptrdiff_t src = area->src_offset + strip->band.block * area->taps * area->src_block +
                        strip->band.skip + begin * v;
  a.dst = area->dst + dst;
  if (area->residual) epilogue.residual = area->residual + dst;
  const int32_t last = area->last < strip->band.count ? area->last : strip->band.count;
  for (int32_t block = area->first; block < last;) {
    const ptrdiff_t from = src + block * area->taps * area->src_block;
    a.weight_block = area->taps * v * v; // of a source block
    block = onefold_conv_pass(run, strip, image, block, &a);
    a.src_offset = from;
    a.weight_block = v * v; // of a plane
    if (area->taps > 1) {
      a.blocks *= area->taps;
      a.last_channels = (int32_t)v;
    }
    ((onefold_conv_fn *)strip->kernel->fn)(&a);
  }
}

void onefold_conv_each_piece(const onefold_conv_run *run, size_t index,
                             onefold_conv_piece_fn *gather) {
  const onefold_conv2d_plan *plan = run->plan;
  const int64_t pixels = plan->problem.out_h * plan->problem.out_w;
  const size_t parts = (size_t)plan->strip_parts, sharing = (size_t)plan->tasks / parts;
  size_t begin = 0, end = 0;
  int32_t first = 0, last = 0;
  onefold_split((size_t)(plan->problem.desc.batch * pixels), sharing, index / parts, &begin, &end);
  onefold_conv_strips_part(plan, (int32_t)parts, (int32_t)(index % parts), &first, &last);
  for (int64_t at = (int64_t)begin; at < (int64_t)end;) {
    const int64_t image = at / pixels, pixel = at % pixels;
    int64_t count = plan->piece;
    if (count > (int64_t)end - at) count = (int64_t)end - at;
    if (count > pixels - pixel) count = pixels - pixel;
    const int32_t blocks = (int32_t)onefold_conv_pieces_blocks(plan);
    const int32_t all = (int32_t)plan->problem.in_blocks;
    for (int32_t block = 0; block < all; block += blocks) {
      onefold_conv_area area = onefold_conv_whole(run, image);
      area.taps = (int32_t)onefold_conv_taps(&plan->problem);
      area.first = block;
      area.last = all - block < blocks ? all : block + blocks;
      if (gather) gather(run, index, image, pixel, count, &area);
      for (int32_t s = first; s < last; s++) {
        area.fetch = plan->ahead == 2 && s == first;
        onefold_conv_pointwise_pixels(run, &plan->strips.strip[s], image, &area, pixel,
                                      pixel + count);
      }
    }
    at += count;
  }
}
