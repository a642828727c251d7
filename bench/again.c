// SPDX-License-Identifier: BSD-3-Clause
// Cases of what runs on the session's fewer threads.
#include "bench/again.h"

#include "bench/timed.h"

static int run(void *user) {
  const bench_again *again = user;
  return again->run(again->user);
}

static int chill(void *user) {
  const bench_again *again = user;
  onefold_bench_session_chill(again->session, again->session->options->cold, again->input,
                              again->input_floats, again->output, again->output_floats);
  return 0;
}

/// With threads that are awake, as those of the session's context.
static double run_many(void *user, int64_t count) {
  const bench_again *again = user;
  return onefold_bench_time_together(again->session->fewer, again->run, again->user, count);
}

onefold_gbench_case onefold_bench_again_case(bench_again *again, const char *name) {
  onefold_gbench_case made = {.name = name, .label = again->label, .user = again};
  if (again->session->options->cold != BENCH_COLD_NONE) {
    made.run = run;
    made.prepare = chill;
  } else {
    made.batch = run_many;
  }
  onefold_bench_count_rate(&made, again->flops, again->bytes);
  onefold_bench_count(&made, "memory_bytes", again->memory, 0);
  return made;
}

onefold_status onefold_bench_again_exec(bench_session *session, const onefold_graph *graph,
                                        const onefold_exec_options *options,
                                        const float *const *inputs, float *const *outputs,
                                        onefold_exec **exec) {
  onefold_status status = onefold_exec_create(session->fewer, graph, options, exec);
  if (status == ONEFOLD_OK) status = onefold_exec_pack(*exec);
  return status == ONEFOLD_OK ? onefold_exec_run(*exec, inputs, outputs) : status;
}

int onefold_bench_again_judge(bench_session *session, const char *what, onefold_status status,
                              double error) {
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, what, status);
  if (!(error <= BENCH_ERROR_LIMIT)) onefold_bench_session_wrong(session, what, error);
  return ONEFOLD_EXIT_OK;
}
