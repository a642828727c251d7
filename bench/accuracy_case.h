// SPDX-License-Identifier: BSD-3-Clause
// A layer as networks have it, its exact result, and the error of a context's convolution.
#ifndef ONEFOLD_BENCH_ACCURACY_CASE_H
#define ONEFOLD_BENCH_ACCURACY_CASE_H

#include <onefold/conv2d.h>

/// 28x28 pixels, padded by half an odd kernel, of what a ReLU lets through of normal values;
/// weights are normal, of mean 0 and a variance that keeps the size of values. The result is summed
/// in double.
typedef struct bench_accuracy_case {
  onefold_conv2d_desc desc; // NCHW at both ends
  float *input, *weight, *output;
  double *exact;
  size_t outputs;
} bench_accuracy_case;

/// Errors of a result: of all values relative to their size (L2 norms), and the largest relative
/// to the largest value.
typedef struct bench_accuracy {
  double relative, largest;
} bench_accuracy;

/// Non-zero where there is memory for it; to be freed in any case.
int onefold_bench_accuracy_make(bench_accuracy_case *c, int64_t in_channels, int64_t out_channels,
                                int side, int stride, uint64_t seed);
void onefold_bench_accuracy_free(bench_accuracy_case *c);

/// Runs the case as the context chooses to.
onefold_status onefold_bench_accuracy_run(onefold_context *context, bench_accuracy_case *c,
                                          bench_accuracy *errors);

#endif
