// SPDX-License-Identifier: BSD-3-Clause
// Vectors of 8 floats. Include only from files compiled with AVX2 and FMA.
#ifndef ONEFOLD_KERNELS_SIMD_F32_AVX2_H
#define ONEFOLD_KERNELS_SIMD_F32_AVX2_H

#include "kernels/simd/inline.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VF_WIDTH 8
typedef __m256 vf;

ONEFOLD_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
ONEFOLD_INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
ONEFOLD_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
ONEFOLD_INLINE void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
ONEFOLD_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
ONEFOLD_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
ONEFOLD_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
ONEFOLD_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
/// a*b + c, rounded once.
ONEFOLD_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
/// The second operand where either is NaN.
ONEFOLD_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
ONEFOLD_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }

/// The first n (1 .. VF_WIDTH) lanes; the others load as 0 and are not stored.
ONEFOLD_INLINE __m256i vf_partial_mask(int32_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ONEFOLD_INLINE vf vf_load_partial(const float *p, int32_t n) {
  return _mm256_maskload_ps(p, vf_partial_mask(n));
}
ONEFOLD_INLINE void vf_store_partial(float *p, vf x, int32_t n) {
  _mm256_maskstore_ps(p, vf_partial_mask(n), x);
}

/// A group of VX_LANES channels of one pixel, multiplied lane by lane.
#define VX_LANES 1
typedef const float *vx;
ONEFOLD_INLINE vx vx_load(const float *p) { return p; }
/// a + w * x[lane]
ONEFOLD_INLINE vf vf_fma_lane(vf a, vf w, vx x, int lane) {
  return _mm256_fmadd_ps(w, _mm256_broadcast_ss(x + lane), a);
}

#endif
