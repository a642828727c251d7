// SPDX-License-Identifier: BSD-3-Clause
// What is timed once more, on the session's fewer threads.
#ifndef ONEFOLD_BENCH_AGAIN_H
#define ONEFOLD_BENCH_AGAIN_H

#include "bench/session.h"

/// Calls in the context of the fewer threads.
typedef struct bench_again {
  bench_session *session;
  onefold_gbench_fn *run; // one call, of `user`
  void *user;
  const float *input, *output; // which are warm where only weights are cold
  size_t input_floats, output_floats;
  const char *label; // NULL: none
  double flops, bytes, memory;
} bench_again;

/// They as a case, with threads that are awake, and with the counters of their work. What `again`
/// points to must outlive it.
onefold_gbench_case onefold_bench_again_case(bench_again *again, const char *name);

/// An execution in that context: planned, packed and run once. On failure *exec may be set, too.
onefold_status onefold_bench_again_exec(bench_session *session, const onefold_graph *graph,
                                        const onefold_exec_options *options,
                                        const float *const *inputs, float *const *outputs,
                                        onefold_exec **exec);

/// What follows its preparation: a sentence about a status, or about an error that is larger than
/// allowed. Returns an onefold_exit.
int onefold_bench_again_judge(bench_session *session, const char *what, onefold_status status,
                              double error);

#endif
