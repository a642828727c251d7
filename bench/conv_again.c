// SPDX-License-Identifier: BSD-3-Clause
// A convolution that is prepared for timing once more, on fewer threads.
#include "bench/conv.h"
#include "bench/image.h"

#include <stdlib.h>

static int run(void *user) {
  const bench_conv_again *a = user;
  return onefold_conv2d_run(a->plan, a->packed, &a->buffers) != ONEFOLD_OK;
}

/// Largest difference from the result of `conv`, as NCHW.
static onefold_status check(const bench_conv_again *again, const bench_conv *conv, double *error) {
  onefold_context *context = conv->session->fewer;
  const size_t n = onefold_tensor_elements(context, conv->out, ONEFOLD_NCHW);
  float *plain = onefold_bench_floats(n);
  if (!plain) return ONEFOLD_OUT_OF_MEMORY;
  const onefold_status status = onefold_reorder(context, conv->out, conv->desc.out_layout,
                                                again->buffers.output, ONEFOLD_NCHW, plain);
  if (status == ONEFOLD_OK) *error = onefold_bench_error(plain, conv->plain_out, n);
  free(plain);
  return status;
}

int onefold_bench_conv_again_make(bench_conv *conv, bench_conv_again *again) {
  bench_session *session = conv->session;
  *again = (bench_conv_again){.buffers.input = conv->buffers.input};
  double error = 0.0;
  again->buffers.output = onefold_bench_floats(conv->output_floats);
  onefold_status status = again->buffers.output ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  if (status == ONEFOLD_OK)
    status = onefold_bench_conv_once(session->fewer, &conv->desc, &conv->weights, &again->plan,
                                     &again->packed, &again->buffers);
  if (status == ONEFOLD_OK && session->options->check) status = check(again, conv, &error);
  if (status == ONEFOLD_OK) {
    onefold_conv2d_plan_info info;
    onefold_conv2d_plan_get_info(again->plan, &info);
    again->calls =
        (bench_again){.session = session,
                      .run = run,
                      .user = again,
                      .input = again->buffers.input,
                      .output = again->buffers.output,
                      .input_floats = conv->input_floats,
                      .output_floats = conv->output_floats,
                      .label = info.algorithm,
                      .flops = conv->flops,
                      .bytes = conv->bytes,
                      .memory = (double)info.packed_bytes + (double)info.workspace_bytes};
  }
  return onefold_bench_again_judge(session, conv->problem, status, error);
}

void onefold_bench_conv_again_destroy(bench_conv_again *again) {
  onefold_conv2d_packed_destroy(again->packed);
  onefold_conv2d_plan_destroy(again->plan);
  free(again->buffers.workspace);
  free(again->buffers.output);
}
