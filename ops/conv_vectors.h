// SPDX-License-Identifier: BSD-3-Clause
// Pointwise convolution of images of one pixel: a matrix by the vectors of a batch.
#ifndef ONEFOLD_OPS_CONV_VECTORS_H
#define ONEFOLD_OPS_CONV_VECTORS_H

#include "ops/conv_plan.h"

/// Do images have one pixel, all its channels summed at once, and enough output blocks for the
/// tasks to share? They take strips of all images, so that weights are read once. Where a kernel
/// may add the channels of a pixel in any order, whatever the number of tasks: the sums of other
/// modes would have other bits.
int onefold_conv_are_vectors(const onefold_conv_problem *problem, int32_t tasks,
                             const onefold_tiling *tiling);
onefold_status onefold_conv_vectors_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling);

/// One task. The plan has filled most arguments of its kernels: all of them would take longer than
/// the products of a small layer.
void onefold_conv_vectors(const onefold_conv_run *run, size_t index);

#endif
