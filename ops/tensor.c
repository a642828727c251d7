// SPDX-License-Identifier: BSD-3-Clause
// Checks of the tensors and buffers that callers pass in, and how they are walked.
#include "ops/tensor.h"

#include <stdint.h>

// Fewest floats that are worth a task of their own.
#define TASK_FLOATS 8192

onefold_status onefold_check_tensor(const onefold_context *context, const char *op,
                                    onefold_shape shape, onefold_layout layout, size_t *elements) {
  const struct {
    const char *name;
    int64_t size;
  } sizes[4] = {{"n", shape.n}, {"c", shape.c}, {"h", shape.h}, {"w", shape.w}};
  if ((unsigned)layout > ONEFOLD_BLOCKED) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: %d is not a layout", op,
                        (int)layout);
  }
  for (int i = 0; i < 4; i++) {
    if (sizes[i].size > 0) continue;
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: shape.%s is %lld, must be positive",
                        op, sizes[i].name, (long long)sizes[i].size);
  }
  *elements = onefold_tensor_elements(context, shape, layout);
  if (*elements) return ONEFOLD_OK;
  return onefold_fail(context, ONEFOLD_OVERFLOW, "%s: %lldx%lldx%lldx%lld floats do not fit", op,
                      (long long)shape.n, (long long)shape.c, (long long)shape.h,
                      (long long)shape.w);
}

onefold_status onefold_check_floats(const onefold_context *context, const char *op,
                                    const char *name, const float *floats) {
  if (!floats) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: %s is NULL", op, name);
  if ((uintptr_t)floats % sizeof(float) == 0) return ONEFOLD_OK;
  return onefold_fail(context, ONEFOLD_BAD_BUFFER, "%s: %s at %p is not aligned to 4 bytes", op,
                      name, (const void *)floats);
}

onefold_status onefold_check_apart(const onefold_context *context, const char *op, onefold_span a,
                                   onefold_span b) {
  const uintptr_t a0 = (uintptr_t)a.floats, b0 = (uintptr_t)b.floats;
  const int apart =
      a0 < b0 ? b0 - a0 >= a.count * sizeof(float) : a0 - b0 >= b.count * sizeof(float);
  if (apart) return ONEFOLD_OK;
  return onefold_fail(context, ONEFOLD_BAD_BUFFER,
                      "%s: %s (%zu floats at %p) overlaps %s (%zu floats at %p)", op, a.name,
                      a.count, (const void *)a.floats, b.name, b.count, (const void *)b.floats);
}

onefold_status onefold_check_same_or_apart(const onefold_context *context, const char *op,
                                           onefold_span a, onefold_span b) {
  if (a.floats == b.floats && a.count == b.count) return ONEFOLD_OK;
  return onefold_check_apart(context, op, a, b);
}

void onefold_pixel_planes(int32_t v, onefold_shape shape, onefold_layout layout, int64_t *group,
                          int64_t *planes) {
  const int64_t blocks = shape.c / v + (shape.c % v != 0);
  *group = layout == ONEFOLD_NCHW ? 1 : layout == ONEFOLD_NHWC ? shape.c : v;
  *planes = shape.n * (layout == ONEFOLD_NCHW ? shape.c : layout == ONEFOLD_NHWC ? 1 : blocks);
}

size_t onefold_memory_tasks(const onefold_context *context, size_t elements, size_t units) {
  const size_t threads = (size_t)onefold_context_threads(context);
  size_t tasks = elements / TASK_FLOATS;
  if (tasks > threads) tasks = threads;
  if (tasks > units) tasks = units;
  return tasks ? tasks : 1;
}
