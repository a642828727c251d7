// SPDX-License-Identifier: BSD-3-Clause
// Operators that a framework runs between convolutions: batch normalisation,
// addition, activation, and changes of layout. All are memory-bound, run on
// the context's threads, never allocate, and are thread-safe for distinct
// outputs. Except for reorder, input and output may be the same buffer.
// Buffers hold onefold_tensor_elements(context, shape, layout) floats.
// Errors: INVALID_ARGUMENT, OVERFLOW, BAD_BUFFER.
#ifndef ONEFOLD_ELEMENTWISE_H
#define ONEFOLD_ELEMENTWISE_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

/// Running statistics of a batch normalisation of C channels
/// (Ioffe and Szegedy, 2015): y = gamma*(x - mean)/sqrt(variance + epsilon) + beta.
typedef struct onefold_batch_norm_params {
  const float *gamma;    // [C], or NULL for 1
  const float *beta;     // [C], or NULL for 0
  const float *mean;     // [C]
  const float *variance; // [C]
  double epsilon;
} onefold_batch_norm_params;

ONEFOLD_API onefold_status onefold_batch_norm(onefold_context *context, onefold_shape shape,
                                              onefold_layout layout,
                                              const onefold_batch_norm_params *params,
                                              const float *input, float *output);

/// output = a + b
ONEFOLD_API onefold_status onefold_add(onefold_context *context, onefold_shape shape,
                                       onefold_layout layout, const float *a, const float *b,
                                       float *output);

/// output = activation(input); `param` as in conv2d.h. SiLU and sigmoid are
/// within 4 ulp of the exact value for |z| <= 87.
ONEFOLD_API onefold_status onefold_activate(onefold_context *context, onefold_shape shape,
                                            onefold_layout layout, onefold_activation activation,
                                            float param, const float *input, float *output);

/// Changes the layout. Padding lanes of a blocked output are written as 0.
ONEFOLD_API onefold_status onefold_reorder(onefold_context *context, onefold_shape shape,
                                           onefold_layout from, const float *input,
                                           onefold_layout to, float *output);

ONEFOLD_END

#endif
