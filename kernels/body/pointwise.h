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

enum { ONEFOLD_POINTWISE_SPLIT = 4 };

/// Moves the pointers to a pixel and to its weights. To the compiler they are any: else it counts
/// by other numbers, of which it needs so many that most are in memory.
ONEFOLD_INLINE void onefold_pointwise_move(const float **src, const ptrdiff_t by, const float **w,
                                           const int Q, const ptrdiff_t w_by) {
  *src += by;
  __asm__("" : "+r"(*src));
  ONEFOLD_UNROLL(8)
  for (int q = 0; q < Q; q++) {
    w[q] += w_by;
    __asm__("" : "+r"(w[q]));
  }
}

/// Adds as many channels of one pixel as there are parts of its sums, one to each part.
ONEFOLD_INLINE void onefold_pointwise_parts(vf part[][ONEFOLD_MAX_TILE_BLOCKS], const int Q,
                                            const float *src, const float *const *w, const int c) {
  ONEFOLD_UNROLL(4)
  for (int s = 0; s < ONEFOLD_POINTWISE_SPLIT; s++) {
    const vf x = vf_set1(src[c + s]);
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      part[s][q] = vf_fma(vf_load(w[q] + (c + s) * VF_WIDTH), x, part[s][q]);
    }
  }
}

/// One pixel, whose sums are chains of dependent additions: each in parts. Calls are short, so that
/// what is not a multiply-add counts: whole blocks are straight code.
ONEFOLD_INLINE void onefold_pointwise_split(vf *acc, const int Q, const int32_t whole,
                                            const onefold_conv_args *a) {
  enum { SPLIT = ONEFOLD_POINTWISE_SPLIT };
  vf part[SPLIT][ONEFOLD_MAX_TILE_BLOCKS];
  const float *src = a->src + a->src_offset, *w[ONEFOLD_MAX_TILE_BLOCKS];
  ONEFOLD_UNROLL(8)
  for (int q = 0; q < Q; q++) {
    w[q] = a->weight + q * a->weight_q;
    part[0][q] = acc[q];
    ONEFOLD_UNROLL(4)
    for (int s = 1; s < SPLIT; s++) part[s][q] = vf_zero();
  }
  for (int32_t b = 0; b < whole; b++) {
    ONEFOLD_UNROLL(4)
    for (int c = 0; c < VF_WIDTH; c += SPLIT) onefold_pointwise_parts(part, Q, src, w, c);
    onefold_pointwise_move(&src, a->src_block, w, Q, a->weight_block);
  }
  if (whole < a->blocks) {
    int32_t left = a->last_channels;
    for (; left >= SPLIT; left -= SPLIT) {
      onefold_pointwise_parts(part, Q, src, w, 0);
      onefold_pointwise_move(&src, SPLIT, w, Q, SPLIT * VF_WIDTH);
    }
    for (; left > 0; left--) {
      const vf x = vf_set1(*src);
      ONEFOLD_UNROLL(8)
      for (int q = 0; q < Q; q++) part[0][q] = vf_fma(vf_load(w[q]), x, part[0][q]);
      onefold_pointwise_move(&src, 1, w, Q, VF_WIDTH);
    }
  }
  ONEFOLD_UNROLL(8)
  for (int q = 0; q < Q; q++) {
    acc[q] = vf_add(vf_add(part[0][q], part[1][q]), vf_add(part[2][q], part[3][q]));
  }
}

ONEFOLD_INLINE void onefold_pointwise_tile(const int P, const int Q, const onefold_conv_args *a) {
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  const ptrdiff_t wq = a->weight_q;
  const float *src = a->src + a->src_offset;
  const float *weight = a->weight;
  const int32_t whole = a->last_channels == VF_WIDTH ? a->blocks : a->blocks - 1;

  onefold_tile_begin(acc, P, Q, a);
  if (P == 1 && Q <= 2 && a->split) { // more blocks are chains enough
    onefold_pointwise_split(acc[0], Q, whole, a);
    onefold_tile_end(acc, P, Q, a);
    return;
  }
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
  void onefold_uk_pointwise_f32_##p##x##q##__##isa(onefold_conv_args *a) {                         \
    ONEFOLD_TILES(a, p, VF_WIDTH, onefold_pointwise_tile, q)                                       \
  }

#endif
