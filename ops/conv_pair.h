// SPDX-License-Identifier: BSD-3-Clause
// Two convolutions as one operator: a depthwise one and a pointwise one, in either order. What is
// between them is made in bands of rows that stay in cache; every bit is that of the separate runs.
#ifndef ONEFOLD_OPS_CONV_PAIR_H
#define ONEFOLD_OPS_CONV_PAIR_H

#include "ops/conv_algorithm.h"

/// Borrows its plans.
typedef struct onefold_conv_pair {
  const onefold_conv2d_plan *first, *second;
  int32_t tasks;
  int64_t rows;    // output rows of a band
  int64_t kept;    // rows between the two that a band needs
  ptrdiff_t block; // floats from a channel block of these rows to the next
  size_t scratch;  // floats of workspace for each task
} onefold_conv_pair;

/// NULL, or why the two cannot be a pair (a sentence in `reason`).
const char *onefold_conv_pair_refuse(const onefold_conv2d_plan *first,
                                     const onefold_conv2d_plan *second, char *reason, size_t size);

/// For two plans that are not refused; bands of at most `bytes` of rows, or of one output row.
void onefold_conv_pair_make(const onefold_conv2d_plan *first, const onefold_conv2d_plan *second,
                            size_t bytes, onefold_conv_pair *pair);

/// Bytes of a band that share L2 with what it is made of.
size_t onefold_conv_pair_band(const onefold_context *context);

/// Bytes of the tensor between the two.
size_t onefold_conv_pair_between(const onefold_conv_pair *pair);

/// Non-zero where the pair is estimated to be faster than the separate runs.
int onefold_conv_pair_pays(const onefold_conv_pair *pair);

size_t onefold_conv_pair_workspace(const onefold_conv_pair *pair); // bytes

/// input: the first's; residual, output: the second's. The buffers are as they must be for
/// onefold_conv_run_images; `images` NULL: of whole tensors. Allocates nothing.
void onefold_conv_pair_run(const onefold_conv_pair *pair, const onefold_conv2d_packed *first,
                           const onefold_conv2d_packed *second,
                           const onefold_conv2d_buffers *buffers,
                           const onefold_conv_images *images);

#endif
