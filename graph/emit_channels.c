// SPDX-License-Identifier: BSD-3-Clause
// Appending the steps that work on whole channels: means, scales, pooling, upsampling, padding,
// copies of channels.
#include "graph/lower.h"

#include <string.h>

int32_t onefold_emit_channel_scale(onefold_lowering *lowering, const char *name, int32_t src,
                                   int32_t scale, onefold_node_activation activation, int32_t dst) {
  onefold_step step = {.type = &onefold_step_type_channel_scale,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = scale,
                       .dst = dst,
                       .as.activation = activation};
  return onefold_emit_elementwise(lowering, &step, name);
}

int32_t onefold_emit_mean(onefold_lowering *lowering, const char *name, int32_t src) {
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  const onefold_shape shape = lowering->exec->values[src].shape;
  onefold_step step = {.type = &onefold_step_type_mean,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = onefold_emit_value(lowering, (onefold_shape){shape.n, shape.c, 1, 1},
                                                 ONEFOLD_BLOCKED)};
  return onefold_emit_elementwise(lowering, &step, name);
}

int32_t onefold_emit_pool(onefold_lowering *lowering, const char *name, onefold_pooling pooling,
                          const onefold_pool2d_params *params, onefold_shape out, int32_t src) {
  onefold_step step = {.type = pooling == ONEFOLD_POOL_MAX ? &onefold_step_type_max_pool
                                                           : &onefold_step_type_avg_pool,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = onefold_emit_value(lowering, out, ONEFOLD_BLOCKED),
                       .as.pool = *params};
  return onefold_emit_elementwise(lowering, &step, name);
}

int32_t onefold_emit_upsample(onefold_lowering *lowering, const char *name, int64_t factor,
                              onefold_shape out, int32_t src) {
  onefold_step step = {.type = &onefold_step_type_upsample,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = onefold_emit_value(lowering, out, ONEFOLD_BLOCKED),
                       .as.upsample_factor = factor};
  return onefold_emit_elementwise(lowering, &step, name);
}

int32_t onefold_emit_pad(onefold_lowering *lowering, const char *name,
                         const onefold_pad_params *params, onefold_shape out, int32_t src) {
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  const onefold_context *context = lowering->exec->context;
  onefold_step step = {.type = &onefold_step_type_pad,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = onefold_emit_value(lowering, out, ONEFOLD_BLOCKED),
                       .as.pad = {.params = *params}};
  const size_t v = (size_t)onefold_context_block(context), channels = (size_t)out.c;
  step.as.pad.values = onefold_allocate(context, (channels + v - 1) / v * v * sizeof(float));
  if (!step.as.pad.values) return onefold_emit_out_of_memory(lowering);
  if (params->value) memcpy(step.as.pad.values, params->value, channels * sizeof(float));
  step.as.pad.params.value = NULL;
  const int32_t value = onefold_emit_elementwise(lowering, &step, name);
  if (value == ONEFOLD_NO_VALUE) onefold_release(context, step.as.pad.values);
  return value;
}

int32_t onefold_emit_copy(onefold_lowering *lowering, const char *name,
                          const onefold_channel_copy *copy, int32_t src, int32_t dst) {
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  const onefold_step step = {.type = &onefold_step_type_copy,
                             .src = src,
                             .other = ONEFOLD_NO_VALUE,
                             .scale = ONEFOLD_NO_VALUE,
                             .dst = dst,
                             .shape = lowering->exec->values[dst].shape,
                             .as.copy = *copy};
  return onefold_emit_step(lowering, &step, name) ? dst : ONEFOLD_NO_VALUE;
}
