// SPDX-License-Identifier: BSD-3-Clause
// Checks of the tensors and buffers that callers pass in, and how they are
// walked. `op` begins the sentence ("add"), `name` is the argument's. The
// context is not NULL.
#ifndef ONEFOLD_OPS_TENSOR_H
#define ONEFOLD_OPS_TENSOR_H

#include "ops/context.h"

/// Sizes positive, layout known, product within memory. Sets *elements.
onefold_status onefold_check_tensor(const onefold_context *context, const char *op,
                                    onefold_shape shape, onefold_layout layout, size_t *elements);

/// Not NULL and aligned to 4 bytes.
onefold_status onefold_check_floats(const onefold_context *context, const char *op,
                                    const char *name, const float *floats);

/// A number of floats that an argument names.
typedef struct onefold_span {
  const char *name;
  const float *floats;
  size_t count;
} onefold_span;

/// The two share no byte.
onefold_status onefold_check_apart(const onefold_context *context, const char *op, onefold_span a,
                                   onefold_span b);

/// The two are the same floats or share no byte.
onefold_status onefold_check_same_or_apart(const onefold_context *context, const char *op,
                                           onefold_span a, onefold_span b);

/// A tensor as planes of h*w pixels of `group` neighbouring floats: 1 in NCHW, v in BLOCKED, all
/// channels in NHWC.
void onefold_pixel_planes(int32_t v, onefold_shape shape, onefold_layout layout, int64_t *group,
                          int64_t *planes);

/// Tasks to cut a memory-bound operator into: at most one per thread and unit,
/// and one alone where waking a thread would cost more than the work.
size_t onefold_memory_tasks(const onefold_context *context, size_t elements, size_t units);

#endif
