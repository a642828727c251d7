// SPDX-License-Identifier: BSD-3-Clause
// One convolution prepared for timing: planned, packed, run and checked.
#ifndef ONEFOLD_BENCH_CONV_H
#define ONEFOLD_BENCH_CONV_H

#include "bench/again.h"
#include "bench/problem.h"

typedef struct bench_conv {
  bench_session *session;
  const char *problem; // its name
  onefold_conv2d_desc desc;
  onefold_shape in, out;
  onefold_conv2d_weights weights;
  float *weight, *bias, *plain_in, *plain_out, *input; // plain: NCHW; input: in_layout
  onefold_conv2d_buffers buffers;
  size_t input_floats, output_floats;
  onefold_conv2d_plan *plan;
  onefold_conv2d_packed *packed;
  double flops, bytes; // per run: input, weights and output
  double reorder_in_bytes, reorder_out_bytes;
  double error; // against the reference kernels, relative to the largest value; negative: unchecked
} bench_conv;

/// Returns an onefold_exit after a sentence; destroy all the same. The problem must outlive it.
int onefold_bench_conv_make(bench_session *session, const bench_problem *problem, bench_conv *conv);
void onefold_bench_conv_destroy(bench_conv *conv);

/// The same convolution on the session's fewer threads: planned and packed for them, with an output
/// of its own.
typedef struct bench_conv_again {
  bench_again calls;
  onefold_conv2d_plan *plan;
  onefold_conv2d_packed *packed;
  onefold_conv2d_buffers buffers;
} bench_conv_again;

/// Runs once, and where the options want it compares with conv->plain_out. Returns an onefold_exit
/// after a sentence; destroy all the same. `conv` must outlive it.
int onefold_bench_conv_again_make(bench_conv *conv, bench_conv_again *again);
void onefold_bench_conv_again_destroy(bench_conv_again *again);

/// Plans, packs and runs a problem once; allocates the workspace. What was made is to be destroyed
/// whatever it returns.
onefold_status onefold_bench_conv_once(onefold_context *context, const onefold_conv2d_desc *desc,
                                       const onefold_conv2d_weights *weights,
                                       onefold_conv2d_plan **plan, onefold_conv2d_packed **packed,
                                       onefold_conv2d_buffers *buffers);

#endif
