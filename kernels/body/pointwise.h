// SPDX-License-Identifier: BSD-3-Clause
// Pointwise (1x1, stride 1) convolution of any number of pixels, in tiles of
// nearly equal width: a matrix product over the channel blocks.
#ifndef ONEFOLD_KERNELS_BODY_POINTWISE_H
#define ONEFOLD_KERNELS_BODY_POINTWISE_H

#include "kernels/body/tile.h"

/// Asks for a block of P pixels that are next to each other. Any address may be asked for.
ONEFOLD_INLINE void onefold_pointwise_prefetch(const int P, const float *src,
                                               const ptrdiff_t ahead) {
  enum { LINE = 64 / sizeof(float) };
  const uintptr_t at = (uintptr_t)src + (uintptr_t)ahead * sizeof(float);
  ONEFOLD_UNROLL(16)
  for (int i = 0; i < P * VF_WIDTH; i += LINE) {
    __builtin_prefetch((const void *)(at + (uintptr_t)i * sizeof(float)));
  }
}

ONEFOLD_INLINE void onefold_pointwise_tile(const int P, const int Q, const onefold_conv_args *a) {
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  const ptrdiff_t wq = a->weight_q;
  const float *src = a->src + a->src_offset;
  const float *weight = a->weight;
  const int32_t whole = a->last_channels == VF_WIDTH ? a->blocks : a->blocks - 1;

  onefold_tile_begin(acc, P, Q, a);
  for (int32_t b = 0; b < whole; b++, src += a->src_block, weight += a->weight_block) {
    if (P > 3 && a->src_ahead) onefold_pointwise_prefetch(P, src, a->src_ahead);
    onefold_tile_block(acc, P, Q, src, VF_WIDTH, weight, wq, a->weight_ahead);
  }
  if (whole < a->blocks) {
    const uint32_t full = (1u << P) - 1u;
    for (int32_t c = 0; c < a->last_channels; c++) {
      onefold_tile_step_masked(acc, P, Q, src, c, VF_WIDTH, full, weight + c * VF_WIDTH, wq);
    }
  }
  onefold_tile_end(acc, P, Q, a);
}

#define ONEFOLD_POINTWISE_INSTANCE(isa, p, q)                                                      \
  void onefold_uk_pointwise_f32_##p##x##q##__##isa(const onefold_conv_args *a) {                   \
    ONEFOLD_TILES(a, p, VF_WIDTH, onefold_pointwise_tile, q)                                       \
  }

#endif
