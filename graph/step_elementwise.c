// SPDX-License-Identifier: BSD-3-Clause
// Steps that call an elementwise operator: batch normalisation, addition, activation, reorder.
#include "graph/exec.h"

#include <onefold/elementwise.h>

#include <stdio.h>

static onefold_status run_batch_norm(onefold_context *context, const onefold_step *step,
                                     const onefold_step_buffers *buffers) {
  return onefold_batch_norm(context, step->shape, ONEFOLD_BLOCKED, &step->as.batch_norm.params,
                            buffers->src, buffers->dst);
}

static void destroy_batch_norm(onefold_context *context, onefold_step *step) {
  onefold_release(context, step->as.batch_norm.vectors);
}

const onefold_step_type onefold_step_type_batch_norm = {
    .name = "batch_norm", .run = run_batch_norm, .destroy = destroy_batch_norm};

static onefold_status run_add(onefold_context *context, const onefold_step *step,
                              const onefold_step_buffers *buffers) {
  return onefold_add(context, step->shape, ONEFOLD_BLOCKED, buffers->src, buffers->other,
                     buffers->dst);
}

const onefold_step_type onefold_step_type_add = {.name = "add", .run = run_add};

static onefold_status run_activation(onefold_context *context, const onefold_step *step,
                                     const onefold_step_buffers *buffers) {
  return onefold_activate(context, step->shape, ONEFOLD_BLOCKED, step->as.activation.function,
                          step->as.activation.param, buffers->src, buffers->dst);
}

static void describe_activation(const onefold_step *step, char *text, size_t size) {
  snprintf(text, size, " %s", onefold_activation_name(step->as.activation.function));
}

const onefold_step_type onefold_step_type_activation = {
    .name = "activation", .run = run_activation, .describe = describe_activation};

static onefold_status run_reorder(onefold_context *context, const onefold_step *step,
                                  const onefold_step_buffers *buffers) {
  return onefold_reorder(context, step->shape, step->as.reorder.from, buffers->src,
                         step->as.reorder.to, buffers->dst);
}

static void describe_reorder(const onefold_step *step, char *text, size_t size) {
  snprintf(text, size, " %s to %s", onefold_layout_name(step->as.reorder.from),
           onefold_layout_name(step->as.reorder.to));
}

const onefold_step_type onefold_step_type_reorder = {
    .name = "reorder", .run = run_reorder, .describe = describe_reorder};
