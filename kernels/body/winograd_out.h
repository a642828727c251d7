// SPDX-License-Identifier: BSD-3-Clause
// Winograd output transform of a row of tiles, with the epilogue: first down the columns of a
// tile's products, then along its rows, which are stored.
#ifndef ONEFOLD_KERNELS_BODY_WINOGRAD_OUT_H
#define ONEFOLD_KERNELS_BODY_WINOGRAD_OUT_H

#include "kernels/body/epilogue.h"
#include "kernels/body/order.h"
#include "kernels/body/tile.h"
#include "kernels/body/winograd.h"

/// Stores `P` outputs of a row, z without its bias, where the epilogue has no more than that and a
/// clamp.
ONEFOLD_INLINE void onefold_winograd_out_clamp(const int P, const vf *z, const vf bias, float *dst,
                                               const onefold_epilogue *e) {
  const vf lo = vf_set1(e->lo), hi = vf_set1(e->hi);
  ONEFOLD_UNROLL(7)
  for (int p = 0; p < P; p++) {
    vf_store(dst + p * VF_WIDTH, vf_min(hi, vf_max(lo, vf_add(z[p], bias))));
  }
}

/// The same with any epilogue. Activations that are no clamps follow later.
ONEFOLD_INLINE void onefold_winograd_out_store(const int P, const vf *z, const vf bias, float *dst,
                                               const float *residual,
                                               const onefold_winograd_out_args *a) {
  onefold_epilogue epilogue = *a->epilogue;
  epilogue.residual = residual;
  const onefold_conv_args row = {.dst = dst, .final = 1, .epilogue = &epilogue};
  vf acc[ONEFOLD_MAX_TILE_PIXELS][ONEFOLD_MAX_TILE_BLOCKS];
  ONEFOLD_UNROLL(7)
  for (int p = 0; p < P; p++) acc[p][0] = vf_add(z[p], bias);
  onefold_tile_epilogue(acc, P, 1, &epilogue, 0);
  if (residual && epilogue.residual_after) {
    onefold_tile_end_after(acc, P, 1, &row);
    return;
  }
  ONEFOLD_UNROLL(7)
  for (int p = 0; p < P; p++) vf_store(dst + p * VF_WIDTH, acc[p][0]);
}

#define ONEFOLD_WINOGRAD_STORE(P)                                                                  \
  if (columns == P) {                                                                              \
    if (plain)                                                                                     \
      onefold_winograd_out_clamp(P, z, bias, to, a->epilogue);                                     \
    else                                                                                           \
      onefold_winograd_out_store(P, z, bias, to, add, a);                                          \
  }

/// One tile of H + 2 x W + 2 points, E more outputs than H x W, of which `columns` are stored.
/// `plain`: the epilogue has no more than a bias and a clamp.
ONEFOLD_INLINE void onefold_winograd_out_tile(const int M, const int H, const int W, const int E,
                                              const int plain, const float *src,
                                              const ptrdiff_t *offset, const vf bias, float *dst,
                                              const float *residual, const int32_t columns,
                                              const onefold_winograd_out_args *a) {
  vf down[ONEFOLD_WINOGRAD_MAX_TILE + 1][ONEFOLD_WINOGRAD_MAX_POINTS];
  const ptrdiff_t step = (M + 2) * a->src_element;
  for (int j = 0; j < W + 2; j++) {
    vf m[ONEFOLD_WINOGRAD_MAX_POINTS], y[ONEFOLD_WINOGRAD_MAX_TILE + 1];
    const float *column = src + offset[onefold_winograd_place(M, W, j)];
    ONEFOLD_UNROLL(8)
    for (int i = 0; i < H + 2; i++) {
      m[i] = vf_load(column + onefold_winograd_place(M, H, i) * step);
    }
    onefold_winograd_out_line(M, H, H + E, m, y);
    ONEFOLD_UNROLL(7)
    for (int i = 0; i < H + E; i++) down[i][j] = y[i];
  }
  for (int k = 0; k < a->rows; k++) {
    const int64_t i = onefold_order(k, a->rows, a->swap);
    vf z[ONEFOLD_WINOGRAD_MAX_TILE + 1];
    onefold_winograd_out_line(M, W, W + E, down[i], z);
    float *to = dst + i * a->dst_row;
    const float *add = residual ? residual + i * a->dst_row : NULL;
    ONEFOLD_WINOGRAD_STORE(W + E)
    ONEFOLD_WINOGRAD_STORE(W + E - 1)
    // A piece of an odd number of outputs may have two too many.
    if (E > 0) ONEFOLD_WINOGRAD_STORE(W + E - (E > 0 ? 2 : 0))
  }
}

/// The T outputs of a whole tile's line of points, M + 2 that start at point[j].
ONEFOLD_INLINE void onefold_winograd_out_points(const int M, const int T, const float **point,
                                                const ptrdiff_t step, vf *z) {
  vf m[ONEFOLD_WINOGRAD_MAX_POINTS];
  ONEFOLD_UNROLL(8)
  for (int j = 0; j < M + 2; j++) {
    m[j] = vf_load(point[j]);
    point[j] += step;
  }
  onefold_winograd_out_line(M, M, T, m, z);
}

/// Clamps and stores the rows of a whole tile; `swap` is a constant.
ONEFOLD_INLINE void onefold_winograd_out_rows(const int T, const int swap,
                                              vf (*y)[ONEFOLD_WINOGRAD_MAX_TILE], float *dst,
                                              const onefold_winograd_out_args *a) {
  const vf lo = vf_set1(a->epilogue->lo), hi = vf_set1(a->epilogue->hi);
  const ptrdiff_t dst_row = a->dst_row; // read before the stores
  ONEFOLD_UNROLL(6)
  for (int k = 0; k < T; k++) {
    const int i = (k ^ swap) < T ? k ^ swap : k;
    ONEFOLD_UNROLL(6)
    for (int c = 0; c < T; c++) {
      vf_store(dst + i * dst_row + c * VF_WIDTH, vf_min(hi, vf_max(lo, y[i][c])));
    }
  }
}

