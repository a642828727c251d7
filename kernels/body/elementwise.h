// SPDX-License-Identifier: BSD-3-Clause
// Addition and per-channel scale and shift over simd/; contracts in kernel.h.
#ifndef ONEFOLD_KERNELS_BODY_ELEMENTWISE_H
#define ONEFOLD_KERNELS_BODY_ELEMENTWISE_H

#include "kernels/declare.h"

ONEFOLD_INLINE void onefold_body_add(const float *a, const float *b, float *dst, size_t n) {
  size_t i = 0;
  for (; i + VF_WIDTH <= n; i += VF_WIDTH)
    vf_store(dst + i, vf_add(vf_load(a + i), vf_load(b + i)));
  if (i < n) {
    const int32_t rest = (int32_t)(n - i);
    vf_store_partial(dst + i, vf_add(vf_load_partial(a + i, rest), vf_load_partial(b + i, rest)),
                     rest);
  }
}

/// One scale and shift vector for every vector of src.
ONEFOLD_INLINE void onefold_body_scale_shift_uniform(const float *src, vf scale, vf shift,
                                                     float *dst, size_t n) {
  size_t i = 0;
  for (; i + VF_WIDTH <= n; i += VF_WIDTH)
    vf_store(dst + i, vf_fma(vf_load(src + i), scale, shift));
  if (i < n) {
    const int32_t rest = (int32_t)(n - i);
    vf_store_partial(dst + i, vf_fma(vf_load_partial(src + i, rest), scale, shift), rest);
  }
}

/// dst[i] = src[i]*scale[i] + shift[i]
ONEFOLD_INLINE void onefold_body_scale_shift_row(const float *src, const float *scale,
                                                 const float *shift, float *dst, size_t n) {
  size_t i = 0;
  for (; i + VF_WIDTH <= n; i += VF_WIDTH)
    vf_store(dst + i, vf_fma(vf_load(src + i), vf_load(scale + i), vf_load(shift + i)));
  if (i < n) {
    const int32_t rest = (int32_t)(n - i);
    vf_store_partial(dst + i,
                     vf_fma(vf_load_partial(src + i, rest), vf_load_partial(scale + i, rest),
                            vf_load_partial(shift + i, rest)),
                     rest);
  }
}

ONEFOLD_INLINE void onefold_body_scale_shift(const float *src, const float *scale,
                                             const float *shift, size_t period, float *dst,
                                             size_t n) {
  if (period == 1) {
    onefold_body_scale_shift_uniform(src, vf_set1(*scale), vf_set1(*shift), dst, n);
  } else if (period == VF_WIDTH) {
    onefold_body_scale_shift_uniform(src, vf_load(scale), vf_load(shift), dst, n);
  } else {
    for (size_t i = 0; i < n; i += period)
      onefold_body_scale_shift_row(src + i, scale, shift, dst + i, n - i < period ? n - i : period);
  }
}

// One macro per operator, pasted together from the name in the row.
#define ONEFOLD_ELEMENTWISE_add(isa)                                                               \
  void onefold_uk_add_f32__##isa(const float *a, const float *b, float *dst, size_t n) {           \
    onefold_body_add(a, b, dst, n);                                                                \
  }
#define ONEFOLD_ELEMENTWISE_scale_shift(isa)                                                       \
  void onefold_uk_scale_shift_f32__##isa(const float *src, const float *scale, const float *shift, \
                                         size_t period, float *dst, size_t n) {                    \
    onefold_body_scale_shift(src, scale, shift, period, dst, n);                                   \
  }
#define ONEFOLD_ELEMENTWISE_INSTANCE(op, isa) ONEFOLD_ELEMENTWISE_##op(isa)

#endif
