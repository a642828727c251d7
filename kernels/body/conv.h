// SPDX-License-Identifier: BSD-3-Clause
// Direct convolution of one tile of a row: any kernel size; stride S (0: any)
// and CB channels a source block (VF_WIDTH: blocked, 1: plain) are constants.
#ifndef ONEFOLD_KERNELS_BODY_CONV_H
#define ONEFOLD_KERNELS_BODY_CONV_H

#include "kernels/body/tile.h"

ONEFOLD_INLINE void onefold_conv_body(const int P, const int Q, const int S, const int CB,
                                      const onefold_conv_args *a) {
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  const ptrdiff_t px = S ? S * CB : a->src_pixel;
  const ptrdiff_t wq = a->weight_q;
  const uint32_t full = (1u << P) - 1u;

  onefold_tile_begin(acc, P, Q, a);
  for (int32_t b = 0; b < a->blocks; b++) {
    const int32_t channels = CB == 1 ? 1 : b + 1 < a->blocks ? CB : a->last_channels;
    for (int32_t r = 0; r < a->rows; r++) {
      ptrdiff_t offset = a->src_offset + b * a->src_block + r * a->src_row;
      const float *weight = a->weight + b * a->weight_block + r * a->weight_row;
      if (CB == 1 && !a->mask) {
        onefold_tile_taps(acc, P, Q, a->src + offset, px, a->src_tap, weight, wq, a->taps);
        continue;
      }
      for (int32_t t = 0; t < a->taps; t++, offset += a->src_tap, weight += CB * VF_WIDTH) {
        const uint32_t mask = a->mask ? a->mask[t] & full : full;
        if (mask == 0) continue;
        if (CB > 1 && mask == full && channels == CB) {
          onefold_tile_block(acc, P, Q, a->src + offset, px, weight, wq);
        } else {
          for (int32_t c = 0; c < channels; c++) {
            onefold_tile_step_masked(acc, P, Q, a->src, offset + c, px, mask, weight + c * VF_WIDTH,
                                     wq);
          }
        }
      }
    }
  }
  onefold_tile_end(acc, P, Q, a);
}

#define ONEFOLD_CONV_INSTANCE(op, isa, p, q, s, cb)                                                \
  void onefold_uk_##op##_f32_##p##x##q##__##isa(const onefold_conv_args *a) {                      \
    ONEFOLD_TILE_SWITCH(a->pixels, p, onefold_conv_body, q, s, cb, a)                              \
  }

#endif
