// SPDX-License-Identifier: BSD-3-Clause
// One convolution prepared for timing: planned, packed, run and checked.
#ifndef ONEFOLD_BENCH_CONV_H
#define ONEFOLD_BENCH_CONV_H

#include "bench/session.h"

typedef struct bench_conv {
  bench_session *session;
  char problem[160];
  onefold_conv2d_desc desc; // with the layouts and activation of the options
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

/// Returns an onefold_exit after a sentence; destroy all the same.
int onefold_bench_conv_make(bench_session *session, const onefold_conv2d_desc *desc,
                            bench_conv *conv);
void onefold_bench_conv_destroy(bench_conv *conv);

#endif
