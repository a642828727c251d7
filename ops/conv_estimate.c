// SPDX-License-Identifier: BSD-3-Clause
// Estimated cycles: of rows of pixels by the kernels there are, of direct convolutions, and of
// fetching weights.
#include "ops/conv_estimate.h"

#include <string.h>

/// Estimated cycles per input channel and tap of a row of `pixels` in tiles of `row`, q
/// blocks wide: loads at two a cycle against multiply-adds, two of which are a cycle
/// here on every machine, the latency of four, and a little for each load. A weight
/// costs more where a strip's do not stay in L1, least so in rows of whole lines at stride 1, and
/// where it shares L1 with pixels that are not used again soon: in 1x1 and, where it fills a cache
/// line, at strides. Products of matrices take a strip's weights once, so that the first tile has
/// them from L2, and of more than two streams the prefetchers lose some. The end of a tile,
/// once in `depth`, costs the more the fewer of the next tile's multiply-adds find room behind its
/// stores.
static double row_cost(const onefold_dispatch *dispatch, const onefold_kernel *row, int32_t q,
                       int64_t pixels, double depth) {
  const int line = row->v * (int32_t)sizeof(float) >= 64;
  const int shares = row->op == ONEFOLD_OP_POINTWISE || (line && row->op != ONEFOLD_OP_CONV_S1);
  const double bytes = depth * q * row->v * sizeof(float);
  const double slack = dispatch->fma_rate < 2 ? 0.25 : 1; // loads hide behind slow multiply-adds
  const int far = bytes > 0.7 * (double)dispatch->l1d_bytes;
  const double lines = row->v * sizeof(float) / 64.0; // of a weight
  const double near = (shares ? 0.12 + 0.06 * lines : 0.05) * q, streams = far ? 2 : 3;
  const double more = shares && line && q > streams ? q - streams : 0;
  double from_l2 = (line && row->op == ONEFOLD_OP_CONV_S1 ? 0.3 : 0.6) * lines * q + more;
  if (from_l2 < near) from_l2 = near;
  const int64_t tiles = (pixels + row->pixels - 1) / row->pixels;
  const int64_t cold = far ? tiles : row->op == ONEFOLD_OP_POINTWISE; // tiles with weights of L2
  const double pixel = 0.05 * slack;
  const double weight = slack * (from_l2 * (double)cold + near * (double)(tiles - cold));
  const double p = (double)pixels / (double)tiles;
  const double fma = p * q / 2, loads = (p + q) * dispatch->fma_rate / 4;
  const double crowd = p * q > 16 ? p * q - 16 : 0, end = 4 + 2.5 * crowd;
  double cost = fma > loads ? fma : loads;
  if (cost < 4) cost = 4;
  return (double)tiles * (cost + pixel * p + end / depth) + weight;
}

/// The row's cost for q blocks; less where it is wanted.
static double cost_of(const onefold_dispatch *dispatch, const onefold_kernel *row, int32_t q,
                      int64_t pixels, double depth, const char *wanted) {
  const double cost = row_cost(dispatch, row, q, pixels, depth);
  return strcmp(row->name, wanted) == 0 ? cost * 0.01 : cost;
}

void onefold_conv_cover(const onefold_dispatch *dispatch, onefold_op op, int64_t pixels,
                        double depth, int32_t most, const char *wanted, double *cost,
                        int32_t *best) {
  const int32_t rows = dispatch->ops[op].count;
  const onefold_kernel *const *row = dispatch->ops[op].row;
  double whole[ONEFOLD_MAX_ROWS]; // of each row, at all its blocks
  for (int32_t i = 0; i < rows; i++)
    whole[i] = cost_of(dispatch, row[i], row[i]->q, pixels, depth, wanted);
  cost[0] = 0;
  for (int32_t n = 1; n <= most; n++) {
    best[n] = -1;
    cost[n] = 0;
    for (int32_t i = 0; i < rows; i++) {
      int32_t q = row[i]->q;
      double c = whole[i];
      if (q > n) {
        if (row[i]->v) continue;
        q = n; // reference kernels take fewer blocks
        c = cost_of(dispatch, row[i], q, pixels, depth, wanted);
      }
      c += cost[n - q];
      if (best[n] < 0 || c < cost[n]) {
        best[n] = i;
        cost[n] = c;
      }
    }
  }
}

