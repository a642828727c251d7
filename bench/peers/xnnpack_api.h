// SPDX-License-Identifier: BSD-3-Clause
// What differs between versions of XNNPACK, which peers.cmake reads off its header:
// ONEFOLD_XNNPACK_CACHES: caches that an operator takes, none, of weights, or also of code;
// ONEFOLD_XNNPACK_SIZES: outputs of the workspace's size, 0 where sizes are set with the pointers,
// else the size alone, or also its alignment.
#ifndef ONEFOLD_BENCH_PEERS_XNNPACK_API_H
#define ONEFOLD_BENCH_PEERS_XNNPACK_API_H

#include "bench/image.h"

#include <xnnpack.h>

#if ONEFOLD_XNNPACK_CACHES == 2
#define XNN_CACHES NULL, NULL,
#elif ONEFOLD_XNNPACK_CACHES == 1
#define XNN_CACHES NULL,
#else
#define XNN_CACHES
#endif

/// An operator with weights [O][K][I/g], clamped to [low, high].
static inline enum xnn_status onefold_xnnpack_create(const onefold_conv2d_desc *d,
                                                     const float *weight, const float *bias,
                                                     float low, float high, xnn_operator_t *op) {
  return xnn_create_convolution2d_nhwc_f32(
      (uint32_t)d->pad_top, (uint32_t)d->pad_right, (uint32_t)d->pad_bottom, (uint32_t)d->pad_left,
      (uint32_t)d->kernel_h, (uint32_t)d->kernel_w, (uint32_t)d->stride_h, (uint32_t)d->stride_w,
      (uint32_t)d->dilation_h, (uint32_t)d->dilation_w, (uint32_t)d->groups,
      (size_t)(d->in_channels / d->groups), (size_t)(d->out_channels / d->groups),
      (size_t)d->in_channels, (size_t)d->out_channels, weight, bias, low, high, 0, XNN_CACHES op);
}

/// Makes it ready to run. *workspace, which may be NULL, is freed after the operator.
static inline enum xnn_status onefold_xnnpack_set_up(xnn_operator_t op, onefold_shape in,
                                                     const float *input, float *output,
                                                     pthreadpool_t threads, float **workspace) {
  *workspace = NULL;
#if ONEFOLD_XNNPACK_SIZES == 0
  return xnn_setup_convolution2d_nhwc_f32(op, (size_t)in.n, (size_t)in.h, (size_t)in.w, input,
                                          output, threads);
#else
  size_t out_h = 0, out_w = 0, sizes[ONEFOLD_XNNPACK_SIZES] = {0};
  const enum xnn_status status =
      xnn_reshape_convolution2d_nhwc_f32(op, (size_t)in.n, (size_t)in.h, (size_t)in.w, &sizes[0],
#if ONEFOLD_XNNPACK_SIZES == 2
                                         &sizes[1],
#endif
                                         &out_h, &out_w, threads);
  if (status != xnn_status_success) return status;
  *workspace = onefold_bench_floats(sizes[0] / sizeof(float) + 1); // aligned to cache lines
  if (!*workspace) return xnn_status_out_of_memory;
  return xnn_setup_convolution2d_nhwc_f32(op, *workspace, input, output);
#endif
}

#endif
