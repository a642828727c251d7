// SPDX-License-Identifier: BSD-3-Clause
// Depthwise rows in plain C: the specification, for any vector width v.
#include "kernels/declare.h"
#include "kernels/ref/epilogue.h"

static void row(const onefold_depthwise_args *a, ptrdiff_t src_pixel) {
  const int32_t v = a->v;
  for (int32_t p = 0; p < a->pixels; p++) {
    const ptrdiff_t at = (ptrdiff_t)p * v;
    const float *bias = a->epilogue->bias;
    float z[ONEFOLD_MAX_VECTOR];
    for (int32_t l = 0; l < v; l++) z[l] = bias ? bias[l] : 0.0f;
    for (int32_t r = 0; r < a->rows; r++) {
      for (int32_t t = 0; t < a->taps; t++) {
        if (p < a->first[t] || p >= a->last[t]) continue;
        const float *x = a->src + (a->src_offset + r * a->src_row + t * a->src_tap + p * src_pixel);
        const float *w = a->weight + r * a->weight_row + (ptrdiff_t)t * v;
        for (int32_t l = 0; l < v; l++) z[l] += x[l] * w[l];
      }
    }
    const float *residual = a->epilogue->residual ? a->epilogue->residual + at : NULL;
    onefold_ref_epilogue(a->epilogue, v, 0, z, residual, a->dst + at);
  }
}

#define ONEFOLD_LIST_REF
#define ONEFOLD_DEPTHWISE(op, isa, s)                                                              \
  void onefold_uk_##op##_f32__##isa(const onefold_depthwise_args *a) {                             \
    row(a, s ? (ptrdiff_t)s * a->v : a->src_pixel);                                                \
  }
#include "kernels/kernel_list.def"
