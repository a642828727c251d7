// SPDX-License-Identifier: BSD-3-Clause
// The output channels of a plan in strips, one kernel call wide.
#ifndef ONEFOLD_OPS_CONV_STRIPS_H
#define ONEFOLD_OPS_CONV_STRIPS_H

#include "ops/conv_format.h"

/// Output blocks [block, block+blocks) that one kernel call produces, all with one band.
typedef struct onefold_conv_strip {
  const onefold_kernel *kernel;
  int32_t block, blocks;
  onefold_conv_band band;
  size_t weight; // floats from the start of the packed weights
} onefold_conv_strip;

/// The output blocks of a problem cut into strips.
typedef struct onefold_conv_strips {
  onefold_conv_strip *strip; // [count]
  int32_t count;
} onefold_conv_strips;

/// Cuts the output blocks into strips over the kernels of `op`, least
/// estimated time first; `pixels` is the length of a row. No strip lies in two of `parts` nearly
/// equal parts of the blocks. A kernel named by the tiling is preferred.
onefold_status onefold_conv_strips_make(onefold_conv2d_plan *plan, onefold_op op, int64_t pixels,
                                        int32_t parts, const onefold_tiling *tiling);

/// The strips [*first, *last) of part `index`.
void onefold_conv_strips_part(const onefold_conv2d_plan *plan, int32_t parts, int32_t index,
                              int32_t *first, int32_t *last);

/// Source blocks per pass so that a strip's weights stay in half of L2.
int32_t onefold_conv_block_in(const onefold_conv2d_plan *plan, const onefold_tiling *tiling);

#endif
