// SPDX-License-Identifier: BSD-3-Clause
// Blocks and their problems on the command line, as parameters.
#ifndef ONEFOLD_BENCH_BLOCK_PROBLEM_H
#define ONEFOLD_BENCH_BLOCK_PROBLEM_H

#include "bench/session.h"

typedef struct bench_block_problem {
  const char *block;
  char text[160]; // how it was written
  onefold_block_params params;
} bench_block_problem;

typedef struct bench_block_problems {
  bench_block_problem *items;
  size_t count;
} bench_block_problems;

/// Parses "[BLOCK|all] [PROBLEM...]" before anything runs. Returns an onefold_exit after a
/// sentence.
int onefold_bench_block_problems_parse(const bench_options *options,
                                       bench_block_problems *problems);
void onefold_bench_block_problems_free(bench_block_problems *problems);

#endif
