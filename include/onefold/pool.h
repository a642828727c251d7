// SPDX-License-Identifier: BSD-3-Clause
// Pooling and nearest-neighbour upsampling. Both are memory-bound, run on the
// context's threads, never allocate, and are thread-safe for distinct outputs.
// Input and output may not overlap. Buffers hold
// onefold_tensor_elements(context, shape, layout) floats.
// Errors: INVALID_ARGUMENT, SHAPE_MISMATCH, OVERFLOW, UNSUPPORTED, BAD_BUFFER.
#ifndef ONEFOLD_POOL_H
#define ONEFOLD_POOL_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

typedef enum onefold_pooling {
  ONEFOLD_POOL_MAX = 0, // padding counts as minus infinity
  ONEFOLD_POOL_MEAN = 1
} onefold_pooling;

/// Geometry of a pooling, as PyTorch's MaxPool2d and AvgPool2d have it.
typedef struct onefold_pool2d_params {
  int64_t kernel_h, kernel_w, stride_h, stride_w;
  int64_t pad_top, pad_bottom, pad_left, pad_right; // each at most kernel/2
  /// Rounds the output size up instead of down; a last window that would begin in the padding
  /// behind the image is left out.
  int32_t ceil_mode;
  /// Mean only: padding counts in the divisor.
  int32_t count_include_pad;
  /// Mean only: divides by this instead of the window's size; 0 for none.
  int64_t divisor;
} onefold_pool2d_params;

/// Square kernel, one stride, the same padding on every side, floor mode, padding counted.
ONEFOLD_API onefold_pool2d_params onefold_pool2d_square(int64_t kernel, int64_t stride,
                                                        int64_t pad);

/// Shape of the result.
ONEFOLD_API onefold_status onefold_pool2d_output_shape(const onefold_context *context,
                                                       onefold_shape in,
                                                       const onefold_pool2d_params *params,
                                                       onefold_shape *out);

ONEFOLD_API onefold_status onefold_pool2d(onefold_context *context, onefold_shape in,
                                          onefold_layout layout, onefold_pooling pooling,
                                          const onefold_pool2d_params *params, const float *input,
                                          float *output);

/// output[n][c][y][x] = input[n][c][y / factor][x / factor].
ONEFOLD_API onefold_status onefold_upsample_nearest(onefold_context *context, onefold_shape in,
                                                    onefold_layout layout, int64_t factor,
                                                    const float *input, float *output);

ONEFOLD_END

#endif
