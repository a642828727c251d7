// SPDX-License-Identifier: BSD-3-Clause
// Vectors of 8 floats. Include only from files compiled with AVX2 and FMA.
#ifndef ONEFOLD_KERNELS_SIMD_F32_AVX2_H
#define ONEFOLD_KERNELS_SIMD_F32_AVX2_H

#include "kernels/simd/inline.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VF_WIDTH     8
#define VF_REGISTERS 16
typedef __m256 vf;

// One wrapper a line.
// clang-format off
ONEFOLD_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
ONEFOLD_INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
ONEFOLD_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
ONEFOLD_INLINE void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
/// x stays in a register: of the 16 there are, GCC would rather load it again for each use.
ONEFOLD_INLINE vf vf_keep(vf x) { __asm__("" : "+x"(x)); return x; }
ONEFOLD_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
ONEFOLD_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
ONEFOLD_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
ONEFOLD_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
/// a*b + c, rounded once.
ONEFOLD_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
/// The second operand where either is NaN.
ONEFOLD_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
ONEFOLD_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
/// NaN where either is NaN.
ONEFOLD_INLINE vf vf_max_nan(vf a, vf b) {
  return _mm256_or_ps(_mm256_max_ps(a, b), _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}

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

/// A double for each lane.
typedef struct vd { __m256d low, high; } vd;
ONEFOLD_INLINE vd vd_zero(void) { return (vd){_mm256_setzero_pd(), _mm256_setzero_pd()}; }
ONEFOLD_INLINE vd vd_add(vd a, vf x) {
  return (vd){_mm256_add_pd(a.low, _mm256_cvtps_pd(_mm256_castps256_ps128(x))),
              _mm256_add_pd(a.high, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)))};
}
/// a / n, rounded to float.
ONEFOLD_INLINE vf vd_over(vd a, double n) {
  const __m256d by = _mm256_set1_pd(n);
  return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_div_pd(a.high, by)), _mm256_cvtpd_ps(_mm256_div_pd(a.low, by)));
}

/// The numbers of lanes.
typedef __m256i vl;
ONEFOLD_INLINE vl vl_zero(void) { return _mm256_setzero_si256(); }
ONEFOLD_INLINE vl vl_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
/// Lane l of the result is lane lanes[l] of x.
ONEFOLD_INLINE vf vf_lanes(vf x, vl lanes) { return _mm256_permutevar8x32_ps(x, lanes); }

/// A group of VX_LANES channels of one pixel, multiplied lane by lane.
#define VX_LANES 1
typedef const float *vx;
ONEFOLD_INLINE vx vx_load(const float *p) { return p; }
/// a + w * x[lane]
ONEFOLD_INLINE vf vf_fma_lane(vf a, vf w, vx x, int lane) {
  return _mm256_fmadd_ps(w, _mm256_broadcast_ss(x + lane), a);
}

ONEFOLD_INLINE vf vf_abs(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
/// a where m < 0, else b; b where m is NaN.
ONEFOLD_INLINE vf vf_select_negative(vf m, vf a, vf b) {
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(m, _mm256_setzero_ps(), _CMP_LT_OQ));
}
/// The low nine bits of each lane moved to the sign and the exponent.
ONEFOLD_INLINE vf vf_low_bits_to_exponent(vf x) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), 23));
}

/// vf_store_partial for loops with one n: by predicted branches where a masked
/// store is slow.
ONEFOLD_INLINE void vf_store_first(float *p, vf x, int32_t n) {
  if (n == VF_WIDTH) {
    vf_store(p, x);
    return;
  }
  __m128 part = _mm256_castps256_ps128(x);
  if (n & 4) {
    _mm_storeu_ps(p, part);
    part = _mm256_extractf128_ps(x, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi((__m64 *)(void *)p, part);
    part = _mm_movehl_ps(part, part);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, part);
}

/// Rows become columns: lane j of r[i] goes to lane i of r[j].
ONEFOLD_INLINE void vf_transpose(vf r[VF_WIDTH]) {
  vf t[VF_WIDTH];
  ONEFOLD_UNROLL(4)
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  // r[4*g + j]: columns j and j+4 of rows 4*g .. 4*g+3, 128 bits each.
  ONEFOLD_UNROLL(2)
  for (int g = 0; g < 8; g += 4) {
    r[g] = _mm256_shuffle_ps(t[g], t[g + 2], 0x44);
    r[g + 1] = _mm256_shuffle_ps(t[g], t[g + 2], 0xee);
    r[g + 2] = _mm256_shuffle_ps(t[g + 1], t[g + 3], 0x44);
    r[g + 3] = _mm256_shuffle_ps(t[g + 1], t[g + 3], 0xee);
  }
  ONEFOLD_UNROLL(4)
  for (int j = 0; j < 4; j++) {
    t[j] = _mm256_permute2f128_ps(r[j], r[4 + j], 0x20);
    t[4 + j] = _mm256_permute2f128_ps(r[j], r[4 + j], 0x31);
  }
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < 8; i++) r[i] = t[i];
}

// clang-format on

#endif