int32_t onefold_conv_widest_tile(const onefold_dispatch *dispatch, onefold_op op) {
  int32_t most = 0;
  for (int32_t i = 0; i < dispatch->ops[op].count; i++) {
    const onefold_kernel *row = dispatch->ops[op].row[i];
    if (row->q > 1 && row->pixels > most) most = row->pixels;
  }
  return most;
}

double onefold_conv_depth(const onefold_conv_problem *problem, onefold_pack_format format) {
  const double cb = format == ONEFOLD_PACK_PLAIN ? 1 : problem->v;
  const int64_t period = onefold_conv_period(problem);
  double channels = 0;
  for (int64_t block = 0; block < period; block++) {
    const onefold_conv_band band = onefold_conv_band_of(problem, format, (int32_t)block);
    channels += (band.count - 1) * cb + band.last;
  }
  channels /= (double)period;
  if (onefold_pack_points(format) > 0) {
    const double phases = onefold_pack_axis_of(problem, format).phases;
    return phases * phases * channels;
  }
  return (double)(problem->desc.kernel_h * problem->desc.kernel_w) * channels;
}

double onefold_conv_row_estimate(const onefold_dispatch *dispatch, onefold_op op, int64_t pixels,
                                 double depth, int64_t blocks, const onefold_tiling *tiling) {
  // Blocks beyond a few strips' are more of the same.
  enum { MOST = 24 };
  double cost[MOST + 1];
  int32_t best[MOST + 1];
  const int64_t some = blocks < MOST ? blocks : MOST;
  const char *wanted = tiling ? tiling->kernel : "";
  onefold_conv_cover(dispatch, op, pixels, depth, (int32_t)some, wanted, cost, best);
  double sum = *wanted ? 0 : cost[some]; // without the discount of a wanted kernel
  for (int32_t n = (int32_t)some, q; *wanted && n > 0; n -= q) {
    const onefold_kernel *row = dispatch->ops[op].row[best[n]];
    q = row->q < n ? row->q : n;
    sum += row_cost(dispatch, row, q, pixels, depth);
  }
  return sum * ((double)blocks / (double)some);
}

/// Output blocks next to each other that read the same band, and so may be a strip.
static int64_t alike(const onefold_conv_problem *problem) {
  if (problem->desc.groups == 1) return problem->out_blocks;
  return problem->out_group % problem->v ? 1 : problem->out_group / problem->v;
}

double onefold_conv_direct_estimate(const onefold_dispatch *dispatch,
                                    const onefold_conv_problem *problem, onefold_op op,
                                    int64_t pixels, int64_t rows, int32_t tasks,
                                    const onefold_tiling *tiling) {
  const onefold_conv2d_desc *d = &problem->desc;
  const double depth = onefold_conv_depth(problem, ONEFOLD_PACK_BLOCKED);
  const int64_t blocks = alike(problem);
  const double work = (double)(d->batch * rows) * depth * (double)problem->out_blocks /
                      (double)blocks *
                      onefold_conv_row_estimate(dispatch, op, pixels, depth, blocks, tiling);
  const double bytes = depth * (double)d->out_channels * sizeof(float);
  const double fetch = onefold_conv_fetch_estimate(dispatch, bytes, bytes);
  // Between passes over the source's blocks the outputs are stored and loaded.
  double between = 0;
  if (tiling && tiling->block_in > 0) {
    const int64_t passes = (problem->in_blocks - 1) / tiling->block_in;
    between = 2.0 * (double)(passes * d->batch * rows * pixels * problem->out_blocks);
  }
  // A row of a strip has calls of its own where it begins and ends, which test their pixels.
  const int64_t strips = (problem->out_blocks + 1) / (blocks > 1 ? 2 : 1);
  const double calls = d->kernel_w > 1 ? 150 * (double)(d->batch * rows * strips) : 0;
  return ((work > fetch ? work + 0.35 * fetch : 1.35 * fetch) + between + calls) / tasks;
}
