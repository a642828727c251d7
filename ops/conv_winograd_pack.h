// SPDX-License-Identifier: BSD-3-Clause
// Weights at the points of a Winograd algorithm.
#ifndef ONEFOLD_OPS_CONV_WINOGRAD_PACK_H
#define ONEFOLD_OPS_CONV_WINOGRAD_PACK_H

#include "ops/conv_format.h"

/// The floats of one output block, all of which are written.
void onefold_conv_pack_winograd(const onefold_conv_problem *problem, onefold_pack_format format,
                                int32_t block, const float *weight, float *packed);

#endif
