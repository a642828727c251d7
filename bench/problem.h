// SPDX-License-Identifier: BSD-3-Clause
// Problem strings of the command line, as descriptors.
#ifndef ONEFOLD_BENCH_PROBLEM_H
#define ONEFOLD_BENCH_PROBLEM_H

#include "bench/session.h"

/// The problems among the arguments.
typedef struct bench_problems {
  onefold_conv2d_desc *descs;
  size_t count;
} bench_problems;

/// Parses one; the context holds the sentence. Returns an onefold_exit after it.
int onefold_bench_problem_parse(onefold_context *context, const bench_options *options,
                                const char *text, onefold_conv2d_desc *desc);

/// Parses all before anything runs. Returns an onefold_exit after a sentence.
int onefold_bench_problems_parse(const bench_options *options, bench_problems *problems);
void onefold_bench_problems_free(bench_problems *problems);

#endif
