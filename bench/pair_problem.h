// SPDX-License-Identifier: BSD-3-Clause
// Pairs on the command line, PROBLEM[:ACTIVATION]+PROBLEM[:ACTIVATION], as descriptors.
#ifndef ONEFOLD_BENCH_PAIR_PROBLEM_H
#define ONEFOLD_BENCH_PAIR_PROBLEM_H

#include "bench/session.h"

typedef struct bench_pair_problem {
  char text[384];               // in full
  onefold_conv2d_desc descs[2]; // of which the second reads what the first gives
} bench_pair_problem;

typedef struct bench_pair_problems {
  bench_pair_problem *items;
  size_t count;
} bench_pair_problems;

/// Parses all before anything runs: a depthwise and a pointwise convolution each, in either order.
/// Returns an onefold_exit after a sentence.
int onefold_bench_pair_problems_parse(const bench_options *options, bench_pair_problems *problems);
void onefold_bench_pair_problems_free(bench_pair_problems *problems);

#endif
