// SPDX-License-Identifier: BSD-3-Clause
// What an execution says of itself: totals, steps, and a line of text for each.
#include "graph/exec.h"

#include <stdio.h>
#include <string.h>

void onefold_exec_get_info(const onefold_exec *exec, onefold_exec_info *info) {
  if (!exec || !info) return;
  *info = (onefold_exec_info){.steps = (size_t)exec->step_count,
                              .arena_bytes = exec->arena_bytes,
                              .tensor_bytes = exec->tensor_bytes,
                              .mapped_bytes = exec->backing.bytes};
  for (int32_t i = 0; i < exec->step_count; i++) info->packed_bytes += exec->steps[i].packed;
  for (int32_t i = 0; i < exec->value_count; i++)
    if (exec->values[i].constant) info->packed_bytes += exec->values[i].bytes;
}

onefold_shape onefold_exec_input_shape(const onefold_exec *exec, size_t index) {
  for (int32_t i = 0; exec && i < exec->value_count; i++)
    if (exec->values[i].input >= 0 && (size_t)exec->values[i].input == index)
      return exec->values[i].shape;
  return (onefold_shape){0};
}

onefold_shape onefold_exec_output_shape(const onefold_exec *exec, size_t index) {
  for (int32_t i = 0; exec && i < exec->value_count; i++)
    if (exec->values[i].output >= 0 && (size_t)exec->values[i].output == index)
      return exec->values[i].shape;
  return (onefold_shape){0};
}

static void add_conv(const onefold_step_conv2d *conv, onefold_exec_step *told) {
  onefold_exec_conv *to = &told->convs[told->conv_count++];
  to->desc = conv->desc;
  onefold_conv2d_plan_get_info(conv->plan, &to->plan);
  onefold_conv2d_plan_get_tiling(conv->plan, &to->tiling);
  told->macs += to->plan.macs;
}

/// What a copy of channels reads and writes of its tensors.
static void cut_copy(const onefold_step *step, onefold_exec_step *told) {
  onefold_shape *const shapes[] = {&told->in, &told->out};
  size_t *const bytes[] = {&told->read_bytes, &told->written_bytes};
  for (int i = 0; i < 2; i++) {
    const onefold_shape s = *shapes[i];
    shapes[i]->c = step->as.copy.count;
    *bytes[i] = (size_t)(s.n * step->as.copy.count * s.h * s.w) * sizeof(float);
  }
}

onefold_status onefold_exec_get_step(const onefold_exec *exec, size_t index,
                                     onefold_exec_step *told) {
  if (!exec) return ONEFOLD_INVALID_ARGUMENT;
  if (!told) return onefold_fail(exec->context, ONEFOLD_INVALID_ARGUMENT, "step is NULL");
  if (index >= (size_t)exec->step_count)
    return onefold_fail(exec->context, ONEFOLD_INVALID_ARGUMENT, "step %zu of %d", index,
                        (int)exec->step_count);
  const onefold_step *step = &exec->steps[index];
  const int32_t operands[] = {step->src, step->other, step->scale};
  *told = (onefold_exec_step){.name = step->name,
                              .op = step->type->name,
                              .in = exec->values[step->src].shape,
                              .out = exec->values[step->dst].shape,
                              .packed_bytes = step->packed,
                              .written_bytes = exec->values[step->dst].bytes,
                              .workspace_bytes = step->workspace};
  for (size_t i = 0; i < sizeof operands / sizeof *operands; i++)
    if (operands[i] != ONEFOLD_NO_VALUE) told->read_bytes += exec->values[operands[i]].bytes;
  if (step->type == &onefold_step_type_conv2d) add_conv(&step->as.conv2d, told);
  if (step->type == &onefold_step_type_copy) cut_copy(step, told);
  if (step->type == &onefold_step_type_pair) {
    add_conv(&step->as.pair.first, told);
    add_conv(&step->as.pair.second, told);
  }
  return ONEFOLD_OK;
}

/// Appends which channels of another value a value is.
static void describe_view(const onefold_exec *exec, int32_t value, const char *word, char *text,
                          size_t size) {
  if (value == ONEFOLD_NO_VALUE) return;
  const onefold_value *v = &exec->values[value];
  if (v->parent == ONEFOLD_NO_VALUE) return;
  const size_t channel = v->offset / sizeof(float) / (size_t)(v->shape.h * v->shape.w);
  const size_t used = strlen(text);
  snprintf(text + used, size - used, " %s channel %zu of %lld", word, channel,
           (long long)exec->values[v->parent].shape.c);
}

void onefold_exec_describe(const onefold_exec *exec, void (*line)(void *user, const char *text),
                           void *user) {
  if (!exec || !line) return;
  for (int32_t i = 0; i < exec->step_count; i++) {
    const onefold_step *step = &exec->steps[i];
    const onefold_shape s = step->shape;
    char detail[320] = "", text[512];
    if (step->type->describe) step->type->describe(step, detail, sizeof detail);
    snprintf(text, sizeof text, "%s: %s %lldx%lldx%lldx%lld%s", step->name, step->type->name,
             (long long)s.n, (long long)s.c, (long long)s.h, (long long)s.w, detail);
    describe_view(exec, step->src, "from", text, sizeof text);
    describe_view(exec, step->dst, "to", text, sizeof text);
    line(user, text);
  }
}