/// A whole tile of T x T outputs in registers: each line of points is added to the outputs at once.
/// The epilogue has no more than a bias and a clamp.
ONEFOLD_INLINE void onefold_winograd_out_whole(const int M, const int T, const float *src,
                                               const ptrdiff_t *offset, const vf bias, float *dst,
                                               const onefold_winograd_out_args *a) {
  const float *point[ONEFOLD_WINOGRAD_MAX_POINTS];
  const ptrdiff_t step = (M + 2) * a->src_element;
  ONEFOLD_UNROLL(8)
  for (int j = 0; j < M + 2; j++) point[j] = src + offset[j];
  vf y[ONEFOLD_WINOGRAD_MAX_TILE][ONEFOLD_WINOGRAD_MAX_TILE], z[ONEFOLD_WINOGRAD_MAX_TILE];
  onefold_winograd_out_points(M, T, point, step, z);
  ONEFOLD_UNROLL(6)
  for (int c = 0; c < T; c++) y[0][c] = vf_add(z[c], bias);
  ONEFOLD_UNROLL(3)
  for (int p = 0; p < M / 2; p++) {
    vf other[ONEFOLD_WINOGRAD_MAX_TILE];
    onefold_winograd_out_points(M, T, point, step, z);
    onefold_winograd_out_points(M, T, point, step, other);
    ONEFOLD_UNROLL(6)
    for (int c = 0; c < T; c++) {
      const vf even = vf_add(z[c], other[c]), odd = vf_sub(z[c], other[c]);
      y[0][c] = vf_add(y[0][c], even);
      double power = 1;
      ONEFOLD_UNROLL(6)
      for (int n = 1; n < T; n++) {
        power *= onefold_winograd_points[M / 2 - 1][p];
        y[n][c] = vf_fma(vf_set1((float)power), n % 2 ? odd : even, p == 0 ? bias : y[n][c]);
      }
    }
  }
  onefold_winograd_out_points(M, T, point, step, z);
  ONEFOLD_UNROLL(6)
  for (int c = 0; c < T; c++) y[T - 1][c] = vf_add(y[T - 1][c], z[c]);
  if (a->swap) {
    onefold_winograd_out_rows(T, 1, y, dst, a);
  } else {
    onefold_winograd_out_rows(T, 0, y, dst, a);
  }
}

/// All tiles, H + 2 points high.
ONEFOLD_INLINE void onefold_winograd_out_tiles(const int M, const int H, const int E,
                                               const int plain,
                                               const onefold_winograd_out_args *a) {
  const onefold_epilogue *e = a->epilogue;
  const int in_registers = (M + E) * (M + E) + 2 * (M + E) <= VF_REGISTERS;
  const int is_whole = in_registers && plain && H == M && a->rows == M + E;
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
    if (is_whole && columns == M + E) {
      onefold_winograd_out_whole(M, in_registers ? M + E : 1, src, offset, bias, a->dst + at, a);
    } else if (width == M) {
      onefold_winograd_out_tile(M, H, M, E, plain, src, offset, bias, a->dst + at, residual,
                                columns, a);
    } else if (M > 4 && width == 4) {
      onefold_winograd_out_tile(M, H, M > 4 ? 4 : M, E, plain, src, offset, bias, a->dst + at,
                                residual, columns, a);
    } else if (M > 2) {
      onefold_winograd_out_tile(M, H, M > 2 ? 2 : M, E, plain, src, offset, bias, a->dst + at,
                                residual, columns, a);
    }
  }
  if (e->post && !(e->residual && e->residual_after)) {
    for (int32_t i = 0; i < a->rows; i++) {
      float *dst = a->dst + i * a->dst_row;
      e->post(e->post_param, dst, dst, (size_t)a->columns * VF_WIDTH);
    }
  }
}

ONEFOLD_INLINE void onefold_winograd_out_heights(const int M, const int E, const int plain,
                                                 const onefold_winograd_out_args *a) {
  if (a->height == M) {
    onefold_winograd_out_tiles(M, M, E, plain, a);
  } else if (M > 4 && a->height == 4) {
    onefold_winograd_out_tiles(M, M > 4 ? 4 : M, E, plain, a);
  } else if (M > 2) {
    onefold_winograd_out_tiles(M, M > 2 ? 2 : M, E, plain, a);
  }
}

#define ONEFOLD_WINOGRAD_KERNEL(op, isa, m, tile, extra)                                           \
  ONEFOLD_ALONE void op##_##m##_any(const onefold_winograd_out_args *a) {                          \
    onefold_winograd_out_heights(tile, extra, 0, a);                                               \
  }                                                                                                \
  void onefold_uk_##op##_f32_##m##x##m##__##isa(const onefold_winograd_out_args *a) {              \
    if (!onefold_epilogue_modifies(a->epilogue)) {                                                 \
      onefold_winograd_out_heights(tile, extra, 1, a);                                             \
    } else {                                                                                       \
      op##_##m##_any(a);                                                                           \
    }                                                                                              \
  }
#define ONEFOLD_WINOGRAD_INSTANCE_winograd_out(isa, m)                                             \
  ONEFOLD_WINOGRAD_KERNEL(winograd_out, isa, m, m, 0)
#define ONEFOLD_WINOGRAD_INSTANCE_polyphase_out(isa, m)                                            \
  ONEFOLD_WINOGRAD_KERNEL(polyphase_out, isa, m, m - 1, 1)

#endif
