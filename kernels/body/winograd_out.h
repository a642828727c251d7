// SPDX-License-Identifier: BSD-3-Clause
// Winograd output transform of a row of tiles, with the epilogue: first down the columns of a
// tile's products, then along its rows, which are stored.
#ifndef ONEFOLD_KERNELS_BODY_WINOGRAD_OUT_H
#define ONEFOLD_KERNELS_BODY_WINOGRAD_OUT_H

#include "kernels/body/tile.h"
#include "kernels/body/winograd.h"

/// Stores `P` outputs of a row, z without its bias. Activations that are no clamps follow later.
ONEFOLD_INLINE void onefold_winograd_out_store(const int P, const vf *z, const vf bias,
                                               onefold_conv_args *row) {
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  ONEFOLD_UNROLL(6)
  for (int p = 0; p < P; p++) acc[p][0] = vf_add(z[p], bias);
  onefold_tile_epilogue(acc, P, 1, row);
  if (row->epilogue->residual && row->epilogue->residual_after) {
    onefold_tile_end_after(acc, P, 1, row);
    return;
  }
  ONEFOLD_UNROLL(6)
  for (int p = 0; p < P; p++) vf_store(row->dst + p * VF_WIDTH, acc[p][0]);
}

/// One tile W outputs wide, of which `columns` are stored.
ONEFOLD_INLINE void onefold_winograd_out_tile(const int M, const int H, const int W,
                                              const float *src, const ptrdiff_t *offset,
                                              const vf bias, float *dst, const float *residual,
                                              const int32_t columns,
                                              const onefold_winograd_out_args *a) {
  vf down[ONEFOLD_WINOGRAD_MAX_TILE][ONEFOLD_WINOGRAD_MAX_POINTS];
  for (int j = 0; j < W + 2; j++) {
    vf m[ONEFOLD_WINOGRAD_MAX_POINTS], y[ONEFOLD_WINOGRAD_MAX_TILE];
    const float *column = src + offset[onefold_winograd_place(M, W, j)];
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < H + 2; i++) {
      m[i] = vf_load(column + onefold_winograd_place(M, H, i) * (M + 2) * a->src_element);
    }
    onefold_winograd_out_line(M, H, m, y);
    ONEFOLD_UNROLL(6)
    for (int i = 0; i < H; i++) down[i][j] = y[i];
  }
  onefold_epilogue epilogue = *a->epilogue;
  onefold_conv_args row = {.dst = dst, .dst_pixel = VF_WIDTH, .final = 1, .epilogue = &epilogue};
  epilogue.residual = residual;
  for (int i = 0; i < a->rows; i++) {
    vf z[ONEFOLD_WINOGRAD_MAX_TILE];
    onefold_winograd_out_line(M, W, down[i], z);
    if (columns == W) {
      onefold_winograd_out_store(W, z, bias, &row);
    } else {
      onefold_winograd_out_store(W - 1, z, bias, &row);
    }
    row.dst += a->dst_row;
    if (residual) epilogue.residual += a->dst_row;
  }
}

/// All tiles, H outputs high.
ONEFOLD_INLINE void onefold_winograd_out_tiles(const int M, const int H,
                                               const onefold_winograd_out_args *a) {
  const onefold_epilogue *e = a->epilogue;
  const vf bias = e->bias ? vf_load(e->bias) : vf_zero();
  ptrdiff_t offset[ONEFOLD_WINOGRAD_MAX_POINTS];
  for (int j = 0; j < M + 2; j++) {
    const int extra = j > a->last_width && j <= M;
    offset[j] = j * a->src_element + (extra ? a->src_extra : 0);
  }
  for (int32_t t = 0; t < a->tiles; t++) {
    const int32_t width = t + 1 < a->tiles ? M : a->last_width;
    const int32_t left = a->columns - t * M;
    const int32_t columns = left < width ? left : width;
    const ptrdiff_t at = (ptrdiff_t)t * M * VF_WIDTH;
    const float *src = a->src + (ptrdiff_t)t * VF_WIDTH;
    const float *residual = e->residual ? e->residual + at : NULL;
    if (width == M) {
      onefold_winograd_out_tile(M, H, M, src, offset, bias, a->dst + at, residual, columns, a);
    } else if (M > 4 && width == 4) {
      onefold_winograd_out_tile(M, H, M > 4 ? 4 : M, src, offset, bias, a->dst + at, residual,
                                columns, a);
    } else if (M > 2) {
      onefold_winograd_out_tile(M, H, M > 2 ? 2 : M, src, offset, bias, a->dst + at, residual,
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

ONEFOLD_INLINE void onefold_winograd_out_body(const int M, const onefold_winograd_out_args *a) {
  if (a->height == M) {
    onefold_winograd_out_tiles(M, M, a);
  } else if (M > 4 && a->height == 4) {
    onefold_winograd_out_tiles(M, M > 4 ? 4 : M, a);
  } else if (M > 2) {
    onefold_winograd_out_tiles(M, M > 2 ? 2 : M, a);
  }
}

#define ONEFOLD_WINOGRAD_INSTANCE_winograd_out(isa, m)                                             \
  void onefold_uk_winograd_out_f32_##m##x##m##__##isa(const onefold_winograd_out_args *a) {        \
    onefold_winograd_out_body(m, a);                                                               \
  }

#endif
