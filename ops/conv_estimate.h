// SPDX-License-Identifier: BSD-3-Clause
// Estimated cycles.
#ifndef ONEFOLD_OPS_CONV_ESTIMATE_H
#define ONEFOLD_OPS_CONV_ESTIMATE_H

#include "ops/conv_format.h"

/// For all n <= `most`: the least cycles, cost[n], for one input channel and tap of a row of
/// `pixels` in n output blocks, `depth` of which are summed, and the row of `op` to begin with,
/// best[n]. A kernel named `wanted` is preferred.
void onefold_conv_cover(const onefold_dispatch *dispatch, onefold_op op, int64_t pixels,
                        double depth, int32_t most, const char *wanted, double *cost,
                        int32_t *best);

/// Pixels of the widest tile of several output blocks.
int32_t onefold_conv_widest_tile(const onefold_dispatch *dispatch, onefold_op op);

/// Terms of the sums that kernels make: of all taps and channels, or, with the weights in a
/// Winograd format, of an element.
double onefold_conv_depth(const onefold_conv_problem *problem, onefold_pack_format format);

/// Estimated cycles for one input channel and tap of a row of `pixels`, all output blocks; with the
/// tiling's kernel (NULL: any).
double onefold_conv_row_estimate(const onefold_dispatch *dispatch, onefold_op op, int64_t pixels,
                                 double depth, int64_t blocks, const onefold_tiling *tiling);

/// Of a direct convolution by the kernels of `op`, in `rows` rows of `pixels` an image, shared out
/// among tasks.
double onefold_conv_direct_estimate(const onefold_dispatch *dispatch,
                                    const onefold_conv_problem *problem, onefold_op op,
                                    int64_t pixels, int64_t rows, int32_t tasks,
                                    const onefold_tiling *tiling);

/// Estimated cycles in which `bytes` of weights come from where they are kept: a working set of
/// `set` bytes.
static inline double onefold_conv_fetch_estimate(const onefold_dispatch *dispatch, double bytes,
                                                 double set) {
  // A set that leaves room for what streams by is read at full rate.
  const double l2 = (double)dispatch->l2_bytes, l3 = (double)dispatch->l3_bytes;
  const double from_l2 = set < l2 / 4 ? dispatch->l2_rate : dispatch->l2_rate / 2;
  return bytes / (set < l2 ? from_l2 : set < l3 ? dispatch->l3_rate : dispatch->dram_rate);
}

#endif
