// SPDX-License-Identifier: BSD-3-Clause
// A convolution that is prepared for timing once more, in another context.
#include "bench/conv.h"
#include "bench/image.h"
#include "bench/timed.h"

#include <stdlib.h>

/// Largest difference from the result of `conv`, as NCHW.
static int check(const bench_conv_again *again, double *error) {
  const bench_conv *conv = again->conv;
  const size_t n = onefold_tensor_elements(again->context, conv->out, ONEFOLD_NCHW);
  float *plain = onefold_bench_floats(n);
  if (!plain) return ONEFOLD_OUT_OF_MEMORY;
  const onefold_status status = onefold_reorder(again->context, conv->out, conv->desc.out_layout,
                                                again->buffers.output, ONEFOLD_NCHW, plain);
  if (status == ONEFOLD_OK) *error = onefold_bench_error(plain, conv->plain_out, n);
  free(plain);
  return status;
}

int onefold_bench_conv_again_make(bench_conv *conv, onefold_context *context,
                                  bench_conv_again *again) {
  *again = (bench_conv_again){.conv = conv, .context = context};
  bench_session *session = conv->session;
  double error = 0.0;
  again->buffers.input = conv->buffers.input;
  again->buffers.output = onefold_bench_floats(conv->output_floats);
  int status = again->buffers.output ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  if (status == ONEFOLD_OK)
    status = onefold_bench_conv_once(context, &conv->desc, &conv->weights, &again->plan,
                                     &again->packed, &again->buffers);
  if (status == ONEFOLD_OK && session->options->check) status = check(again, &error);
  if (status != ONEFOLD_OK)
    return onefold_bench_session_fail(session, conv->problem, (onefold_status)status);
  if (!(error <= BENCH_ERROR_LIMIT)) onefold_bench_session_wrong(session, conv->problem, error);
  return ONEFOLD_EXIT_OK;
}

void onefold_bench_conv_again_destroy(bench_conv_again *again) {
  onefold_conv2d_packed_destroy(again->packed);
  onefold_conv2d_plan_destroy(again->plan);
  free(again->buffers.workspace);
  free(again->buffers.output);
}

static int run(void *user) {
  const bench_conv_again *a = user;
  return onefold_conv2d_run(a->plan, a->packed, &a->buffers) != ONEFOLD_OK;
}

static int chill(void *user) {
  const bench_conv_again *a = user;
  bench_session *session = a->conv->session;
  onefold_bench_session_chill(session, session->options->cold, a->buffers.input,
                              a->conv->input_floats, a->buffers.output, a->conv->output_floats);
  return 0;
}

/// With threads that are awake, as those of the session's context.
static double run_many(void *user, int64_t count) {
  const bench_conv_again *again = user;
  return onefold_bench_time_together(again->context, run, user, count);
}

onefold_gbench_case onefold_bench_conv_again_case(bench_conv_again *again, const char *name) {
  const bench_conv *conv = again->conv;
  const int cold = conv->session->options->cold != BENCH_COLD_NONE;
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(again->plan, &info);
  onefold_gbench_case made = {.name = name, .label = info.algorithm, .user = again};
  if (cold) {
    made.run = run;
    made.prepare = chill;
  } else {
    made.batch = run_many;
  }
  onefold_bench_count_rate(&made, conv->flops, conv->bytes);
  onefold_bench_count(&made, "memory_bytes",
                      (double)info.packed_bytes + (double)info.workspace_bytes, 0);
  return made;
}
