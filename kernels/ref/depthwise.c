// SPDX-License-Identifier: BSD-3-Clause
// Depthwise convolution in plain C: the specification, for any vector width v.
#include "kernels/declare.h"
#include "kernels/ref/epilogue.h"

static void pixel(const onefold_depthwise_args *a, int64_t y, int64_t p, int64_t stride) {
  const int32_t v = a->v;
  const float *bias = a->epilogue->bias;
  float z[ONEFOLD_MAX_VECTOR];
  for (int32_t l = 0; l < v; l++) z[l] = bias ? bias[l] : 0.0f;
  for (int64_t r = 0; r < a->rows; r++) {
    const int64_t i = y * a->row_stride + r * a->row_dilation;
    if (i < a->row_begin || i >= a->row_end) continue;
    for (int64_t t = 0; t < a->taps; t++) {
      const int64_t j = p * stride + t * a->dilation;
      if (j < a->column_begin || j >= a->column_end) continue;
      const float *x = a->src + (a->src_offset + i * a->src_row + j * v);
      const float *w = a->weight + (r * a->taps + t) * v;
      for (int32_t l = 0; l < v; l++) z[l] += x[l] * w[l];
    }
  }
  const ptrdiff_t at = y * a->dst_row + p * v;
  const float *residual = a->epilogue->residual ? a->epilogue->residual + at : NULL;
  onefold_ref_epilogue(a->epilogue, v, 0, z, residual, a->dst + at);
}

static void plane(const onefold_depthwise_args *a, int64_t stride) {
  for (int64_t y = 0; y < a->out_rows; y++) {
    for (int64_t p = 0; p < a->out_pixels; p++) pixel(a, y, p, stride);
  }
}

#define ONEFOLD_LIST_REF
#define ONEFOLD_DEPTHWISE(op, isa, p, r, s)                                                        \
  void onefold_uk_##op##_f32_##p##x##r##__##isa(const onefold_depthwise_args *a) {                 \
    plane(a, s ? s : a->stride);                                                                   \
  }
#include "kernels/kernel_list.def"
