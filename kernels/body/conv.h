// SPDX-License-Identifier: BSD-3-Clause
// Direct convolution of tiles of a row: any kernel size; stride S (0: any)
// and CB channels a source block (VF_WIDTH: blocked, 1: plain) are constants.
#ifndef ONEFOLD_KERNELS_BODY_CONV_H
#define ONEFOLD_KERNELS_BODY_CONV_H

#include "kernels/body/tile.h"

/// Asks for the pixels of a row that is read next. Any address may be asked for.
ONEFOLD_INLINE void onefold_conv_prefetch(const int P, const ptrdiff_t px, const ptrdiff_t offset,
                                          const onefold_conv_args *a) {
  const uintptr_t src = (uintptr_t)a->src + (uintptr_t)offset * sizeof(float);
  ONEFOLD_UNROLL(16)
  for (int p = 0; p < P; p++) {
    __builtin_prefetch((const void *)(src + (uintptr_t)(p * px) * sizeof(float)));
  }
}

/// One kernel row of a blocked source: `channels` of each of the taps. A tap that lacks the first
/// or the last pixel alone, as those of 3x3 at the border do, is one of a narrower tile.
ONEFOLD_INLINE void onefold_conv_row(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P, const int Q,
                                     ptrdiff_t offset, const ptrdiff_t px, const float *weight,
                                     const int32_t channels, const onefold_conv_args *a) {
  const uint32_t full = (1u << P) - 1u;
  for (int32_t t = 0; t < a->taps; t++) {
    const uint32_t mask = a->mask ? a->mask[t] & full : full;
    if (mask == full && channels == VF_WIDTH) {
      onefold_tile_block(acc, P, Q, a->src + offset, px, weight, a->weight_q, a->weight_ahead);
    } else if (P > 3 && mask == (full & ~1u) && channels == VF_WIDTH) {
      onefold_tile_block(acc + 1, P > 3 ? P - 1 : P, Q, a->src + offset + px, px, weight,
                         a->weight_q, a->weight_ahead);
    } else if (P > 3 && mask == full >> 1 && channels == VF_WIDTH) {
      onefold_tile_block(acc, P > 3 ? P - 1 : P, Q, a->src + offset, px, weight, a->weight_q,
                         a->weight_ahead);
    } else if (mask != 0) {
      for (int32_t c = 0; c < channels; c++) {
        onefold_tile_step_masked(acc, P, Q, a->src, offset + c, px, mask, weight + c * VF_WIDTH,
                                 a->weight_q);
      }
    }
    offset += a->src_tap;
    weight += VF_WIDTH * VF_WIDTH;
  }
}

/// A plain source with `rows` rows of `taps` taps, every pixel inside; 3 as a constant unrolls.
ONEFOLD_INLINE void onefold_conv_plain_inside(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                              const int Q, const ptrdiff_t px, const int32_t rows,
                                              const int32_t taps, const onefold_conv_args *a) {
  const float *block_src = a->src + a->src_offset, *block_weight = a->weight;
  for (int32_t b = a->blocks; b > 0; b--) {
    const float *src = block_src, *weight = block_weight;
    for (int32_t r = 0; r < rows; r++) {
      onefold_tile_taps(acc, P, Q, src, px, a->src_tap, weight, a->weight_q, taps);
      src += a->src_row;
      weight += a->weight_row;
    }
    block_src += a->src_block;
    block_weight += a->weight_block;
  }
}

/// A plain source with pixels outside the image.
ONEFOLD_INLINE void onefold_conv_plain_masked(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                              const int Q, const ptrdiff_t px,
                                              const onefold_conv_args *a) {
  for (int32_t b = 0; b < a->blocks; b++) {
    for (int32_t r = 0; r < a->rows; r++) {
      ptrdiff_t offset = a->src_offset + b * a->src_block + r * a->src_row;
      const float *weight = a->weight + b * a->weight_block + r * a->weight_row;
      for (int32_t t = 0; t < a->taps; t++, offset += a->src_tap, weight += VF_WIDTH) {
        onefold_tile_step_masked(acc, P, Q, a->src, offset, px, a->mask[t], weight, a->weight_q);
      }
    }
  }
}

/// A blocked source.
ONEFOLD_INLINE void onefold_conv_blocked(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                         const int Q, const ptrdiff_t px,
                                         const onefold_conv_args *a) {
  ptrdiff_t block_offset = a->src_offset;
  const float *block_weight = a->weight;
  for (int32_t b = a->blocks; b > 0; b--) {
    const int32_t channels = b > 1 ? VF_WIDTH : a->last_channels;
    ptrdiff_t offset = block_offset;
    const float *weight = block_weight;
    for (int32_t r = a->rows; r > 0; r--) {
      onefold_conv_prefetch(P, px, r > 1 ? offset + a->src_row : block_offset + a->src_block, a);
      onefold_conv_row(acc, P, Q, offset, px, weight, channels, a);
      offset += a->src_row;
      weight += a->weight_row;
    }
    block_offset += a->src_block;
    block_weight += a->weight_block;
  }
}

ONEFOLD_INLINE void onefold_conv_tile(const int P, const int Q, const int S, const int CB,
                                      const onefold_conv_args *a) {
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  const ptrdiff_t px = S ? S * CB : a->src_pixel;

  onefold_tile_begin(acc, P, Q, a);
  if (CB > 1) {
    onefold_conv_blocked(acc, P, Q, px, a);
  } else if (a->mask) {
    onefold_conv_plain_masked(acc, P, Q, px, a);
  } else if (a->taps == 3) {
    onefold_conv_plain_inside(acc, P, Q, px, a->rows, 3, a);
  } else {
    onefold_conv_plain_inside(acc, P, Q, px, a->rows, a->taps, a);
  }
  onefold_tile_end(acc, P, Q, a);
}

#define ONEFOLD_CONV_INSTANCE(op, isa, p, q, s, cb)                                                \
  void onefold_uk_##op##_f32_##p##x##q##__##isa(onefold_conv_args *a) {                            \
    ONEFOLD_TILES(a, p, s ? s *cb : a->src_pixel, onefold_conv_tile, q, s, cb)                     \
  }

#endif
