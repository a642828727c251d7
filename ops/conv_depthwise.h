// SPDX-License-Identifier: BSD-3-Clause
// Depthwise convolution a few rows at a time.
#ifndef ONEFOLD_OPS_CONV_DEPTHWISE_H
#define ONEFOLD_OPS_CONV_DEPTHWISE_H

#include "ops/conv_tasks.h"

/// The output rows [begin, end) of one block of a depthwise convolution.
void onefold_conv_depthwise_rows(const onefold_conv_run *run, int64_t image, int64_t block,
                                 const onefold_conv_area *area, int64_t begin, int64_t end);

#endif
