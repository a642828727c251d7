// SPDX-License-Identifier: BSD-3-Clause
// One convolution prepared for timing: planned, packed, run and checked.
#include "bench/conv.h"

#include "bench/image.h"

#include <math.h>
#include <stdlib.h>

/// 0 on overflow; the plan then says why.
static size_t weight_floats(const onefold_context *context, const onefold_conv2d_desc *d) {
  const onefold_shape shape = {d->out_channels, d->in_channels / d->groups, d->kernel_h,
                               d->kernel_w};
  return onefold_tensor_elements(context, shape, ONEFOLD_NCHW);
}

static int make_arrays(bench_conv *conv) {
  bench_session *session = conv->session;
  onefold_context *context = session->context;
  const onefold_conv2d_desc *d = &conv->desc;
  const size_t weights = weight_floats(context, d), biases = (size_t)d->out_channels;
  const size_t plain_in = onefold_tensor_elements(context, conv->in, ONEFOLD_NCHW);
  const size_t plain_out = onefold_tensor_elements(context, conv->out, ONEFOLD_NCHW);
  conv->input_floats = onefold_tensor_elements(context, conv->in, d->in_layout);
  conv->output_floats = onefold_tensor_elements(context, conv->out, d->out_layout);
  conv->weight = onefold_bench_floats(weights);
  conv->bias = onefold_bench_floats(biases);
  conv->plain_in = onefold_bench_floats(plain_in);
  conv->plain_out = onefold_bench_floats(plain_out);
  conv->input = onefold_bench_floats(conv->input_floats);
  conv->buffers.input = conv->input;
  conv->buffers.output = onefold_bench_floats(conv->output_floats);
  if (!conv->weight || !conv->bias || !conv->plain_in || !conv->plain_out || !conv->input ||
      !conv->buffers.output) {
    return onefold_bench_session_fail(session, conv->problem, ONEFOLD_OUT_OF_MEMORY);
  }
  onefold_bench_fill(session, conv->weight, weights);
  onefold_bench_fill(session, conv->bias, biases);
  onefold_bench_fill(session, conv->plain_in, plain_in);
  const float scale = sqrtf((float)biases / (float)weights);
  for (size_t i = 0; i < weights; i++) conv->weight[i] *= scale;
  conv->weights = (onefold_conv2d_weights){.weight = conv->weight, .bias = conv->bias};
  conv->bytes =
      (double)sizeof(float) * (double)(weights + biases + conv->input_floats + conv->output_floats);
  conv->reorder_in_bytes = (double)sizeof(float) * (double)(plain_in + conv->input_floats);
  conv->reorder_out_bytes = (double)sizeof(float) * (double)(plain_out + conv->output_floats);
  return ONEFOLD_EXIT_OK;
}

onefold_status onefold_bench_conv_once(onefold_context *context, const onefold_conv2d_desc *desc,
                                       const onefold_conv2d_weights *weights,
                                       onefold_conv2d_plan **plan, onefold_conv2d_packed **packed,
                                       onefold_conv2d_buffers *buffers) {
  onefold_status status = onefold_conv2d_plan_create(context, desc, plan);
  if (status == ONEFOLD_OK) status = onefold_conv2d_pack(*plan, weights, packed);
  if (status != ONEFOLD_OK) return status;
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(*plan, &info);
  if (info.workspace_bytes > 0) {
    buffers->workspace = onefold_bench_floats(info.workspace_bytes / sizeof(float) + 1);
    if (!buffers->workspace) return ONEFOLD_OUT_OF_MEMORY;
  }
  return onefold_conv2d_run(*plan, *packed, buffers);
}

/// Largest error against the reference kernels, from NCHW to NCHW.
static int check(bench_conv *conv) {
  bench_session *session = conv->session;
  const size_t n = onefold_tensor_elements(session->context, conv->out, ONEFOLD_NCHW);
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = session->options->threads,
                                           .has_max_isa = 1,
                                           .max_isa = ONEFOLD_ISA_REF,
                                           .accuracy = ONEFOLD_ACCURACY_STRICT};
  onefold_conv2d_desc desc = conv->desc;
  desc.in_layout = desc.out_layout = ONEFOLD_NCHW;
  onefold_context *context = NULL;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  onefold_conv2d_buffers buffers = {.input = conv->plain_in, .output = onefold_bench_floats(n)};
  onefold_status status =
      buffers.output ? onefold_context_create(&options, &context) : ONEFOLD_OUT_OF_MEMORY;
  if (status == ONEFOLD_OK) {
    status = onefold_bench_conv_once(context, &desc, &conv->weights, &plan, &packed, &buffers);
  }
  if (status == ONEFOLD_OK) {
    status = onefold_reorder(session->context, conv->out, conv->desc.out_layout,
                             conv->buffers.output, ONEFOLD_NCHW, conv->plain_out);
  }
  if (status == ONEFOLD_OK) conv->error = onefold_bench_error(conv->plain_out, buffers.output, n);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
  free(buffers.workspace);
  free(buffers.output);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, "reference", status);
  if (!(conv->error <= BENCH_ERROR_LIMIT)) {
    onefold_bench_session_wrong(session, conv->problem, conv->error);
  }
  return ONEFOLD_EXIT_OK;
}

int onefold_bench_conv_make(bench_session *session, const bench_problem *problem,
                            bench_conv *conv) {
  const bench_options *o = session->options;
  const onefold_conv2d_desc *desc = &problem->desc;
  *conv = (bench_conv){.session = session, .problem = problem->name, .desc = *desc, .error = -1.0};
  conv->in = (onefold_shape){desc->batch, desc->in_channels, desc->in_h, desc->in_w};
  onefold_status status = onefold_conv2d_output_shape(session->context, &conv->desc, &conv->out);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, conv->problem, status);
  const int made = make_arrays(conv);
  if (made) return made;
  status = onefold_reorder(session->context, conv->in, ONEFOLD_NCHW, conv->plain_in,
                           conv->desc.in_layout, conv->input);
  if (status == ONEFOLD_OK) {
    status = onefold_bench_conv_once(session->context, &conv->desc, &conv->weights, &conv->plan,
                                     &conv->packed, &conv->buffers);
  }
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, conv->problem, status);
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(conv->plan, &info);
  conv->flops = 2.0 * info.macs;
  return o->check ? check(conv) : ONEFOLD_EXIT_OK;
}

void onefold_bench_conv_destroy(bench_conv *conv) {
  onefold_conv2d_packed_destroy(conv->packed);
  onefold_conv2d_plan_destroy(conv->plan);
  free(conv->buffers.workspace);
  free(conv->buffers.output);
  free(conv->input);
  free(conv->plain_out);
  free(conv->plain_in);
  free(conv->bias);
  free(conv->weight);
}
