// SPDX-License-Identifier: BSD-3-Clause
// Winograd output transform of a row of tiles, with the epilogue: first down the columns of a
// tile's products, then along its rows, which are stored.
#ifndef ONEFOLD_KERNELS_BODY_WINOGRAD_OUT_H
#define ONEFOLD_KERNELS_BODY_WINOGRAD_OUT_H

#include "kernels/body/order.h"
#include "kernels/body/tile.h"
#include "kernels/body/winograd.h"

/// Stores `P` outputs of a row, z without its bias. Activations that are no clamps follow later.
ONEFOLD_INLINE void onefold_winograd_out_store(const int P, const vf *z, const vf bias,
                                               onefold_conv_args *row) {
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  ONEFOLD_UNROLL(7)
  for (int p = 0; p < P; p++) acc[p][0] = vf_add(z[p], bias);
  onefold_tile_epilogue(acc, P, 1, row->epilogue, 0);
  if (row->epilogue->residual && row->epilogue->residual_after) {
    onefold_tile_end_after(acc, P, 1, row);
    return;
  }
  ONEFOLD_UNROLL(7)
  for (int p = 0; p < P; p++) vf_store(row->dst + p * VF_WIDTH, acc[p][0]);
}

/// One tile of H + 2 x W + 2 points, E more outputs than H x W, of which `columns` are stored.
ONEFOLD_INLINE void onefold_winograd_out_tile(const int M, const int H, const int W, const int E,
                                              const float *src, const ptrdiff_t *offset,
                                              const vf bias, float *dst, const float *residual,
                                              const int32_t columns,
                                              const onefold_winograd_out_args *a) {
  vf down[ONEFOLD_WINOGRAD_MAX_TILE + 1][ONEFOLD_WINOGRAD_MAX_POINTS];
  for (int j = 0; j < W + 2; j++) {
    vf m[ONEFOLD_WINOGRAD_MAX_POINTS], y[ONEFOLD_WINOGRAD_MAX_TILE + 1];
    const float *column = src + offset[onefold_winograd_place(M, W, j)];
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < H + 2; i++) {
      m[i] = vf_load(column + onefold_winograd_place(M, H, i) * (M + 2) * a->src_element);
    }
    onefold_winograd_out_line(M, H, H + E, m, y);
    ONEFOLD_UNROLL(7)
    for (int i = 0; i < H + E; i++) down[i][j] = y[i];
  }
  onefold_epilogue epilogue = *a->epilogue;
  onefold_conv_args row = {.dst = dst, .final = 1, .epilogue = &epilogue};
  for (int k = 0; k < a->rows; k++) {
    const int64_t i = onefold_order(k, a->rows, a->swap);
    vf z[ONEFOLD_WINOGRAD_MAX_TILE + 1];
    row.dst = dst + i * a->dst_row;
    if (residual) epilogue.residual = residual + i * a->dst_row;
    onefold_winograd_out_line(M, W, W + E, down[i], z);
    if (columns == W + E) {
      onefold_winograd_out_store(W + E, z, bias, &row);
    } else if (columns == W + E - 1) {
      onefold_winograd_out_store(W + E - 1, z, bias, &row);
    } else if (E > 0) { // a piece of an odd number of outputs may have two too many
      onefold_winograd_out_store(W + E - (E > 0 ? 2 : 1), z, bias, &row);
    }
  }
}

/// All tiles, H + 2 points high.
ONEFOLD_INLINE void onefold_winograd_out_tiles(const int M, const int H, const int E,
                                               const onefold_winograd_out_args *a) {
  const onefold_epilogue *e = a->epilogue;
  const vf bias = e->bias ? vf_load(e->bias) : vf_zero();
  ptrdiff_t offset[ONEFOLD_WINOGRAD_MAX_POINTS];
  for (int j = 0; j < M + 2; j++) {
    const int extra = j > a->least_width && j <= M;
    offset[j] = j * a->src_element + (extra ? a->src_extra : 0);
  }
  for (int32_t t = 0; t < a->tiles; t++) {
    const int32_t width = t + 1 < a->tiles ? M : a->last_width;
    const int32_t left = a->columns - t * (M + E);
    const int32_t columns = left < width + E ? left : width + E;
    const ptrdiff_t at = (ptrdiff_t)t * (M + E) * VF_WIDTH;
    const float *src = a->src + (ptrdiff_t)t * VF_WIDTH;
    const float *residual = e->residual ? e->residual + at : NULL;
    if (width == M) {
      onefold_winograd_out_tile(M, H, M, E, src, offset, bias, a->dst + at, residual, columns, a);
    } else if (M > 4 && width == 4) {
      onefold_winograd_out_tile(M, H, M > 4 ? 4 : M, E, src, offset, bias, a->dst + at, residual,
                                columns, a);
    } else if (M > 2) {
      onefold_winograd_out_tile(M, H, M > 2 ? 2 : M, E, src, offset, bias, a->dst + at, residual,
                                columns, a);
    }
  }
  if (e->post && !(e->residual && e->residual_after)) {
    for (int32_t i = 0; i < a->rows; i++) {
      float *dst = a->dst + i * a->dst_row;
      e->post(e->post_param, dst, dst, (size_t)a->columns * VF_WIDTH);
    }
  }
}

ONEFOLD_INLINE void onefold_winograd_out_body(const int M, const int E,
                                              const onefold_winograd_out_args *a) {
  if (a->height == M) {
    onefold_winograd_out_tiles(M, M, E, a);
  } else if (M > 4 && a->height == 4) {
    onefold_winograd_out_tiles(M, M > 4 ? 4 : M, E, a);
  } else if (M > 2) {
    onefold_winograd_out_tiles(M, M > 2 ? 2 : M, E, a);
  }
}

#define ONEFOLD_WINOGRAD_INSTANCE_winograd_out(isa, m)                                             \
  void onefold_uk_winograd_out_f32_##m##x##m##__##isa(const onefold_winograd_out_args *a) {        \
    onefold_winograd_out_body(m, 0, a);                                                            \
  }

#define ONEFOLD_WINOGRAD_INSTANCE_polyphase_out(isa, m)                                            \
  void onefold_uk_polyphase_out_f32_##m##x##m##__##isa(const onefold_winograd_out_args *a) {       \
    onefold_winograd_out_body(m - 1, 1, a);                                                        \
  }

#endif
