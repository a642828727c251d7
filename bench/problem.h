// SPDX-License-Identifier: BSD-3-Clause
// Problem strings of the command line, as descriptors.
#ifndef ONEFOLD_BENCH_PROBLEM_H
#define ONEFOLD_BENCH_PROBLEM_H

#include "bench/session.h"

/// A convolution to time.
typedef struct bench_problem {
  onefold_conv2d_desc desc; // with the layouts and activation of its text, else of the options
  char name[256];           // "mb1ic64ih56oc64oh56kh3ph1/act:relu": what either of them names
} bench_problem;

/// The problems among the arguments.
typedef struct bench_problems {
  bench_problem *items;
  size_t count;
} bench_problems;

/// Parses all before anything runs. Returns an onefold_exit after a sentence.
int onefold_bench_problems_parse(const bench_options *options, bench_problems *problems);
void onefold_bench_problems_free(bench_problems *problems);

#endif
