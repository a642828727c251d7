// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and grouped convolution a few rows at a time.
#ifndef ONEFOLD_OPS_CONV_DEPTHWISE_H
#define ONEFOLD_OPS_CONV_DEPTHWISE_H

#include "ops/conv_tasks.h"

/// The plan's source and kernel, the latter of those from `base` on: ONEFOLD_OP_DEPTHWISE_S1 or
/// _GROUPED_S1.
void onefold_conv_depthwise_plan(onefold_conv2d_plan *plan, onefold_op base);

/// The output rows [begin, end) of one block.
void onefold_conv_depthwise_rows(const onefold_conv_run *run, int64_t image, int64_t block,
                                 const onefold_conv_area *area, int64_t begin, int64_t end);

/// Piece `index` of plan->tasks: rows of all blocks, or of some.
void onefold_conv_depthwise_task(const onefold_conv_run *run, size_t index);

#endif
