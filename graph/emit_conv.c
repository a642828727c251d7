// SPDX-License-Identifier: BSD-3-Clause
// Appending a convolution with its epilogue to an execution.
#include "graph/lower.h"

/// bias + shift and residual_scale as float arrays that the step owns.
static int own_vectors(const onefold_context *context, const onefold_emit_conv *conv,
                       onefold_step_conv2d *step) {
  const size_t channels = (size_t)conv->desc.out_channels;
  if (!conv->shift && !conv->residual_scale) return 1;
  step->vectors = onefold_allocate(context, 2 * channels * sizeof(float));
  if (!step->vectors) return 0;
  if (conv->shift) {
    for (size_t o = 0; o < channels; o++)
      step->vectors[o] = (float)(conv->shift[o] + (conv->bias ? (double)conv->bias[o] : 0));
    step->weights.bias = step->vectors;
  }
  if (conv->residual_scale) {
    for (size_t o = 0; o < channels; o++)
      step->vectors[channels + o] = (float)conv->residual_scale[o];
    step->weights.residual_scale = step->vectors + channels;
  }
  return 1;
}

int32_t onefold_emit_conv2d(onefold_lowering *lowering, const onefold_emit_conv *conv) {
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  onefold_exec *exec = lowering->exec;
  onefold_step step = {.type = &onefold_step_type_conv2d,
                       .src = conv->src,
                       .other = conv->residual,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = conv->dst};
  onefold_step_conv2d *own = &step.as.conv2d;
  own->desc = conv->desc;
  own->desc.in_layout = exec->values[conv->src].layout;
  own->desc.out_layout = ONEFOLD_BLOCKED;
  own->desc.activation = conv->activation.function;
  own->desc.activation_param = conv->activation.param;
  own->desc.residual =
      conv->residual == ONEFOLD_NO_VALUE ? ONEFOLD_RESIDUAL_NONE : conv->residual_mode;
  own->desc.has_residual_scale = conv->residual_scale != NULL;
  own->weights = (onefold_conv2d_weights){.weight = conv->weight, .bias = conv->bias};
  onefold_status status = onefold_conv_plan_among(exec->context, &own->desc, &own->plan);
  if (status != ONEFOLD_OK) return onefold_emit_fail(lowering, status);
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(own->plan, &info);
  step.shape = info.out;
  step.workspace = info.workspace_bytes;
  step.packed = info.packed_bytes;
  if (step.dst == ONEFOLD_NO_VALUE)
    step.dst = onefold_emit_value(lowering, info.out, ONEFOLD_BLOCKED);
  const int owned = own_vectors(exec->context, conv, own);
  if (!owned) onefold_emit_out_of_memory(lowering);
  if (!owned || !onefold_emit_step(lowering, &step, conv->name)) {
    onefold_step_type_conv2d.destroy(exec->context, &step);
    return ONEFOLD_NO_VALUE;
  }
  return step.dst;
}
