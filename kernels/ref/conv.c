// SPDX-License-Identifier: BSD-3-Clause
// Convolution tiles in plain C: the specification of the conv and pointwise
// kernels, for any vector width v, any q and any number of pixels.
#include "kernels/declare.h"
#include "kernels/ref/epilogue.h"

/// One tile; cb channels a source block, pixels src_pixel apart.
static void tile(const onefold_conv_args *a, int32_t cb, ptrdiff_t src_pixel) {
  const int32_t v = a->v;
  for (int32_t q = 0; q < a->q; q++) {
    for (int32_t p = 0; p < a->pixels; p++) {
      const ptrdiff_t at = q * a->dst_q + p * v;
      float z[ONEFOLD_MAX_VECTOR];
      const float *bias = a->epilogue->bias;
      for (int32_t l = 0; l < v; l++) {
        z[l] = a->accumulate ? a->dst[at + l] : bias ? bias[q * v + l] : 0.0f;
      }
      for (int32_t b = 0; b < a->blocks; b++) {
        const int32_t channels = cb == 1 ? 1 : b + 1 < a->blocks ? cb : a->last_channels;
        for (int32_t r = 0; r < a->rows; r++) {
          for (int32_t t = 0; t < a->taps; t++) {
            if (a->mask && !(a->mask[t] >> p & 1u)) continue;
            const float *x = a->src + (a->src_offset + b * a->src_block + r * a->src_row +
                                       t * a->src_tap + p * src_pixel);
            const float *w = a->weight + q * a->weight_q + b * a->weight_block + r * a->weight_row +
                             (ptrdiff_t)t * cb * v;
            for (int32_t c = 0; c < channels; c++, w += v) {
              for (int32_t l = 0; l < v; l++) z[l] += x[c] * w[l];
            }
          }
        }
      }
      if (a->final) {
        const float *residual = a->epilogue->residual ? a->epilogue->residual + at : NULL;
        onefold_ref_epilogue(a->epilogue, v, q, z, residual, a->dst + at);
      } else {
        for (int32_t l = 0; l < v; l++) a->dst[at + l] = z[l];
      }
    }
  }
}

#define ONEFOLD_LIST_REF
#define ONEFOLD_CONV(op, isa, p, q, s, cb)                                                         \
  void onefold_uk_##op##_f32_##p##x##q##__##isa(onefold_conv_args *a) {                            \
    tile(a, cb ? cb : a->v, s ? (ptrdiff_t)s *(cb ? cb : a->v) : a->src_pixel);                    \
  }
#define ONEFOLD_POINTWISE(isa, p, q)                                                               \
  void onefold_uk_pointwise_f32_##p##x##q##__##isa(onefold_conv_args *a) {                         \
    tile(a, a->v, a->v);                                                                           \
  }
#include "kernels/kernel_list.def"
