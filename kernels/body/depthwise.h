// SPDX-License-Identifier: BSD-3-Clause
// Depthwise convolution of one row of one channel block: any kernel size;
// stride S (0: any) is a constant. Pixels whose every tap lies inside the
// image go in groups; the few at the border go one by one over their taps.
#ifndef ONEFOLD_KERNELS_BODY_DEPTHWISE_H
#define ONEFOLD_KERNELS_BODY_DEPTHWISE_H

#include "kernels/kernel.h"

/// A residual after the activation, for P pixels from dst + at: they are
/// activated in a buffer of their own, because dst may be the residual.
ONEFOLD_INLINE void onefold_depthwise_store_after(const vf *acc, const int P, const ptrdiff_t at,
                                                  const onefold_depthwise_args *a) {
  const onefold_epilogue *e = a->epilogue;
  const vf scale = e->residual_scale ? vf_load(e->residual_scale) : vf_set1(1.0f);
  float tile[8 * VF_WIDTH];
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) vf_store(tile + i * VF_WIDTH, acc[i]);
  if (e->post) e->post(e->post_param, tile, tile, (size_t)P * VF_WIDTH);
  for (int i = 0; i < P * VF_WIDTH; i += VF_WIDTH) {
    vf_store(a->dst + at + i, vf_fma(vf_load(e->residual + at + i), scale, vf_load(tile + i)));
  }
}

ONEFOLD_INLINE vf onefold_depthwise_bias(const onefold_depthwise_args *a) {
  return a->epilogue->bias ? vf_load(a->epilogue->bias) : vf_zero();
}

/// The part of the epilogue that is done in registers, for pixels p .. p+P-1, and the store.
ONEFOLD_INLINE void onefold_depthwise_store(vf *acc, const int P, const int32_t p,
                                            const onefold_depthwise_args *a) {
  const onefold_epilogue *e = a->epilogue;
  const ptrdiff_t at = (ptrdiff_t)p * VF_WIDTH;
  const vf lo = vf_set1(e->lo), hi = vf_set1(e->hi);
  if (e->scale) {
    const vf scale = vf_load(e->scale);
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P; i++) acc[i] = vf_mul(acc[i], scale);
  }
  if (e->residual && !e->residual_after) {
    const vf scale = e->residual_scale ? vf_load(e->residual_scale) : vf_set1(1.0f);
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P; i++) {
      acc[i] = vf_fma(vf_load(e->residual + at + i * VF_WIDTH), scale, acc[i]);
    }
  }
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) acc[i] = vf_min(hi, vf_max(lo, acc[i]));
  if (e->residual && e->residual_after) {
    onefold_depthwise_store_after(acc, P, at, a);
    return;
  }
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) vf_store(a->dst + at + i * VF_WIDTH, acc[i]);
}

/// Pixels p .. p+P-1, every tap inside.
ONEFOLD_INLINE void onefold_depthwise_inside(const int P, const int S, const int32_t p,
                                             const onefold_depthwise_args *a) {
  vf acc[8];
  const ptrdiff_t px = S ? S * VF_WIDTH : a->src_pixel;
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) acc[i] = onefold_depthwise_bias(a);
  for (int32_t r = 0; r < a->rows; r++) {
    const float *src = a->src + (a->src_offset + r * a->src_row + p * px);
    const float *weight = a->weight + r * a->weight_row;
    for (int32_t t = 0; t < a->taps; t++, src += a->src_tap, weight += VF_WIDTH) {
      const vf w = vf_load(weight);
      ONEFOLD_UNROLL(8)
      for (int i = 0; i < P; i++) acc[i] = vf_fma(vf_load(src + i * px), w, acc[i]);
    }
  }
  onefold_depthwise_store(acc, P, p, a);
}

/// Pixel p, over the taps that lie inside.
ONEFOLD_INLINE void onefold_depthwise_border(const int S, const int32_t p,
                                             const onefold_depthwise_args *a) {
  vf acc = onefold_depthwise_bias(a);
  const ptrdiff_t px = S ? S * VF_WIDTH : a->src_pixel;
  for (int32_t r = 0; r < a->rows; r++) {
    for (int32_t t = 0; t < a->taps; t++) {
      if (p < a->first[t] || p >= a->last[t]) continue;
      const ptrdiff_t at = a->src_offset + r * a->src_row + t * a->src_tap + p * px;
      const vf w = vf_load(a->weight + r * a->weight_row + t * VF_WIDTH);
      acc = vf_fma(vf_load(a->src + at), w, acc);
    }
  }
  onefold_depthwise_store(&acc, 1, p, a);
}

ONEFOLD_INLINE void onefold_depthwise_body(const int S, const onefold_depthwise_args *a) {
  // The pixels [begin, end) are inside for every tap.
  int32_t begin = 0, end = a->pixels;
  for (int32_t t = 0; t < a->taps; t++) {
    if (a->first[t] > begin) begin = a->first[t];
    if (a->last[t] < end) end = a->last[t];
  }
  if (begin > a->pixels) begin = a->pixels;
  if (end < begin) end = begin;

  int32_t p = 0;
  for (; p < begin; p++) onefold_depthwise_border(S, p, a);
  for (; p + 8 <= end; p += 8) onefold_depthwise_inside(8, S, p, a);
  for (; p + 4 <= end; p += 4) onefold_depthwise_inside(4, S, p, a);
  for (; p < end; p++) onefold_depthwise_inside(1, S, p, a);
  for (; p < a->pixels; p++) onefold_depthwise_border(S, p, a);

  const onefold_epilogue *e = a->epilogue;
  if (e->post && !(e->residual && e->residual_after)) {
    e->post(e->post_param, a->dst, a->dst, (size_t)a->pixels * VF_WIDTH);
  }
}

#define ONEFOLD_DEPTHWISE_INSTANCE(op, isa, s)                                                     \
  void onefold_uk_##op##_f32__##isa(const onefold_depthwise_args *a) {                             \
    onefold_depthwise_body(s, a);                                                                  \
  }

#endif
