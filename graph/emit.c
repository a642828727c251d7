// SPDX-License-Identifier: BSD-3-Clause
// Appending values and steps to an execution, and the elementwise steps.
#include "graph/lower.h"

#include <stdio.h>
#include <string.h>

int32_t onefold_emit_fail(onefold_lowering *lowering, onefold_status status) {
  if (lowering->status == ONEFOLD_OK) lowering->status = status;
  return ONEFOLD_NO_VALUE;
}

int32_t onefold_emit_out_of_memory(onefold_lowering *lowering) {
  return onefold_emit_fail(lowering, onefold_fail(lowering->exec->context, ONEFOLD_OUT_OF_MEMORY,
                                                  "no memory to plan the graph"));
}

int32_t onefold_emit_value(onefold_lowering *lowering, onefold_shape shape, onefold_layout layout) {
  onefold_exec *exec = lowering->exec;
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  size_t bytes, elements = onefold_tensor_elements(exec->context, shape, layout);
  if (elements == 0 || !onefold_mul(elements, sizeof(float), &bytes) || bytes > PTRDIFF_MAX)
    return onefold_emit_fail(lowering,
                             onefold_fail(exec->context, ONEFOLD_OVERFLOW,
                                          "a tensor of %lldx%lldx%lldx%lld does not fit in memory",
                                          (long long)shape.n, (long long)shape.c,
                                          (long long)shape.h, (long long)shape.w));
  if (!onefold_graph_reserve(exec->context, (void **)&exec->values, exec->value_count,
                             &exec->value_capacity, sizeof *exec->values))
    return onefold_emit_out_of_memory(lowering);
  exec->values[exec->value_count] = (onefold_value){.shape = shape,
                                                    .layout = layout,
                                                    .bytes = bytes,
                                                    .input = -1,
                                                    .output = -1,
                                                    .parent = ONEFOLD_NO_VALUE,
                                                    .first = INT32_MAX,
                                                    .last = -1};
  return exec->value_count++;
}

int32_t onefold_emit_view(onefold_lowering *lowering, int32_t parent, int64_t begin,
                          onefold_shape shape) {
  const int32_t value = onefold_emit_value(lowering, shape, ONEFOLD_BLOCKED);
  if (value == ONEFOLD_NO_VALUE) return ONEFOLD_NO_VALUE;
  onefold_value *v = &lowering->exec->values[value];
  v->parent = parent;
  v->offset = (size_t)(begin * shape.h * shape.w) * sizeof(float);
  v->shared = 1;
  return value;
}

static void use_value(onefold_exec *exec, int32_t value, int32_t step) {
  if (value == ONEFOLD_NO_VALUE) return;
  onefold_value *v = &exec->values[value];
  if (step < v->first) v->first = step;
  if (step > v->last) v->last = step;
}

int onefold_emit_step(onefold_lowering *lowering, const onefold_step *step, const char *name) {
  onefold_exec *exec = lowering->exec;
  if (lowering->status != ONEFOLD_OK) return 0;
  if (!onefold_graph_reserve(exec->context, (void **)&exec->steps, exec->step_count,
                             &exec->step_capacity, sizeof *exec->steps)) {
    onefold_emit_out_of_memory(lowering);
    return 0;
  }
  onefold_step *added = &exec->steps[exec->step_count];
  *added = *step;
  snprintf(added->name, sizeof added->name, "%s", name);
  use_value(exec, step->src, exec->step_count);
  use_value(exec, step->other, exec->step_count);
  use_value(exec, step->scale, exec->step_count);
  use_value(exec, step->dst, exec->step_count);
  exec->step_count++;
  return 1;
}

/// `dst`, or a new blocked value like `src` where dst is ONEFOLD_NO_VALUE.
static int32_t destination(onefold_lowering *lowering, int32_t src, int32_t dst) {
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  if (dst != ONEFOLD_NO_VALUE) return dst;
  return onefold_emit_value(lowering, lowering->exec->values[src].shape, ONEFOLD_BLOCKED);
}

int32_t onefold_emit_elementwise(onefold_lowering *lowering, onefold_step *step, const char *name) {
  step->dst = destination(lowering, step->src, step->dst);
  if (step->dst == ONEFOLD_NO_VALUE) return ONEFOLD_NO_VALUE;
  step->shape = lowering->exec->values[step->src].shape;
  return onefold_emit_step(lowering, step, name) ? step->dst : ONEFOLD_NO_VALUE;
}

int32_t onefold_emit_batch_norm(onefold_lowering *lowering, const char *name,
                                const onefold_batch_norm_params *params, int32_t src, int32_t dst) {
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  onefold_exec *exec = lowering->exec;
  const size_t channels = (size_t)exec->values[src].shape.c;
  onefold_step step = {.type = &onefold_step_type_batch_norm,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = dst};
  onefold_step_batch_norm *own = &step.as.batch_norm;
  own->vectors = onefold_allocate(exec->context, 4 * channels * sizeof(float));
  if (!own->vectors) return onefold_emit_out_of_memory(lowering);
  own->params.epsilon = params->epsilon;
  const float *sources[4] = {params->gamma, params->beta, params->mean, params->variance};
  const float **targets[4] = {&own->params.gamma, &own->params.beta, &own->params.mean,
                              &own->params.variance};
  for (size_t i = 0; i < 4; i++) {
    if (!sources[i]) continue;
    *targets[i] = memcpy(own->vectors + i * channels, sources[i], channels * sizeof(float));
  }
  const int32_t value = onefold_emit_elementwise(lowering, &step, name);
  if (value == ONEFOLD_NO_VALUE) onefold_release(exec->context, own->vectors);
  return value;
}

int32_t onefold_emit_add(onefold_lowering *lowering, const char *name, int32_t a, int32_t b,
                         int32_t dst) {
  onefold_step step = {
      .type = &onefold_step_type_add, .src = a, .other = b, .scale = ONEFOLD_NO_VALUE, .dst = dst};
  return onefold_emit_elementwise(lowering, &step, name);
}

int32_t onefold_emit_activation(onefold_lowering *lowering, const char *name,
                                onefold_node_activation activation, int32_t src, int32_t dst) {
  onefold_step step = {.type = &onefold_step_type_activation,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = dst,
                       .as.activation = activation};
  return onefold_emit_elementwise(lowering, &step, name);
}

int32_t onefold_emit_reorder(onefold_lowering *lowering, const char *name, int32_t src,
                             onefold_layout layout) {
  if (lowering->status != ONEFOLD_OK) return ONEFOLD_NO_VALUE;
  const onefold_value source = lowering->exec->values[src];
  onefold_step step = {.type = &onefold_step_type_reorder,
                       .src = src,
                       .other = ONEFOLD_NO_VALUE,
                       .scale = ONEFOLD_NO_VALUE,
                       .dst = onefold_emit_value(lowering, source.shape, layout),
                       .as.reorder = {source.layout, layout}};
  return onefold_emit_elementwise(lowering, &step, name);
}
