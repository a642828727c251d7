// SPDX-License-Identifier: BSD-3-Clause
// Pooling rows and the mean over all pixels in plain C: the specification, for any vector width v.
#include "kernels/declare.h"

#include <math.h>

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/// z = max(z, x), NaN where either is NaN, or z + x, lane by lane.
static void join(int max, int32_t v, const float *x, float *z) {
  if (max) {
    for (int32_t l = 0; l < v; l++) z[l] = x[l] > z[l] || isnan(x[l]) ? x[l] : z[l];
  } else {
    for (int32_t l = 0; l < v; l++) z[l] += x[l];
  }
}

static void clear(int max, int32_t v, float *z) {
  for (int32_t l = 0; l < v; l++) z[l] = max ? -INFINITY : 0.0f;
}

static void pool(int max, const onefold_pool_args *a) {
  const int32_t v = a->v;
  for (int64_t p = 0; p < a->pixels; p++) {
    const int64_t begin = p * a->stride - a->pad, end = begin + a->taps;
    const int64_t first = larger(begin, 0), last = smaller(end, a->width);
    float z[ONEFOLD_MAX_VECTOR], row[ONEFOLD_MAX_VECTOR];
    clear(max, v, z);
    for (int64_t r = 0; r < a->rows; r++) {
      clear(max, v, row);
      for (int64_t x = first; x < last; x++) {
        join(max, v, a->src + r * a->src_row + x * a->src_column, row);
      }
      join(max, v, row, z);
    }
    const int64_t counted = smaller(end, a->count_end) - larger(begin, a->count_begin);
    const float divisor = (float)(a->divisor ? a->divisor : a->count_rows * counted);
    float *dst = a->dst + p * a->dst_pixel;
    for (int32_t l = 0; l < v; l++) dst[l] = max ? z[l] : z[l] / divisor;
  }
}

static void mean(const float *src, size_t pixels, float *dst, int32_t v) {
  for (int32_t l = 0; l < v; l++) {
    double sum = 0;
    for (size_t p = 0; p < pixels; p++) sum += (double)src[p * (size_t)v + (size_t)l];
    dst[l] = (float)(sum / (double)pixels);
  }
}

#define ONEFOLD_MEAN(isa)                                                                          \
  void onefold_uk_mean_f32__##isa(const float *src, size_t pixels, float *dst, int32_t v) {        \
    mean(src, pixels, dst, v);                                                                     \
  }
#define ONEFOLD_LIST_REF
#define ONEFOLD_POOL(op, isa, max)                                                                 \
  void onefold_uk_##op##_f32__##isa(const onefold_pool_args *a) {                                  \
    pool(max, a);                                                                                  \
  }
#include "kernels/kernel_list.def"
