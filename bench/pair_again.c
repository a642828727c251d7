// SPDX-License-Identifier: BSD-3-Clause
// A pair as one operator, prepared for timing once more on fewer threads.
#include "bench/image.h"
#include "bench/pair.h"

#include <stdlib.h>

static int run(void *user) {
  const bench_pair_again *again = user;
  return onefold_exec_run(again->exec, (const float *[]){again->calls.input},
                          (float *[]){again->output}) != ONEFOLD_OK;
}

static onefold_status make(bench_pair *pair, bench_pair_again *again) {
  again->output = onefold_bench_floats(pair->output_floats);
  if (!again->output) return ONEFOLD_OUT_OF_MEMORY;
  const onefold_exec_options options =
      onefold_bench_pair_options(ONEFOLD_BLOCKED, ONEFOLD_PAIRS_ALWAYS);
  const onefold_status status =
      onefold_bench_again_exec(pair->session, pair->graph, &options, (const float *[]){pair->input},
                               (float *[]){again->output}, &again->exec);
  if (status != ONEFOLD_OK) return status;
  onefold_exec_info info;
  onefold_exec_get_info(again->exec, &info);
  again->calls = (bench_again){.session = pair->session,
                               .run = run,
                               .user = again,
                               .input = pair->input,
                               .output = again->output,
                               .input_floats = pair->input_floats,
                               .output_floats = pair->output_floats,
                               .flops = pair->flops,
                               .bytes = pair->bytes,
                               .memory = (double)info.packed_bytes + (double)info.arena_bytes};
  return ONEFOLD_OK;
}

/// Largest difference from the result on all threads, as NCHW.
static onefold_status check(const bench_pair *pair, const bench_pair_again *again, double *error) {
  onefold_context *context = pair->session->fewer;
  const size_t n = onefold_tensor_elements(context, pair->shapes[2], ONEFOLD_NCHW);
  float *plain = onefold_bench_floats(n);
  if (!plain) return ONEFOLD_OUT_OF_MEMORY;
  const onefold_status status = onefold_reorder(context, pair->shapes[2], ONEFOLD_BLOCKED,
                                                again->output, ONEFOLD_NCHW, plain);
  if (status == ONEFOLD_OK) *error = onefold_bench_error(plain, pair->plain_out, n);
  free(plain);
  return status;
}

int onefold_bench_pair_again_make(bench_pair *pair, bench_pair_again *again) {
  *again = (bench_pair_again){.exec = NULL};
  double error = 0.0;
  onefold_status status = make(pair, again);
  if (status == ONEFOLD_OK && pair->session->options->check) status = check(pair, again, &error);
  return onefold_bench_again_judge(pair->session, pair->problem->text, status, error);
}

void onefold_bench_pair_again_destroy(bench_pair_again *again) {
  onefold_exec_destroy(again->exec);
  free(again->output);
}
