// SPDX-License-Identifier: BSD-3-Clause
// Winograd convolution from inside.
#ifndef ONEFOLD_OPS_CONV_WINOGRAD_H
#define ONEFOLD_OPS_CONV_WINOGRAD_H

#include "ops/conv_algorithm.h"

/// Cuts the image into tiles and passes for `tasks` tasks, *parts of which share the output blocks
/// of a pass, with what the tiling (may be NULL) has of them. Returns the estimated cycles.
double onefold_conv_winograd_cut(const onefold_dispatch *dispatch,
                                 const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t tasks, const onefold_tiling *tiling,
                                 onefold_conv_winograd *winograd, int32_t *parts);

/// Passes of so many images.
static inline int64_t onefold_conv_winograd_passes(const onefold_conv_winograd *w, int64_t batch) {
  const int64_t bands = (w->rows - 1) / w->pass_rows + 1;
  return batch * bands * ((w->columns - 1) / w->pass_columns + 1);
}

/// The passes of task `index`.
void onefold_conv_winograd_task(const onefold_conv_run *run, size_t index);

/// The passes that a tiling may have with tiles of a format, and the parts of their blocks.
extern const onefold_conv_knob *const onefold_conv_winograd_knobs[];

#endif
