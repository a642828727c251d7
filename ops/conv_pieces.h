// SPDX-License-Identifier: BSD-3-Clause
// Products of matrices over the pixels of an image, a piece of them at a time.
#ifndef ONEFOLD_OPS_CONV_PIECES_H
#define ONEFOLD_OPS_CONV_PIECES_H

#include "ops/conv_tasks.h"

/// The strip's blocks of the pixels [begin, end) of a pointwise convolution.
void onefold_conv_pointwise_pixels(const onefold_conv_run *run, const onefold_conv_strip *strip,
                                   int64_t image, const onefold_conv_area *area, int64_t begin,
                                   int64_t end);

/// Convolutions by pieces of the pixels that stay in L2: plans pieces and strips.
onefold_status onefold_conv_pieces_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling);

/// Source blocks of a piece that are gathered at a time.
int64_t onefold_conv_pieces_blocks(const onefold_conv2d_plan *plan);

/// What the algorithms that may go by pieces have in common.
double onefold_conv_pieces_estimate(const onefold_dispatch *dispatch,
                                    const onefold_conv_problem *problem, int32_t tasks,
                                    const onefold_tiling *tiling);
onefold_op onefold_conv_pieces_tiles(const onefold_conv_problem *problem);

/// Points `area` at where output pixels [begin, begin + count) of an image are read, at all taps
/// of its source blocks [first, last), for task `index`.
typedef void onefold_conv_piece_fn(const onefold_conv_run *run, size_t index, int64_t image,
                                   int64_t begin, int64_t count, onefold_conv_area *area);

/// The pieces and strips of task `index`; without `gather` pixels are read where they are.
void onefold_conv_each_piece(const onefold_conv_run *run, size_t index,
                             onefold_conv_piece_fn *gather);

#endif
