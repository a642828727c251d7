// SPDX-License-Identifier: BSD-3-Clause
// Vectors of 4 floats for AArch64.
#ifndef ONEFOLD_KERNELS_SIMD_F32_NEON_H
#define ONEFOLD_KERNELS_SIMD_F32_NEON_H

#include "kernels/simd/inline.h"

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define VF_WIDTH     4
#define VF_REGISTERS 32
typedef float32x4_t vf;

// One wrapper a line.
// clang-format off
ONEFOLD_INLINE vf vf_zero(void) { return vdupq_n_f32(0.0f); }
ONEFOLD_INLINE vf vf_set1(float x) { return vdupq_n_f32(x); }
ONEFOLD_INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
ONEFOLD_INLINE void vf_store(float *p, vf x) { vst1q_f32(p, x); }
/// x as the compiler likes: there are registers enough.
ONEFOLD_INLINE vf vf_keep(vf x) { return x; }
ONEFOLD_INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
ONEFOLD_INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
ONEFOLD_INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
ONEFOLD_INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
/// a*b + c, rounded once.
ONEFOLD_INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
/// NaN where either is NaN.
ONEFOLD_INLINE vf vf_min(vf a, vf b) { return vminq_f32(a, b); }
ONEFOLD_INLINE vf vf_max(vf a, vf b) { return vmaxq_f32(a, b); }
ONEFOLD_INLINE vf vf_max_nan(vf a, vf b) { return vmaxq_f32(a, b); }

/// The first n (1 .. VF_WIDTH) lanes; the others load as 0 and are not stored.
ONEFOLD_INLINE vf vf_load_partial(const float *p, int32_t n) {
  float t[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (int32_t i = 0; i < n; i++) t[i] = p[i];
  return vld1q_f32(t);
}
ONEFOLD_INLINE void vf_store_partial(float *p, vf x, int32_t n) {
  float t[4];
  vst1q_f32(t, x);
  for (int32_t i = 0; i < n; i++) p[i] = t[i];
}

/// A double for each lane.
typedef struct vd { float64x2_t low, high; } vd;
ONEFOLD_INLINE vd vd_zero(void) { return (vd){vdupq_n_f64(0.0), vdupq_n_f64(0.0)}; }
ONEFOLD_INLINE vd vd_add(vd a, vf x) {
  return (vd){vaddq_f64(a.low, vcvt_f64_f32(vget_low_f32(x))),
              vaddq_f64(a.high, vcvt_high_f64_f32(x))};
}
/// a / n, rounded to float.
ONEFOLD_INLINE vf vd_over(vd a, double n) {
  const float64x2_t by = vdupq_n_f64(n);
  return vcvt_high_f32_f64(vcvt_f32_f64(vdivq_f64(a.low, by)), vdivq_f64(a.high, by));
}

/// The numbers of lanes, as those of their bytes.
typedef uint8x16_t vl;
ONEFOLD_INLINE vl vl_zero(void) { return vdupq_n_u8(0); }
ONEFOLD_INLINE vl vl_load(const int32_t *p) {
  const uint32x4_t lanes = vreinterpretq_u32_s32(vld1q_s32(p));
  return vreinterpretq_u8_u32(vmlaq_n_u32(vdupq_n_u32(0x03020100), lanes, 0x04040404));
}
/// Lane l of the result is lane lanes[l] of x.
ONEFOLD_INLINE vf vf_lanes(vf x, vl lanes) {
  return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(x), lanes));
}

/// A group of VX_LANES channels of one pixel, multiplied lane by lane.
#define VX_LANES 4
typedef float32x4_t vx;
ONEFOLD_INLINE vx vx_load(const float *p) { return vld1q_f32(p); }
/// a + w * x[lane]
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the intrinsic apart, moves the lane's copies to before the loop's branches and spills.
#define ONEFOLD_FMLA(lane) __asm__("fmla %0.4s, %1.4s, %2.s[" #lane "]" : "+w"(a) : "w"(w), "w"(x))
#else
#define ONEFOLD_FMLA(lane) a = vfmaq_laneq_f32(a, w, x, lane)
#endif
ONEFOLD_INLINE vf vf_fma_lane(vf a, vf w, vx x, int lane) {
  switch (lane) {
  case 0: ONEFOLD_FMLA(0); break;
  case 1: ONEFOLD_FMLA(1); break;
  case 2: ONEFOLD_FMLA(2); break;
  default: ONEFOLD_FMLA(3);
  }
  return a;
}
#undef ONEFOLD_FMLA

ONEFOLD_INLINE vf vf_abs(vf x) { return vabsq_f32(x); }
/// a where m < 0, else b; b where m is NaN.
ONEFOLD_INLINE vf vf_select_negative(vf m, vf a, vf b) { return vbslq_f32(vcltzq_f32(m), a, b); }
/// The low nine bits of each lane moved to the sign and the exponent.
ONEFOLD_INLINE vf vf_low_bits_to_exponent(vf x) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(x), 23));
}

/// vf_store_partial for loops with one n: by predicted branches where a masked
/// store is slow.
ONEFOLD_INLINE void vf_store_first(float *p, vf x, int32_t n) {
  if (n == VF_WIDTH) {
    vf_store(p, x);
    return;
  }
  float32x2_t part = vget_low_f32(x);
  if (n & 2) {
    vst1_f32(p, part);
    part = vget_high_f32(x);
    p += 2;
  }
  if (n & 1) vst1_lane_f32(p, part, 0);
}

/// Rows become columns: lane j of r[i] goes to lane i of r[j].
ONEFOLD_INLINE void vf_transpose(vf r[VF_WIDTH]) {
  const float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(r[0], r[1]));
  const float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(r[0], r[1]));
  const float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(r[2], r[3]));
  const float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(r[2], r[3]));
  r[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
  r[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
  r[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
  r[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

// clang-format on

#endif
