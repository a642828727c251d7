// SPDX-License-Identifier: BSD-3-Clause
// Pooling of one row of one channel block, any window and stride. Pixels whose
// window lies inside the image go in groups; the few at the border go one by
// one over the columns that they have.
#ifndef ONEFOLD_KERNELS_BODY_POOL_H
#define ONEFOLD_KERNELS_BODY_POOL_H

#include "kernels/kernel.h"

#include <math.h>

/// Maximum or sum of x and y. Where x is loaded and y a running result, the
/// test for NaN is off the chain.
ONEFOLD_INLINE vf onefold_pool_join(const int MAX, vf x, vf y) {
  return MAX ? vf_max_nan(x, y) : vf_add(x, y);
}

/// Pixels p .. p+P-1 over their columns [first, last). Sums are taken row by
/// row, so that the error grows with rows + columns, not with their product.
ONEFOLD_INLINE void onefold_pool_taps(const int MAX, const int P, const int64_t p,
                                      const int64_t first, const int64_t last, const float divisor,
                                      const onefold_pool_args *a) {
  vf z[4], row[4];
  const ptrdiff_t px = a->stride * a->src_column;
  const float *src = a->src + (p * a->stride - a->pad + first) * a->src_column;
  ONEFOLD_UNROLL(4)
  for (int i = 0; i < P; i++) z[i] = vf_set1(MAX ? -INFINITY : 0.0f);
  for (int64_t r = 0; r < a->rows; r++) {
    const float *x = src + r * a->src_row;
    ONEFOLD_UNROLL(4)
    for (int i = 0; i < P; i++) row[i] = vf_load(x + i * px);
    for (int64_t t = first + 1; t < last; t++) {
      x += a->src_column;
      ONEFOLD_UNROLL(4)
      for (int i = 0; i < P; i++) row[i] = onefold_pool_join(MAX, vf_load(x + i * px), row[i]);
    }
    ONEFOLD_UNROLL(4)
    for (int i = 0; i < P; i++) z[i] = onefold_pool_join(MAX, row[i], z[i]);
  }
  float *dst = a->dst + p * a->dst_pixel;
  ONEFOLD_UNROLL(4)
  for (int i = 0; i < P; i++) {
    vf_store(dst + i * a->dst_pixel, MAX ? z[i] : vf_div(z[i], vf_set1(divisor)));
  }
}

/// Pixels p .. p+P-1 of a window K columns wide with stride S, inside the
/// image: each column once, then the columns of each pixel.
ONEFOLD_INLINE void onefold_pool_columns(const int MAX, const int K, const int S, const int P,
                                         const int64_t p, const float divisor,
                                         const onefold_pool_args *a) {
  vf column[12];
  const int count = (P - 1) * S + K;
  const float *src = a->src + (p * S - a->pad) * a->src_column;
  ONEFOLD_UNROLL(12)
  for (int c = 0; c < count; c++) column[c] = vf_load(src + c * a->src_column);
  for (int64_t r = 1; r < a->rows; r++) {
    const float *x = src + r * a->src_row;
    ONEFOLD_UNROLL(12)
    for (int c = 0; c < count; c++) {
      column[c] = onefold_pool_join(MAX, vf_load(x + c * a->src_column), column[c]);
    }
  }
  float *dst = a->dst + p * a->dst_pixel;
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) {
    vf z = column[i * S];
    ONEFOLD_UNROLL(4)
    for (int t = 1; t < K; t++) z = onefold_pool_join(MAX, column[i * S + t], z);
    vf_store(dst + i * a->dst_pixel, MAX ? z : vf_div(z, vf_set1(divisor)));
  }
}

ONEFOLD_INLINE int64_t onefold_pool_columns_all(const int MAX, const int K, const int S,
                                                const int P, int64_t p, const int64_t end,
                                                const float divisor, const onefold_pool_args *a) {
  for (; p + P <= end; p += P) onefold_pool_columns(MAX, K, S, P, p, divisor, a);
  return p;
}

