// SPDX-License-Identifier: BSD-3-Clause
// Winograd convolution from inside.
#ifndef ONEFOLD_OPS_CONV_WINOGRAD_H
#define ONEFOLD_OPS_CONV_WINOGRAD_H

#include "ops/conv_algorithm.h"

/// Cuts the image into tiles, and these into passes for `tasks` tasks, *parts of which share the
/// output blocks of a pass, with what the tiling (may be NULL) has of them. Returns the estimated
/// cycles.
double onefold_conv_winograd_cut(const onefold_dispatch *dispatch,
                                 const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t tasks, const onefold_tiling *tiling,
                                 onefold_conv_winograd *winograd, int32_t *parts);

/// Tiles of a pass: those of one image from `first` on, row by row, or all of several images, the
/// first row of each, then the second of each. How many of them a short last row and a short last
/// column of an image have, and both: their tiles have no elements at some points of the axis.
typedef struct onefold_conv_winograd_tiles {
  int64_t image, first;
  int32_t images, tiles, short_rows, short_columns, short_both;
} onefold_conv_winograd_tiles;

/// Source blocks of a group: those that a strip is made of.
static inline int64_t onefold_conv_winograd_band(const onefold_conv_problem *problem) {
  return problem->in_blocks / problem->desc.groups;
}

/// Passes of a batch.
int64_t onefold_conv_winograd_passes(const onefold_conv_winograd *w, int64_t batch);

/// Pass n of a batch.
onefold_conv_winograd_tiles onefold_conv_winograd_pass(const onefold_conv_winograd *w,
                                                       int64_t batch, int64_t n);

/// Of the tiles of a pass, those that have a point of the column and a point of the row.
static inline int32_t onefold_conv_winograd_having(const onefold_conv_winograd *w,
                                                   const onefold_conv_winograd_tiles *t,
                                                   int32_t down, int32_t along) {
  // The last point, at infinity, is one of every tile.
  const int lacks_row = down + 1 >= w->last_h && down + 1 < w->axis.points;
  const int lacks_column = along + 1 >= w->last_w && along + 1 < w->axis.points;
  return t->tiles - (lacks_row ? t->short_rows : 0) - (lacks_column ? t->short_columns : 0) +
         (lacks_row && lacks_column ? t->short_both : 0);
}

/// The passes of task `index`.
void onefold_conv_winograd_task(const onefold_conv_run *run, size_t index);

/// The pieces that a tiling may have with tiles of a format, and the parts of their blocks.
extern const onefold_conv_knob *const onefold_conv_winograd_knobs[];

#endif
