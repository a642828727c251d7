// SPDX-License-Identifier: BSD-3-Clause
// A convolution that has been checked, and its geometry.
#ifndef ONEFOLD_OPS_CONV_PROBLEM_H
#define ONEFOLD_OPS_CONV_PROBLEM_H

#include "ops/context.h"

#include <onefold/conv2d.h>

/// A descriptor that has been checked: every size fits, every product used
/// for addressing fits in ptrdiff_t.
typedef struct onefold_conv_problem {
  onefold_conv2d_desc desc;
  int32_t v;                     // channel block
  int64_t out_h, out_w;          // output size
  int64_t in_group, out_group;   // channels per group
  int64_t in_blocks, out_blocks; // channel blocks
  onefold_accuracy accuracy;
  double macs;
  int among; // layers that the same threads run: what they read was written by them
} onefold_conv_problem;

/// Checks `desc` and fills `problem`.
onefold_status onefold_conv_problem_make(const onefold_context *context,
                                         const onefold_conv2d_desc *desc,
                                         onefold_conv_problem *problem);

/// Taps of the kernel.
static inline int64_t onefold_conv_taps(const onefold_conv_problem *problem) {
  return problem->desc.kernel_h * problem->desc.kernel_w;
}

/// Is the kernel `side` x `side`? If not, `reason` says so.
int onefold_conv_kernel_is(const onefold_conv_problem *problem, int side, char *reason,
                           size_t size);

/// The outputs [*first, *end) of `count` along an axis at which a tap reads inside the image of
/// `size` pixels: output 0 reads pixel `at`.
void onefold_conv_outputs_inside(int64_t at, int64_t size, int64_t stride, int64_t count,
                                 int64_t *first, int64_t *end);

/// Kernel rows that lie inside the image at output row `row`: *first and their number. The
/// first of them reads source row row*stride_h - pad_top + *first*dilation_h.
int32_t onefold_conv_rows_inside(const onefold_conv2d_desc *desc, int64_t row, int64_t *first);

#endif