/// Maxima of pixels p .. p+P-1 of a wide window with stride 1, inside the
/// image: the columns that all of them have, those before and those behind.
ONEFOLD_INLINE void onefold_pool_wide(const int P, const int64_t p, const onefold_pool_args *a) {
  vf before[8], shared = vf_set1(-INFINITY), behind[8];
  const float *src = a->src + (p - a->pad) * a->src_column;
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P - 1; i++) before[i] = behind[i] = shared;
  for (int64_t r = 0; r < a->rows; r++) {
    const float *x = src + r * a->src_row, *y = x + a->taps * a->src_column;
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P - 1; i++) {
      before[i] = vf_max_nan(vf_load(x + i * a->src_column), before[i]);
    }
    for (int64_t t = P - 1; t < a->taps; t++) {
      shared = vf_max_nan(vf_load(x + t * a->src_column), shared);
    }
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P - 1; i++) {
      behind[i] = vf_max_nan(vf_load(y + i * a->src_column), behind[i]);
    }
  }
  // Pixel i has before[i ..] and behind[.. i-1].
  ONEFOLD_UNROLL(8)
  for (int i = P - 3; i >= 0; i--) before[i] = vf_max_nan(before[i], before[i + 1]);
  ONEFOLD_UNROLL(8)
  for (int i = 1; i < P - 1; i++) behind[i] = vf_max_nan(behind[i], behind[i - 1]);
  float *dst = a->dst + p * a->dst_pixel;
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) {
    vf z = shared;
    if (i < P - 1) z = vf_max_nan(before[i], z);
    if (i > 0) z = vf_max_nan(behind[i - 1], z);
    vf_store(dst + i * a->dst_pixel, z);
  }
}

/// A pixel whose window may reach over the border.
ONEFOLD_INLINE void onefold_pool_border(const int MAX, const int64_t p,
                                        const onefold_pool_args *a) {
  const int64_t begin = p * a->stride - a->pad, end = begin + a->taps;
  const int64_t first = begin < 0 ? -begin : 0;
  const int64_t last = end > a->width ? a->width - begin : a->taps;
  const int64_t low = begin < a->count_begin ? a->count_begin : begin;
  const int64_t high = end > a->count_end ? a->count_end : end;
  const int64_t divisor = a->divisor ? a->divisor : a->count_rows * (high - low);
  onefold_pool_taps(MAX, 1, p, first, last, (float)divisor, a);
}

ONEFOLD_INLINE void onefold_pool_body(const int MAX, const onefold_pool_args *a) {
  // The windows of pixels [begin, end) are inside.
  const int64_t room = a->width + a->pad - a->taps;
  int64_t begin = (a->pad + a->stride - 1) / a->stride;
  int64_t end = room < 0 ? 0 : room / a->stride + 1;
  if (begin > a->pixels) begin = a->pixels;
  if (end > a->pixels) end = a->pixels;
  if (end < begin) end = begin;
  const float divisor = (float)(a->divisor ? a->divisor : a->count_rows * a->taps);

  int64_t p = 0;
  for (; p < begin; p++) onefold_pool_border(MAX, p, a);
  if (a->taps == 2 && a->stride == 2) {
    p = onefold_pool_columns_all(MAX, 2, 2, 4, p, end, divisor, a);
  } else if (a->taps == 3 && a->stride == 1) {
    p = onefold_pool_columns_all(MAX, 3, 1, 8, p, end, divisor, a);
  } else if (a->taps == 3 && a->stride == 2) {
    p = onefold_pool_columns_all(MAX, 3, 2, 4, p, end, divisor, a);
  } else if (a->taps == 5 && a->stride == 1) {
    p = onefold_pool_columns_all(MAX, 5, 1, 8, p, end, divisor, a);
  } else if (MAX && a->taps >= 6 && a->stride == 1) {
    for (; p + 6 <= end; p += 6) onefold_pool_wide(6, p, a);
  }
  for (; p + 4 <= end; p += 4) onefold_pool_taps(MAX, 4, p, 0, a->taps, divisor, a);
  for (; p < end; p++) onefold_pool_taps(MAX, 1, p, 0, a->taps, divisor, a);
  for (; p < a->pixels; p++) onefold_pool_border(MAX, p, a);
}

#define ONEFOLD_POOL_INSTANCE(op, isa, max)                                                        \
  void onefold_uk_##op##_f32__##isa(const onefold_pool_args *a) {                                  \
    onefold_pool_body(max, a);                                                                     \
  }

#endif
