// SPDX-License-Identifier: BSD-3-Clause
// The register tile that convolutions share: P pixels by Q output blocks of
// accumulators, one multiply-add step per input channel, and the epilogue.
// P and Q are constants wherever these are inlined.
#ifndef ONEFOLD_KERNELS_BODY_TILE_H
#define ONEFOLD_KERNELS_BODY_TILE_H

#include "kernels/kernel.h"

#include <math.h>

/// acc = bias or 0, or the partial sums in dst.
ONEFOLD_INLINE void onefold_tile_begin(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P, const int Q,
                                       const onefold_conv_args *a) {
  if (a->accumulate) {
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      const float *dst = a->dst + q * a->dst_q;
      ONEFOLD_UNROLL(16)
      for (int p = 0; p < P; p++) acc[p][q] = vf_load(dst + p * VF_WIDTH);
    }
  } else {
    const float *bias = a->epilogue->bias;
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      const vf b = bias ? vf_load(bias + q * VF_WIDTH) : vf_zero();
      ONEFOLD_UNROLL(16)
      for (int p = 0; p < P; p++) acc[p][q] = b;
    }
  }
}

/// Adds `lanes` (1 .. VX_LANES) channels of P pixels, src[p*px ...], times
/// their weights; channel c of block q starts at weight[q*wq + c*VF_WIDTH].
/// Where `fetch` is set, asks for the weights `ahead` floats further on, a line
/// at a time; `first` is the number of the first channel in its block.
ONEFOLD_INLINE void onefold_tile_step(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P, const int Q,
                                      const float *src, const ptrdiff_t px, const float *weight,
                                      const ptrdiff_t wq, const int fetch, const ptrdiff_t ahead,
                                      const int first, const int lanes) {
  vx x[ONEFOLD_MAX_TILE_PIXELS];
  ONEFOLD_UNROLL(16)
  for (int p = 0; p < P; p++) x[p] = vx_load(src + p * px);
  ONEFOLD_UNROLL(4)
  for (int lane = 0; lane < lanes; lane++) {
    vf w[ONEFOLD_MAX_TILE_BLOCKS];
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      const float *at = weight + q * wq + lane * VF_WIDTH;
      w[q] = vf_load(at);
      if (fetch && (first + lane) * VF_WIDTH % 16 == 0) {
        __builtin_prefetch((const void *)((uintptr_t)at + (uintptr_t)ahead * sizeof(float)), 0, 2);
      }
    }
    ONEFOLD_UNROLL(16)
    for (int p = 0; p < P; p++) {
      ONEFOLD_UNROLL(8)
      for (int q = 0; q < Q; q++) acc[p][q] = vf_fma_lane(acc[p][q], w[q], x[p], lane);
    }
  }
}

/// One channel of the pixels whose bit in `mask` is set, broadcast from src[p*px].
ONEFOLD_INLINE void onefold_tile_step_masked(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                             const int Q, const float *src, const ptrdiff_t offset,
                                             const ptrdiff_t px, const uint32_t mask,
                                             const float *weight, const ptrdiff_t wq) {
  vf w[ONEFOLD_MAX_TILE_BLOCKS];
  ONEFOLD_UNROLL(8)
  for (int q = 0; q < Q; q++) w[q] = vf_load(weight + q * wq);
  ONEFOLD_UNROLL(16)
  for (int p = 0; p < P; p++) {
    if (mask >> p & 1u) {
      const vf x = vf_set1(src[offset + p * px]);
      ONEFOLD_UNROLL(8)
      for (int q = 0; q < Q; q++) acc[p][q] = vf_fma(w[q], x, acc[p][q]);
    }
  }
}

/// A whole block of VF_WIDTH channels.
ONEFOLD_INLINE void onefold_tile_channels(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                          const int Q, const float *src, const ptrdiff_t px,
                                          const float *weight, const ptrdiff_t wq, const int fetch,
                                          const ptrdiff_t ahead) {
  ONEFOLD_UNROLL(4)
  for (int c = 0; c < VF_WIDTH; c += VX_LANES) {
    onefold_tile_step(acc, P, Q, src + c, px, weight + c * VF_WIDTH, wq, fetch, ahead, c, VX_LANES);
  }
}

/// The same, fetching weights ahead or not. A narrow tile waits for its own, which are many to its
/// multiply-adds.
ONEFOLD_INLINE void onefold_tile_block(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P, const int Q,
                                       const float *src, const ptrdiff_t px, const float *weight,
                                       const ptrdiff_t wq, const ptrdiff_t ahead) {
  if (P > (VF_WIDTH == 16 ? 4 : 3) && ahead != 0) {
    onefold_tile_channels(acc, P, Q, src, px, weight, wq, 1, ahead);
  } else {
    onefold_tile_channels(acc, P, Q, src, px, weight, wq, 0, 0);
  }
}

