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

/// Columns of H + 2 pixels, of which those from `begin` to `end` are in the image: the first of
/// them is at `src`, and the other columns follow.
ONEFOLD_INLINE void onefold_winograd_in_down(const int M, const int H, const int begin,
                                             const int end, const float *src, const int64_t count,
                                             vf (*column)[ONEFOLD_WINOGRAD_MAX_POINTS],
                                             const onefold_winograd_in_args *a) {
  const ptrdiff_t src_row = a->src_row, src_pixel = a->src_pixel;
  for (int64_t i = 0; i < count; i++, src += src_pixel) {
    vf d[ONEFOLD_WINOGRAD_MAX_POINTS];
    ONEFOLD_UNROLL(8)
    for (int r = 0; r < H + 2; r++) {
      d[r] = r >= begin && r < end ? vf_load(src + (r - begin) * src_row) : vf_zero();
    }
    onefold_winograd_in_line(M, H, d, column[i]);
  }
}

/// Columns outside of the image.
ONEFOLD_INLINE void onefold_winograd_in_outside(const int H, const int64_t count,
                                                vf (*column)[ONEFOLD_WINOGRAD_MAX_POINTS]) {
  for (int64_t i = 0; i < count; i++) {
    ONEFOLD_UNROLL(8)
    for (int r = 0; r < H + 2; r++) column[i][r] = vf_zero();
  }
}

/// x, but at least 0 and at most `end`.
ONEFOLD_INLINE int64_t onefold_winograd_within(const int64_t x, const int64_t end) {
  return x < 0 ? 0 : x > end ? end : x;
}

/// Columns [first, first + count) of the image. Those of most tiles are inside, or lack the first
/// or the last row.
ONEFOLD_INLINE void onefold_winograd_in_columns(const int M, const int H, const int64_t first,
                                                const int64_t count,
                                                onefold_winograd_columns *columns,
                                                const onefold_winograd_in_args *a) {
  const int64_t left = onefold_winograd_within(-first, count);
  const int64_t right = onefold_winograd_within(a->in_w - first, count);
  const int begin = (int)onefold_winograd_within(-a->top, H + 2);
  const int end = (int)onefold_winograd_within(a->in_h - a->top, H + 2);
  const float *src = a->src + (a->top + begin) * a->src_row + (first + left) * a->src_pixel;
  vf(*inside)[ONEFOLD_WINOGRAD_MAX_POINTS] = columns->point + left;
  onefold_winograd_in_outside(H, left, columns->point);
  if (begin == 0 && end == H + 2) {
    onefold_winograd_in_down(M, H, 0, H + 2, src, right - left, inside, a);
  } else if (begin == 1 && end == H + 2) {
    onefold_winograd_in_down(M, H, 1, H + 2, src, right - left, inside, a);
  } else if (begin == 0 && end == H + 1) {
    onefold_winograd_in_down(M, H, 0, H + 1, src, right - left, inside, a);
  } else {
    onefold_winograd_in_down(M, H, begin, end, src, right - left, inside, a);
  }
  onefold_winograd_in_outside(H, count - right, columns->point + right);
}

/// The rows of a tile W + 2 pixels wide whose first column is columns[0], to element 0 at dst.
ONEFOLD_INLINE void onefold_winograd_in_rows(const int M, const int W, const int height,
                                             vf (*columns)[ONEFOLD_WINOGRAD_MAX_POINTS], float *dst,
                                             const ptrdiff_t *offset,
                                             const onefold_winograd_in_args *a) {
  float *to[ONEFOLD_WINOGRAD_MAX_POINTS];
  const ptrdiff_t step = (M + 2) * a->dst_element;
  ONEFOLD_UNROLL(8)
  for (int j = 0; j < W + 2; j++) to[j] = dst + offset[onefold_winograd_place(M, W, j)];
  for (int i = 0; i < height + 2; i++) {
    vf d[ONEFOLD_WINOGRAD_MAX_POINTS], o[ONEFOLD_WINOGRAD_MAX_POINTS];
    ONEFOLD_UNROLL(8)
    for (int j = 0; j < W + 2; j++) d[j] = columns[j][i];
    onefold_winograd_in_line(M, W, d, o);
    // The last point is infinity, which a short piece has at the place of a whole one's.
    const ptrdiff_t next = height < M && i == height ? (M + 1 - height) * step : step;
    ONEFOLD_UNROLL(8)
    for (int j = 0; j < W + 2; j++) {
      vf_store(to[j], o[j]);
      to[j] += next;
    }
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
