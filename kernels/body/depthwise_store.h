// SPDX-License-Identifier: BSD-3-Clause
// Depthwise tiles: their sizes, their edges, and how they are stored.
#ifndef ONEFOLD_KERNELS_BODY_DEPTHWISE_STORE_H
#define ONEFOLD_KERNELS_BODY_DEPTHWISE_STORE_H

#include "kernels/body/epilogue.h"

#include <math.h>

// Most pixels and rows of a tile, and the widest run of taps.
#define ONEFOLD_DEPTHWISE_P 8
#define ONEFOLD_DEPTHWISE_R 2
#define ONEFOLD_DEPTHWISE_K 7

/// Which columns of a tile may be outside: any, or, of a whole tile with an odd kernel width K,
/// the first and the last K/2. Fewer tests pay on AVX2, whose limit is instructions; elsewhere the
/// one path for every border is faster.
enum { ONEFOLD_DEPTHWISE_ANY = 1, ONEFOLD_DEPTHWISE_NEAR = 2 };

/// A residual after the activation, for n pixels from dst + at: they are
/// activated in a buffer of their own, because dst may be the residual.
ONEFOLD_INLINE void onefold_depthwise_store_after(const vf *acc, const int P, const int32_t n,
                                                  const ptrdiff_t at,
                                                  const onefold_depthwise_args *a) {
  const onefold_epilogue *e = a->epilogue;
  const vf scale = e->residual_scale ? vf_load(e->residual_scale) : vf_set1(1.0f);
  float tile[ONEFOLD_DEPTHWISE_P * VF_WIDTH];
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) vf_store(tile + i * VF_WIDTH, acc[i]);
  if (e->post) e->post(e->post_param, tile, tile, (size_t)n * VF_WIDTH);
  for (int i = 0; i < n * VF_WIDTH; i += VF_WIDTH) {
    vf_store(a->dst + at + i, vf_fma(vf_load(e->residual + at + i), scale, vf_load(tile + i)));
  }
}

/// Channel scale, residual before the activation and leaky ReLU, in registers.
ONEFOLD_INLINE void onefold_depthwise_modify(vf *acc, const int P, const int edge, const int32_t n,
                                             const ptrdiff_t at, const onefold_epilogue *e) {
  if (e->scale) {
    const vf scale = vf_load(e->scale);
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P; i++) acc[i] = vf_mul(acc[i], scale);
  }
  if (e->residual && !e->residual_after) {
    const vf scale = e->residual_scale ? vf_load(e->residual_scale) : vf_set1(1.0f);
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P; i++) {
      if (edge == ONEFOLD_DEPTHWISE_ANY && i >= n) break;
      acc[i] = vf_fma(vf_load(e->residual + at + i * VF_WIDTH), scale, acc[i]);
    }
  }
  if (e->leaky) {
    const vf slope = vf_set1(e->slope);
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P; i++) acc[i] = vf_select_negative(acc[i], vf_mul(slope, acc[i]), acc[i]);
  }
}

/// The part of the epilogue that is done in registers, for n pixels from dst + at, and the
/// store. Where not `edge`, n is P.
ONEFOLD_INLINE void onefold_depthwise_store(vf *acc, const int P, const int edge, const int32_t n,
                                            const ptrdiff_t at, const onefold_depthwise_args *a) {
  const onefold_epilogue *e = a->epilogue;
  float *const dst = a->dst + at; // read before the stores, which may change the arguments
  const int modified = onefold_epilogue_modifies(e);
  if (modified) onefold_depthwise_modify(acc, P, edge, n, at, e);
  if (e->lo != -INFINITY) {
    const vf lo = vf_set1(e->lo);
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P; i++) acc[i] = vf_max(lo, acc[i]);
  }
  if (e->hi != INFINITY) {
    const vf hi = vf_set1(e->hi);
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < P; i++) acc[i] = vf_min(hi, acc[i]);
  }
  if (modified && e->residual && e->residual_after) {
    onefold_depthwise_store_after(acc, P, n, at, a);
    return;
  }
  ONEFOLD_UNROLL(8)
  for (int i = 0; i < P; i++) {
    if (edge == ONEFOLD_DEPTHWISE_ANY && i >= n) break;
    vf_store(dst + i * VF_WIDTH, acc[i]);
  }
}

#endif
