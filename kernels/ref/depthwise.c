// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and grouped convolution in plain C: the specification, for any vector width v.
#include "kernels/declare.h"
#include "kernels/ref/epilogue.h"

/// Adds the terms of a window; step NULL: of lanes that are their own.
static void window(const onefold_depthwise_args *a, int64_t y, int64_t x,
                   const onefold_grouped_step *step, const float *weight, float *z) {
  const int32_t v = a->v;
  for (int64_t r = 0; r < a->rows; r++) {
    const int64_t i = y * a->row_stride + r * a->row_dilation;
    if (i < a->row_begin || i >= a->row_end) continue;
    for (int64_t t = 0; t < a->taps; t++) {
      const int64_t j = x + t * a->dilation;
      if (j < a->column_begin || j >= a->column_end) continue;
      const float *src = a->src + (a->src_offset + (step ? step->src : 0) + i * a->src_row + j * v);
      const float *w = weight + (r * a->taps + t) * v;
      for (int32_t l = 0; l < v; l++) z[l] += src[step ? step->lane[l] : l] * w[l];
    }
  }
}

static void pixel(const onefold_depthwise_args *a, int64_t y, int64_t p, int64_t stride,
                  int grouped) {
  const int32_t v = a->v;
  const float *bias = a->epilogue->bias;
  float z[ONEFOLD_MAX_VECTOR];
  for (int32_t l = 0; l < v; l++) z[l] = bias ? bias[l] : 0.0f;
  if (!grouped) window(a, y, p * stride, NULL, a->weight, z);
  for (int32_t s = 0; grouped && s < a->steps; s++) {
    window(a, y, p * stride, &a->step[s], a->weight + s * a->rows * a->taps * v, z);
  }
  const ptrdiff_t at = y * a->dst_row + p * v;
  const float *residual = a->epilogue->residual ? a->epilogue->residual + at : NULL;
  onefold_ref_epilogue(a->epilogue, v, 0, z, residual, a->dst + at);
}

static void plane(const onefold_depthwise_args *a, int64_t stride, int grouped) {
  for (int64_t y = 0; y < a->out_rows; y++) {
    for (int64_t p = 0; p < a->out_pixels; p++) pixel(a, y, p, stride, grouped);
  }
}

#define ONEFOLD_LIST_REF
#define ONEFOLD_DEPTHWISE(op, isa, p, r, s)                                                        \
  void onefold_uk_##op##_f32_##p##x##r##__##isa(const onefold_depthwise_args *a) {                 \
    plane(a, s ? s : a->stride, 0);                                                                \
  }
#define ONEFOLD_GROUPED(op, isa, p, r, s)                                                          \
  void onefold_uk_##op##_f32_##p##x##r##__##isa(const onefold_depthwise_args *a) {                 \
    plane(a, s ? s : a->stride, 1);                                                                \
  }
#include "kernels/kernel_list.def"