/// One channel of `taps` taps, tap floats apart, every pixel inside.
ONEFOLD_INLINE void onefold_tile_taps(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P, const int Q,
                                      const float *src, const ptrdiff_t px, const ptrdiff_t tap,
                                      const float *weight, const ptrdiff_t wq, const int32_t taps) {
  ONEFOLD_UNROLL(3)
  for (int32_t t = 0; t < taps; t++, src += tap, weight += VF_WIDTH) {
    vf w[ONEFOLD_MAX_TILE_BLOCKS];
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) w[q] = vf_load(weight + q * wq);
    ONEFOLD_UNROLL(16)
    for (int p = 0; p < P; p++) {
      const vf x = vf_set1(src[p * px]);
      ONEFOLD_UNROLL(8)
      for (int q = 0; q < Q; q++) acc[p][q] = vf_fma(w[q], x, acc[p][q]);
    }
  }
}

/// Channel scale, residual and the activations that are a few instructions, in registers.
ONEFOLD_INLINE void onefold_tile_epilogue(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                          const int Q, const onefold_epilogue *e,
                                          const ptrdiff_t dst_q) {
  if (e->scale) {
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      const vf scale = vf_load(e->scale + q * VF_WIDTH);
      ONEFOLD_UNROLL(16)
      for (int p = 0; p < P; p++) acc[p][q] = vf_mul(acc[p][q], scale);
    }
  }
  if (e->residual && !e->residual_after) {
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      const vf scale =
          e->residual_scale ? vf_load(e->residual_scale + q * VF_WIDTH) : vf_set1(1.0f);
      const float *residual = e->residual + q * dst_q;
      ONEFOLD_UNROLL(16)
      for (int p = 0; p < P; p++) {
        acc[p][q] = vf_fma(vf_load(residual + p * VF_WIDTH), scale, acc[p][q]);
      }
    }
  }
  if (e->leaky) {
    const vf slope = vf_set1(e->slope);
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      ONEFOLD_UNROLL(16)
      for (int p = 0; p < P; p++) {
        acc[p][q] = vf_select_negative(acc[p][q], vf_mul(slope, acc[p][q]), acc[p][q]);
      }
    }
  }
  if (e->lo != -INFINITY) {
    const vf lo = vf_set1(e->lo);
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      ONEFOLD_UNROLL(16)
      for (int p = 0; p < P; p++) acc[p][q] = vf_max(lo, acc[p][q]);
    }
  }
  if (e->hi != INFINITY) {
    const vf hi = vf_set1(e->hi);
    ONEFOLD_UNROLL(8)
    for (int q = 0; q < Q; q++) {
      ONEFOLD_UNROLL(16)
      for (int p = 0; p < P; p++) acc[p][q] = vf_min(hi, acc[p][q]);
    }
  }
}

/// A residual after the activation: the tile is activated in a buffer of its
/// own, because dst may be the residual.
ONEFOLD_INLINE void onefold_tile_end_after(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P,
                                           const int Q, const onefold_conv_args *a) {
  const onefold_epilogue *e = a->epilogue;
  float tile[32 * VF_WIDTH]; // no tile has more accumulators than an ISA has registers
  ONEFOLD_UNROLL(8)
  for (int q = 0; q < Q; q++) {
    ONEFOLD_UNROLL(16)
    for (int p = 0; p < P; p++) vf_store(tile + (q * P + p) * VF_WIDTH, acc[p][q]);
  }
  if (e->post) e->post(e->post_param, tile, tile, (size_t)(P * Q) * VF_WIDTH);
  for (int q = 0; q < Q; q++) {
    const vf scale = e->residual_scale ? vf_load(e->residual_scale + q * VF_WIDTH) : vf_set1(1.0f);
    for (int p = 0; p < P; p++) {
      const ptrdiff_t i = q * a->dst_q + p * VF_WIDTH;
      vf_store(a->dst + i,
               vf_fma(vf_load(e->residual + i), scale, vf_load(tile + (q * P + p) * VF_WIDTH)));
    }
  }
}

/// Stores the tile, after the epilogue where the sum is complete.
ONEFOLD_INLINE void onefold_tile_end(vf acc[][ONEFOLD_MAX_TILE_BLOCKS], const int P, const int Q,
                                     const onefold_conv_args *a) {
  // Read before the stores, which to the compiler may change the arguments.
  const onefold_epilogue *e = a->epilogue;
  float *const dst = a->dst;
  const ptrdiff_t dst_q = a->dst_q;
  onefold_act_fn *const post = a->final ? e->post : NULL;
  if (a->final) {
    onefold_tile_epilogue(acc, P, Q, e, dst_q);
    if (e->residual && e->residual_after) {
      onefold_tile_end_after(acc, P, Q, a);
      return;
    }
  }
  ONEFOLD_UNROLL(8)
  for (int q = 0; q < Q; q++) {
    ONEFOLD_UNROLL(16)
    for (int p = 0; p < P; p++) vf_store(dst + q * dst_q + p * VF_WIDTH, acc[p][q]);
  }
  // The other activations, on the stored tile, still in L1.
  for (int q = 0; post && q < Q; q++) {
    float *row = dst + q * dst_q;
    post(e->post_param, row, row, (size_t)P * VF_WIDTH);
  }
}

