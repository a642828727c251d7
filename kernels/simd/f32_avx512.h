// SPDX-License-Identifier: BSD-3-Clause
// Vectors of 16 floats. Include only from files compiled with AVX-512 F, BW, DQ, VL.
#ifndef ONEFOLD_KERNELS_SIMD_F32_AVX512_H
#define ONEFOLD_KERNELS_SIMD_F32_AVX512_H

#include "kernels/simd/inline.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VF_WIDTH     16
#define VF_REGISTERS 32
typedef __m512 vf;

// One wrapper a line.
// clang-format off
ONEFOLD_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
ONEFOLD_INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
ONEFOLD_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
ONEFOLD_INLINE void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
/// x as the compiler likes: there are registers enough.
ONEFOLD_INLINE vf vf_keep(vf x) { return x; }
ONEFOLD_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
ONEFOLD_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
ONEFOLD_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
ONEFOLD_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
/// a*b + c, rounded once.
ONEFOLD_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/// The second operand where either is NaN.
ONEFOLD_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
ONEFOLD_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
/// NaN where either is NaN.
ONEFOLD_INLINE vf vf_max_nan(vf a, vf b) {
  return _mm512_mask_max_ps(a, _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, b);
}

/// The first n (1 .. VF_WIDTH) lanes; the others load as 0 and are not stored.
ONEFOLD_INLINE vf vf_load_partial(const float *p, int32_t n) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
}
ONEFOLD_INLINE void vf_store_partial(float *p, vf x, int32_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), x);
}

/// A double for each lane.
typedef struct vd { __m512d low, high; } vd;
ONEFOLD_INLINE vd vd_zero(void) { return (vd){_mm512_setzero_pd(), _mm512_setzero_pd()}; }
ONEFOLD_INLINE vd vd_add(vd a, vf x) {
  return (vd){_mm512_add_pd(a.low, _mm512_cvtps_pd(_mm512_castps512_ps256(x))),
              _mm512_add_pd(a.high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)))};
}
/// a / n, rounded to float.
ONEFOLD_INLINE vf vd_over(vd a, double n) {
  const __m512d by = _mm512_set1_pd(n);
  const __m256 low = _mm512_cvtpd_ps(_mm512_div_pd(a.low, by));
  return _mm512_insertf32x8(_mm512_castps256_ps512(low), _mm512_cvtpd_ps(_mm512_div_pd(a.high, by)), 1);
}

/// The numbers of lanes.
typedef __m512i vl;
ONEFOLD_INLINE vl vl_zero(void) { return _mm512_setzero_si512(); }
ONEFOLD_INLINE vl vl_load(const int32_t *p) { return _mm512_loadu_si512(p); }
/// Lane l of the result is lane lanes[l] of x.
ONEFOLD_INLINE vf vf_lanes(vf x, vl lanes) { return _mm512_permutexvar_ps(lanes, x); }

/// A group of VX_LANES channels of one pixel, multiplied lane by lane.
#define VX_LANES 1
typedef const float *vx;
ONEFOLD_INLINE vx vx_load(const float *p) { return p; }
/// a + w * x[lane]
ONEFOLD_INLINE vf vf_fma_lane(vf a, vf w, vx x, int lane) {
  return _mm512_fmadd_ps(w, _mm512_set1_ps(x[lane]), a);
}

ONEFOLD_INLINE vf vf_abs(vf x) { return _mm512_abs_ps(x); }
/// a where m < 0, else b; b where m is NaN.
ONEFOLD_INLINE vf vf_select_negative(vf m, vf a, vf b) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(m, _mm512_setzero_ps(), _CMP_LT_OQ), b, a);
}
/// The low nine bits of each lane moved to the sign and the exponent.
ONEFOLD_INLINE vf vf_low_bits_to_exponent(vf x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), 23));
}

/// vf_store_partial for loops with one n: by predicted branches where a masked
/// store is slow.
ONEFOLD_INLINE void vf_store_first(float *p, vf x, int32_t n) { vf_store_partial(p, x, n); }

/// Rows become columns: lane j of r[i] goes to lane i of r[j].
ONEFOLD_INLINE void vf_transpose(vf r[VF_WIDTH]) {
  vf t[VF_WIDTH];
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  // r[4*g + j]: columns j, j+4, j+8, j+12 of rows 4*g .. 4*g+3, 128 bits each.
  ONEFOLD_UNROLL(4)
  for (int g = 0; g < 16; g += 4) {
    const __m512d a = _mm512_castps_pd(t[g]), b = _mm512_castps_pd(t[g + 1]);
    const __m512d c = _mm512_castps_pd(t[g + 2]), d = _mm512_castps_pd(t[g + 3]);
    r[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    r[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    r[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    r[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
  // A 4x4 transpose of 128-bit lanes for each j.
  ONEFOLD_UNROLL(4)
  for (int j = 0; j < 4; j++) {
    const vf a = _mm512_shuffle_f32x4(r[j], r[4 + j], 0x44);
    const vf b = _mm512_shuffle_f32x4(r[j], r[4 + j], 0xee);
    const vf c = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0x44);
    const vf d = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0xee);
    t[j] = _mm512_shuffle_f32x4(a, c, 0x88);
    t[4 + j] = _mm512_shuffle_f32x4(a, c, 0xdd);
    t[8 + j] = _mm512_shuffle_f32x4(b, d, 0x88);
    t[12 + j] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
  ONEFOLD_UNROLL(16)
  for (int i = 0; i < 16; i++) r[i] = t[i];
}

// clang-format on

#endif
