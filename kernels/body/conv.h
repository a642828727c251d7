// SPDX-License-Identifier: BSD-3-Clause
// Direct convolution of one tile of a row: any kernel size; stride S (0: any)
// and CB channels a source block (VF_WIDTH: blocked, 1: plain) are constants.
#ifndef ONEFOLD_KERNELS_BODY_CONV_H
#define ONEFOLD_KERNELS_BODY_CONV_H

#include "kernels/body/tile.h"

/// One kernel row of a blocked source: `channels` of each of the taps.
ONEFOLD_INLINE void onefold_conv_row(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P, const int Q,
                                     ptrdiff_t offset, const ptrdiff_t px, const float *weight,
                                     const int32_t channels, const onefold_conv_args *a) {
  const uint32_t full = (1u << P) - 1u;
  for (int32_t t = 0; t < a->taps; t++) {
    const uint32_t mask = a->mask ? a->mask[t] & full : full;
    if (mask == full && channels == VF_WIDTH) {
      onefold_tile_block(acc, P, Q, a->src + offset, px, weight, a->weight_q);
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

/// One kernel row of a plain source: one channel of each of the taps.
ONEFOLD_INLINE void onefold_conv_plain_row(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                           const int Q, ptrdiff_t offset, const ptrdiff_t px,
                                           const float *weight, const onefold_conv_args *a) {
  if (!a->mask) {
    onefold_tile_taps(acc, P, Q, a->src + offset, px, a->src_tap, weight, a->weight_q, a->taps);
    return;
  }
  for (int32_t t = 0; t < a->taps; t++) {
    onefold_tile_step_masked(acc, P, Q, a->src, offset, px, a->mask[t], weight, a->weight_q);
    offset += a->src_tap;
    weight += VF_WIDTH;
  }
}

ONEFOLD_INLINE void onefold_conv_body(const int P, const int Q, const int S, const int CB,
                                      const onefold_conv_args *a) {
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  const ptrdiff_t px = S ? S * CB : a->src_pixel;
  ptrdiff_t block_offset = a->src_offset;
  const float *block_weight = a->weight;

  onefold_tile_begin(acc, P, Q, a);
  for (int32_t b = a->blocks; b > 0; b--) {
    ptrdiff_t offset = block_offset;
    const float *weight = block_weight;
    for (int32_t r = a->rows; r > 0; r--) {
      if (CB == 1) {
        onefold_conv_plain_row(acc, P, Q, offset, px, weight, a);
      } else {
        onefold_conv_row(acc, P, Q, offset, px, weight, b > 1 ? VF_WIDTH : a->last_channels, a);
      }
      offset += a->src_row;
      weight += a->weight_row;
    }
    block_offset += a->src_block;
    block_weight += a->weight_block;
  }
  onefold_tile_end(acc, P, Q, a);
}

#define ONEFOLD_CONV_INSTANCE(op, isa, p, q, s, cb)                                                \
  void onefold_uk_##op##_f32_##p##x##q##__##isa(const onefold_conv_args *a) {                      \
    ONEFOLD_TILE_SWITCH(a->pixels, p, onefold_conv_body, q, s, cb, a)                              \
  }

#endif
