// SPDX-License-Identifier: BSD-3-Clause
// What the tasks of the algorithms share: rows of strips, and the arguments of kernels.
#ifndef ONEFOLD_OPS_CONV_TASKS_H
#define ONEFOLD_OPS_CONV_TASKS_H

#include "ops/conv_plan.h"

/// Piece `index` of tasks over images x strips x `rows` rows, weighted by the
/// strips' blocks: calls body(run, strip, image, row_begin, row_end) for each
/// run of rows.
typedef void onefold_conv_rows_fn(const onefold_conv_run *run, const onefold_conv_strip *strip,
                                  int64_t image, int64_t row_begin, int64_t row_end);
void onefold_conv_each_rows(const onefold_conv_run *run, int64_t rows, size_t index,
                            onefold_conv_rows_fn *body);

/// Should tasks cut a layer along its pixels, as they cut those around it? What another core has
/// written is far. Each needs some tiles of its own, and weights that all of them read have to fit
/// in L2.
int onefold_conv_by_pixels(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                           int32_t tasks, size_t weights);

/// Values of a tiling's `order`.
enum { ONEFOLD_BY_BLOCKS = 1, ONEFOLD_BY_ROWS = 2 };

/// Is it a choice? Tasks that have whole images are the same by either.
static inline int onefold_conv_has_order(const onefold_conv_problem *problem, int32_t tasks) {
  return problem->out_blocks > 1 && problem->desc.batch % tasks != 0;
}

/// Do tasks take rows of all channels: as the tiling says, or else the same of whole rows, of the
/// plan's packed weights. Tasks have to come out even, and to have pixels enough to be worth the
/// lines that they fight for where their rows meet, in each channel.
int onefold_conv_by_rows(const onefold_conv2d_plan *plan, const onefold_tiling *tiling);

/// The rows of task `index` where tasks cut the output rows of so many planes, which are images or
/// channel blocks of them: calls body(run, plane, row_begin, row_end) for those of each plane.
/// Every other task begins with its last plane, and its neighbour with its first: prefetchers run
/// ahead beyond what a task writes, and so not into what another core does.
typedef void onefold_conv_plane_rows_fn(const onefold_conv_run *run, int64_t plane,
                                        int64_t row_begin, int64_t row_end);
void onefold_conv_own_rows(const onefold_conv_run *run, int64_t planes, size_t index,
                           onefold_conv_plane_rows_fn *body);

/// The epilogue of output blocks from `block` on; its residual is still to be set.
onefold_epilogue onefold_conv_epilogue(const onefold_conv_run *run, int64_t image, int32_t block);

/// Sets the part of `args` that a pass over the strip's source blocks from `block` on has of
/// its own, src_offset at the image's first pixel; returns where the next pass starts.
int32_t onefold_conv_pass(const onefold_conv_run *run, const onefold_conv_strip *strip,
                          int64_t image, int32_t block, onefold_conv_args *args);

/// Where a piece of a convolution of one image reads and writes: whole tensors, or rows of them
/// that a buffer holds. Offsets are of block 0, row 0, and lie before a buffer that has not these.
typedef struct onefold_conv_area {
  const float *src;
  ptrdiff_t src_offset, src_block; // floats
  int fetch;                       // the source is in no cache near: ask ahead for its pixels
  int32_t taps;                    // planes of a source block, src_block apart: 1 but for "gather"
  int32_t first, last;             // source blocks that are summed: all but for "gather"
  float *dst;
  const float *residual; // read at dst's offsets, or NULL
  ptrdiff_t dst_offset, dst_block;
} onefold_conv_area;

/// The whole tensors of a run.
onefold_conv_area onefold_conv_whole(const onefold_conv_run *run, int64_t image);

#endif
