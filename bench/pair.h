// SPDX-License-Identifier: BSD-3-Clause
// A pair of convolutions prepared for timing, as one operator and as two: built as a graph,
// planned, packed, run and checked. Blocked at both ends.
#ifndef ONEFOLD_BENCH_PAIR_H
#define ONEFOLD_BENCH_PAIR_H

#include "bench/again.h"
#include "bench/pair_problem.h"

enum { BENCH_PAIR_FUSED, BENCH_PAIR_SEPARATE, BENCH_PAIR_FORMS };

typedef struct bench_pair {
  bench_session *session;
  const bench_pair_problem *problem;
  onefold_shape shapes[3]; // of the input, of what is between, of the output
  float *weights[2], *biases[2];
  onefold_graph *graph;
  onefold_exec *execs[BENCH_PAIR_FORMS];
  onefold_exec_info info;      // of the fused form
  int chosen;                  // the form that a graph takes where nothing is said
  float *plain_in, *plain_out; // NCHW
  float *input, *output;       // blocked
  size_t input_floats, output_floats;
  double flops, bytes; // per run: input, weights and output
  double error;        // against the reference kernels, relative to the largest value; negative:
                       // unchecked
} bench_pair;

/// Returns an onefold_exit after a sentence; destroy all the same.
int onefold_bench_pair_make(bench_session *session, const bench_pair_problem *problem,
                            bench_pair *pair);
void onefold_bench_pair_destroy(bench_pair *pair);

onefold_status onefold_bench_pair_run(const bench_pair *pair, int form);

/// Of an execution of the pair's graph.
onefold_exec_options onefold_bench_pair_options(onefold_layout layout, onefold_pairs pairs);

/// The pair as one operator once more, on the session's fewer threads (pair_again.c).
typedef struct bench_pair_again {
  bench_again calls;
  onefold_exec *exec;
  float *output; // blocked
} bench_pair_again;

/// Plans, packs, runs once, and where the options want it compares with pair->plain_out. Returns an
/// onefold_exit after a sentence; destroy all the same. `pair` must outlive it.
int onefold_bench_pair_again_make(bench_pair *pair, bench_pair_again *again);
void onefold_bench_pair_again_destroy(bench_pair_again *again);

#endif