/// Calls BODY(p, ...) with the constant p that equals `pixels`, 1 .. P.
#define ONEFOLD_TILE_CASE(n, P, BODY, ...)                                                         \
  case n:                                                                                          \
    if (n <= P) BODY(n <= P ? n : 1, __VA_ARGS__);                                                 \
    break;
#define ONEFOLD_TILE_SWITCH(pixels, P, BODY, ...)                                                  \
  switch (pixels) {                                                                                \
    ONEFOLD_TILE_CASE(1, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(2, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(3, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(4, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(5, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(6, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(7, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(8, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(9, P, BODY, __VA_ARGS__)                                                     \
    ONEFOLD_TILE_CASE(10, P, BODY, __VA_ARGS__)                                                    \
    ONEFOLD_TILE_CASE(11, P, BODY, __VA_ARGS__)                                                    \
    ONEFOLD_TILE_CASE(12, P, BODY, __VA_ARGS__)                                                    \
    ONEFOLD_TILE_CASE(13, P, BODY, __VA_ARGS__)                                                    \
    ONEFOLD_TILE_CASE(14, P, BODY, __VA_ARGS__)                                                    \
    ONEFOLD_TILE_CASE(15, P, BODY, __VA_ARGS__)                                                    \
    ONEFOLD_TILE_CASE(16, P, BODY, __VA_ARGS__)                                                    \
  }

/// The tiles of a call of more pixels than P: of nearly equal widths, the wider first. The call's
/// arguments become those of one tile after the other, and in the end what they were. In memory:
/// what a tile does not need while it multiplies must not take registers from it. (To copy the
/// arguments would wait for the stores of who has just filled them.)
typedef struct onefold_tiles {
  ptrdiff_t src_offset, weight_ahead; // of the call
  float *dst;
  const float *residual;
  int32_t pixels;
  int32_t left, width, wider; // pixels from this tile on, of a tile; tiles that are one wider
} onefold_tiles;

ONEFOLD_INLINE void onefold_tiles_begin(onefold_tiles *t, const int P, onefold_conv_args *a) {
  const int32_t tiles = (a->pixels + P - 1) / P;
  *t = (onefold_tiles){.src_offset = a->src_offset,
                       .weight_ahead = a->weight_ahead,
                       .dst = a->dst,
                       .residual = a->epilogue->residual,
                       .pixels = a->pixels,
                       .left = a->pixels,
                       .width = a->pixels / tiles,
                       .wider = a->pixels % tiles};
  a->weight_ahead = 0; // the last tile asks for what comes after the call
  a->pixels = t->width + (t->wider > 0);
  __asm__("" : "+r"(t), "+r"(a) : : "memory");
}

/// On to the next tile, whose source is px floats a pixel further. Returns 0 where there is none.
ONEFOLD_INLINE int onefold_tiles_next(onefold_tiles *t, onefold_conv_args *a, const ptrdiff_t px) {
  const ptrdiff_t done = a->pixels;
  t->left -= (int32_t)done;
  if (t->left == 0) return 0;
  t->wider -= t->wider > 0;
  a->pixels = t->width + (t->wider > 0);
  a->src_offset += done * px;
  a->dst += done * VF_WIDTH;
  if (t->residual) a->epilogue->residual += done * VF_WIDTH;
  if (t->left == a->pixels) a->weight_ahead = t->weight_ahead;
  return 1;
}

ONEFOLD_INLINE void onefold_tiles_end(const onefold_tiles *t, onefold_conv_args *a) {
  a->src_offset = t->src_offset;
  a->dst = t->dst;
  a->pixels = t->pixels;
  if (t->residual) a->epilogue->residual = t->residual;
}

/// Calls BODY(width, ..., args) for each tile of a call.
#define ONEFOLD_TILES(a, P, PX, BODY, ...)                                                         \
  onefold_tiles t;                                                                                 \
  const int several = a->pixels > P;                                                               \
  if (several) onefold_tiles_begin(&t, P, a);                                                      \
  do {                                                                                             \
    ONEFOLD_TILE_SWITCH(a->pixels, P, BODY, __VA_ARGS__, a)                                        \
  } while (several && onefold_tiles_next(&t, a, PX));                                              \
  if (several) onefold_tiles_end(&t, a);

#endif
