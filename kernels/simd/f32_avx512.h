// SPDX-License-Identifier: BSD-3-Clause
// Vectors of 16 floats. Include only from files compiled with AVX-512 F, BW, DQ, VL.
#ifndef ONEFOLD_KERNELS_SIMD_F32_AVX512_H
#define ONEFOLD_KERNELS_SIMD_F32_AVX512_H

#include "kernels/simd/inline.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VF_WIDTH 16
typedef __m512 vf;

ONEFOLD_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
ONEFOLD_INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
ONEFOLD_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
ONEFOLD_INLINE void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
ONEFOLD_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
ONEFOLD_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
ONEFOLD_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
ONEFOLD_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
/// a*b + c, rounded once.
ONEFOLD_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/// The second operand where either is NaN.
ONEFOLD_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
ONEFOLD_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }

/// The first n (1 .. VF_WIDTH) lanes; the others load as 0 and are not stored.
ONEFOLD_INLINE vf vf_load_partial(const float *p, int32_t n) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
}
ONEFOLD_INLINE void vf_store_partial(float *p, vf x, int32_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), x);
}

/// A group of VX_LANES channels of one pixel, multiplied lane by lane.
#define VX_LANES 1
typedef const float *vx;
ONEFOLD_INLINE vx vx_load(const float *p) { return p; }
/// a + w * x[lane]
ONEFOLD_INLINE vf vf_fma_lane(vf a, vf w, vx x, int lane) {
  return _mm512_fmadd_ps(w, _mm512_set1_ps(x[lane]), a);
}

#endif
