// SPDX-License-Identifier: BSD-3-Clause
// One block of channels between planes, rows of channels and blocked, over
// simd/; contracts in kernel.h. src and dst do not overlap.
#ifndef ONEFOLD_KERNELS_BODY_REORDER_H
#define ONEFOLD_KERNELS_BODY_REORDER_H

#include "kernels/declare.h"

/// Transposes `n` (1 .. VF_WIDTH) pixels of `channels` planes to groups of VF_WIDTH.
ONEFOLD_INLINE void onefold_body_to_blocked_tile(const float *src, size_t plane, int32_t channels,
                                                 float *dst, int32_t n) {
  vf r[VF_WIDTH];
  ONEFOLD_UNROLL(16)
  for (int32_t c = 0; c < VF_WIDTH; c++) {
    if (c >= channels)
      r[c] = vf_zero();
    else if (n == VF_WIDTH)
      r[c] = vf_load(src + (size_t)c * plane);
    else
      r[c] = vf_load_partial(src + (size_t)c * plane, n);
  }
  vf_transpose(r);
  ONEFOLD_UNROLL(16)
  for (int32_t p = 0; p < VF_WIDTH; p++)
    if (p < n) vf_store(dst + p * VF_WIDTH, r[p]);
}

/// Transposes `n` (1 .. VF_WIDTH) groups of VF_WIDTH to pixels of `channels` planes.
ONEFOLD_INLINE void onefold_body_from_blocked_tile(const float *src, float *dst, size_t plane,
                                                   int32_t channels, int32_t n) {
  vf r[VF_WIDTH];
  ONEFOLD_UNROLL(16)
  for (int32_t p = 0; p < VF_WIDTH; p++) r[p] = p < n ? vf_load(src + p * VF_WIDTH) : vf_zero();
  vf_transpose(r);
  ONEFOLD_UNROLL(16)
  for (int32_t c = 0; c < VF_WIDTH; c++) {
    if (c >= channels) continue;
    if (n == VF_WIDTH)
      vf_store(dst + (size_t)c * plane, r[c]);
    else
      vf_store_partial(dst + (size_t)c * plane, r[c], n);
  }
}

/// Whole tiles; the last one ends at the last pixel and may overlap the one
/// before it. Partial vectors are left to fewer than VF_WIDTH pixels in all.
ONEFOLD_INLINE void onefold_body_to_blocked_tiles(const float *src, size_t plane, int32_t channels,
                                                  float *dst, size_t pixels) {
  size_t p = 0;
  for (; p + VF_WIDTH <= pixels; p += VF_WIDTH)
    onefold_body_to_blocked_tile(src + p, plane, channels, dst + p * VF_WIDTH, VF_WIDTH);
  if (p == pixels) return;
  p = pixels - VF_WIDTH;
  onefold_body_to_blocked_tile(src + p, plane, channels, dst + p * VF_WIDTH, VF_WIDTH);
}

ONEFOLD_INLINE void onefold_body_from_blocked_tiles(const float *src, float *dst, size_t plane,
                                                    int32_t channels, size_t pixels) {
  size_t p = 0;
  for (; p + VF_WIDTH <= pixels; p += VF_WIDTH)
    onefold_body_from_blocked_tile(src + p * VF_WIDTH, dst + p, plane, channels, VF_WIDTH);
  if (p == pixels) return;
  p = pixels - VF_WIDTH;
  onefold_body_from_blocked_tile(src + p * VF_WIDTH, dst + p, plane, channels, VF_WIDTH);
}

// The full block is spelled out so that its number of channels is a constant.
ONEFOLD_INLINE void onefold_body_to_blocked(const float *src, size_t plane, int32_t channels,
                                            float *dst, size_t pixels) {
  if (pixels < VF_WIDTH)
    onefold_body_to_blocked_tile(src, plane, channels, dst, (int32_t)pixels);
  else if (channels == VF_WIDTH)
    onefold_body_to_blocked_tiles(src, plane, VF_WIDTH, dst, pixels);
  else
    onefold_body_to_blocked_tiles(src, plane, channels, dst, pixels);
}

ONEFOLD_INLINE void onefold_body_from_blocked(const float *src, float *dst, size_t plane,
                                              int32_t channels, size_t pixels) {
  if (pixels < VF_WIDTH)
    onefold_body_from_blocked_tile(src, dst, plane, channels, (int32_t)pixels);
  else if (channels == VF_WIDTH)
    onefold_body_from_blocked_tiles(src, dst, plane, VF_WIDTH, pixels);
  else
    onefold_body_from_blocked_tiles(src, dst, plane, channels, pixels);
}

ONEFOLD_INLINE void onefold_body_rows_to_blocked(const float *src, size_t stride, int32_t channels,
                                                 float *dst, size_t pixels) {
  if (channels == VF_WIDTH) {
    for (size_t p = 0; p < pixels; p++) vf_store(dst + p * VF_WIDTH, vf_load(src + p * stride));
  } else {
    for (size_t p = 0; p < pixels; p++)
      vf_store(dst + p * VF_WIDTH, vf_load_partial(src + p * stride, channels));
  }
}

ONEFOLD_INLINE void onefold_body_rows_from_blocked(const float *src, float *dst, size_t stride,
                                                   int32_t channels, size_t pixels) {
  if (channels == VF_WIDTH) {
    for (size_t p = 0; p < pixels; p++) vf_store(dst + p * stride, vf_load(src + p * VF_WIDTH));
  } else {
    for (size_t p = 0; p < pixels; p++)
      vf_store_first(dst + p * stride, vf_load(src + p * VF_WIDTH), channels);
  }
}

// One macro per operator, pasted together from the name in the row. v is VF_WIDTH here.
#define ONEFOLD_REORDER_INTO(op, isa)                                                              \
  void onefold_uk_##op##_f32__##isa(const float *src, size_t step, int32_t channels, float *dst,   \
                                    size_t pixels, int32_t v) {                                    \
    (void)v;                                                                                       \
    onefold_body_##op(src, step, channels, dst, pixels);                                           \
  }
#define ONEFOLD_REORDER_OUT_OF(op, isa)                                                            \
  void onefold_uk_##op##_f32__##isa(const float *src, float *dst, size_t step, int32_t channels,   \
                                    size_t pixels, int32_t v) {                                    \
    (void)v;                                                                                       \
    onefold_body_##op(src, dst, step, channels, pixels);                                           \
  }
#define ONEFOLD_REORDER_to_blocked(isa)        ONEFOLD_REORDER_INTO(to_blocked, isa)
#define ONEFOLD_REORDER_from_blocked(isa)      ONEFOLD_REORDER_OUT_OF(from_blocked, isa)
#define ONEFOLD_REORDER_rows_to_blocked(isa)   ONEFOLD_REORDER_INTO(rows_to_blocked, isa)
#define ONEFOLD_REORDER_rows_from_blocked(isa) ONEFOLD_REORDER_OUT_OF(rows_from_blocked, isa)
#define ONEFOLD_REORDER_INSTANCE(op, isa)      ONEFOLD_REORDER_##op(isa)

#endif
