// SPDX-License-Identifier: BSD-3-Clause
// The step of a depthwise and a pointwise convolution as one operator.
#include "graph/exec.h"

#include <string.h>

static onefold_status pack(onefold_context *context, onefold_step *step) {
  const onefold_status status = onefold_step_conv2d_pack(context, &step->as.pair.first);
  return status == ONEFOLD_OK ? onefold_step_conv2d_pack(context, &step->as.pair.second) : status;
}

static onefold_status run(onefold_context *context, const onefold_step *step,
                          const onefold_step_buffers *buffers) {
  (void)context;
  const onefold_step_pair *own = &step->as.pair;
  const onefold_conv2d_buffers conv = {.input = buffers->src,
                                       .residual = buffers->other,
                                       .output = buffers->dst,
                                       .workspace = buffers->workspace};
  onefold_conv_pair_run(&own->pair, own->first.packed, own->second.packed, &conv, &buffers->images);
  return ONEFOLD_OK;
}

static void describe(const onefold_step *step, char *text, size_t size) {
  onefold_step_conv2d_describe(&step->as.pair.first, text, size);
  size_t used = strlen(text);
  if (used + 3 < size) memcpy(text + used, " ->", 4);
  used = strlen(text);
  onefold_step_conv2d_describe(&step->as.pair.second, text + used, size - used);
}

static void destroy(onefold_context *context, onefold_step *step) {
  onefold_step_conv2d_destroy(context, &step->as.pair.first);
  onefold_step_conv2d_destroy(context, &step->as.pair.second);
}

const onefold_step_type onefold_step_type_pair = {.name = "pair",
                                                  .pack = pack,
                                                  .run = run,
                                                  .describe = describe,
                                                  .destroy = destroy,
                                                  .takes_apart = 1};
