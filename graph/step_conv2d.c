// SPDX-License-Identifier: BSD-3-Clause
// The step of a convolution with its epilogue.
#include "graph/exec.h"

#include <stdio.h>
#include <string.h>

void onefold_step_conv2d_adopt(const onefold_context *context, onefold_step_conv2d *own,
                               onefold_conv2d_packed *packed) {
  own->packed = packed;
  onefold_release(context, own->vectors);
  own->vectors = NULL;
  own->weights = (onefold_conv2d_weights){0};
}

onefold_status onefold_step_conv2d_pack(onefold_context *context, onefold_step_conv2d *own) {
  if (own->packed) return ONEFOLD_OK;
  onefold_conv2d_packed *packed = NULL;
  const onefold_status status = onefold_conv2d_pack(own->plan, &own->weights, &packed);
  if (status == ONEFOLD_OK) onefold_step_conv2d_adopt(context, own, packed);
  return status;
}

static onefold_status run(onefold_context *context, const onefold_step *step,
                          const onefold_step_buffers *buffers) {
  (void)context;
  const onefold_conv2d_buffers conv = {.input = buffers->src,
                                       .residual = buffers->other,
                                       .output = buffers->dst,
                                       .workspace = buffers->workspace};
  if (!step->apart) return onefold_conv2d_run(step->as.conv2d.plan, step->as.conv2d.packed, &conv);
  onefold_conv_run_images(step->as.conv2d.plan, step->as.conv2d.packed, &conv, &buffers->images);
  return ONEFOLD_OK;
}

void onefold_step_conv2d_describe(const onefold_step_conv2d *own, char *text, size_t size) {
  const onefold_conv2d_desc *desc = &own->desc;
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(own->plan, &info);
  char problem[160];
  onefold_conv2d_desc_print(desc, problem, sizeof problem);
  int used = snprintf(text, size, " %s %s %s", problem, info.algorithm, info.kernel);
  const int act = desc->activation != ONEFOLD_ACT_NONE;
  if (used > 0 && (size_t)used < size)
    snprintf(text + used, size - (size_t)used, "%s%s%s%s%s",
             desc->residual == ONEFOLD_RESIDUAL_BEFORE_ACTIVATION ? " +residual" : "",
             desc->has_residual_scale ? "*scale" : "", act ? " +" : "",
             act ? onefold_activation_name(desc->activation) : "",
             desc->residual == ONEFOLD_RESIDUAL_AFTER_ACTIVATION ? " +residual" : "");
}

void onefold_step_conv2d_destroy(const onefold_context *context, onefold_step_conv2d *own) {
  onefold_conv2d_packed_destroy(own->packed);
  onefold_conv2d_plan_destroy(own->plan);
  onefold_release(context, own->vectors);
}

static onefold_status pack(onefold_context *context, onefold_step *step) {
  return onefold_step_conv2d_pack(context, &step->as.conv2d);
}

static void describe(const onefold_step *step, char *text, size_t size) {
  onefold_step_conv2d_describe(&step->as.conv2d, text, size);
}

static void destroy(onefold_context *context, onefold_step *step) {
  onefold_step_conv2d_destroy(context, &step->as.conv2d);
}

const onefold_step_type onefold_step_type_conv2d = {.name = "conv",
                                                    .pack = pack,
                                                    .run = run,
                                                    .describe = describe,
                                                    .destroy = destroy,
                                                    .takes_apart = 1};
