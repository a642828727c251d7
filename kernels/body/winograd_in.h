// SPDX-License-Identifier: BSD-3-Clause
// Winograd input transform of a row of tiles: first down the columns, which neighbouring tiles
// share, then along the rows of each tile.
#ifndef ONEFOLD_KERNELS_BODY_WINOGRAD_IN_H
#define ONEFOLD_KERNELS_BODY_WINOGRAD_IN_H

#include "kernels/body/winograd.h"

// Tiles whose columns are transformed before their rows are.
#define ONEFOLD_WINOGRAD_RUN 4

/// Columns of a run, transformed down: [column][point].
typedef struct onefold_winograd_columns {
  vf point[ONEFOLD_WINOGRAD_RUN * ONEFOLD_WINOGRAD_MAX_POINTS][ONEFOLD_WINOGRAD_MAX_POINTS];
} onefold_winograd_columns;

/// Column x of the image for tiles of H + 2 rows. `inside`: all of its pixels are in the image.
ONEFOLD_INLINE void onefold_winograd_in_column(const int M, const int H, const int inside,
                                               const int64_t x, vf *o,
                                               const onefold_winograd_in_args *a) {
  vf d[ONEFOLD_WINOGRAD_MAX_POINTS];
  const float *src = a->src + x * a->src_pixel;
  ONEFOLD_UNROLL(8)
  for (int r = 0; r < H + 2; r++) {
    const int64_t y = a->top + r;
    d[r] = inside || (y >= 0 && y < a->in_h) ? vf_load(src + y * a->src_row) : vf_zero();
  }
  onefold_winograd_in_line(M, H, d, o);
}

/// Columns [first, first + count) of the image.
ONEFOLD_INLINE void onefold_winograd_in_columns(const int M, const int H, const int64_t first,
                                                const int64_t count,
                                                onefold_winograd_columns *columns,
                                                const onefold_winograd_in_args *a) {
  const int inside = a->top >= 0 && a->top + H + 2 <= a->in_h;
  for (int64_t i = 0; i < count; i++) {
    vf *o = columns->point[i];
    if (first + i < 0 || first + i >= a->in_w) {
      ONEFOLD_UNROLL(8)
      for (int r = 0; r < H + 2; r++) o[r] = vf_zero();
    } else if (inside) {
      onefold_winograd_in_column(M, H, 1, first + i, o, a);
    } else {
      onefold_winograd_in_column(M, H, 0, first + i, o, a);
    }
  }
}

/// The rows of a tile W + 2 pixels wide whose first column is columns[0], to element 0 at dst.
ONEFOLD_INLINE void onefold_winograd_in_rows(const int M, const int W, const int height,
                                             vf (*columns)[ONEFOLD_WINOGRAD_MAX_POINTS], float *dst,
                                             const ptrdiff_t *offset,
                                             const onefold_winograd_in_args *a) {
  for (int i = 0; i < height + 2; i++) {
    vf d[ONEFOLD_WINOGRAD_MAX_POINTS], o[ONEFOLD_WINOGRAD_MAX_POINTS];
    float *row = dst + onefold_winograd_place(M, height, i) * (M + 2) * a->dst_element;
    ONEFOLD_UNROLL(8)
    for (int j = 0; j < W + 2; j++) d[j] = columns[j][i];
    onefold_winograd_in_line(M, W, d, o);
    ONEFOLD_UNROLL(8)
    for (int j = 0; j < W + 2; j++) vf_store(row + offset[onefold_winograd_place(M, W, j)], o[j]);
  }
}

/// All tiles, H + 2 pixels high.
ONEFOLD_INLINE void onefold_winograd_in_tiles(const int M, const int H,
                                              const onefold_winograd_in_args *a) {
  onefold_winograd_columns columns;
  ptrdiff_t offset[ONEFOLD_WINOGRAD_MAX_POINTS];
  for (int j = 0; j < M + 2; j++) {
    const int extra = j > a->least_width && j <= M;
    offset[j] = j * a->dst_element + (extra ? a->dst_extra : 0);
  }
  for (int32_t t = 0; t < a->tiles; t += ONEFOLD_WINOGRAD_RUN) {
    const int32_t left = a->tiles - t;
    const int32_t run = left < ONEFOLD_WINOGRAD_RUN ? left : ONEFOLD_WINOGRAD_RUN;
    const int32_t whole = left == run && a->last_width < M ? run - 1 : run;
    const int32_t width = (run - 1) * a->step + (whole < run ? a->last_width : M) + 2;
    onefold_winograd_in_columns(M, H, a->left + (int64_t)t * a->step, width, &columns, a);
    float *dst = a->dst + (ptrdiff_t)t * VF_WIDTH;
    for (int32_t i = 0; i < whole; i++, dst += VF_WIDTH) {
      onefold_winograd_in_rows(M, M, H, columns.point + i * a->step, dst, offset, a);
    }
    if (whole == run) continue;
    if (M > 4 && a->last_width == 4) {
      onefold_winograd_in_rows(M, M > 4 ? 4 : M, H, columns.point + whole * a->step, dst, offset,
                               a);
    } else if (M > 2) {
      onefold_winograd_in_rows(M, M > 2 ? 2 : M, H, columns.point + whole * a->step, dst, offset,
                               a);
    }
  }
}

ONEFOLD_INLINE void onefold_winograd_in_body(const int M, const onefold_winograd_in_args *a) {
  if (a->height == M) {
    onefold_winograd_in_tiles(M, M, a);
  } else if (M > 4 && a->height == 4) {
    onefold_winograd_in_tiles(M, M > 4 ? 4 : M, a);
  } else if (M > 2) {
    onefold_winograd_in_tiles(M, M > 2 ? 2 : M, a);
  }
}

#define ONEFOLD_WINOGRAD_INSTANCE_winograd_in(isa, m)                                              \
  void onefold_uk_winograd_in_f32_##m##x##m##__##isa(const onefold_winograd_in_args *a) {          \
    onefold_winograd_in_body(m, a);                                                                \
  }

#endif
