// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and grouped convolution of one channel block: tiles of R output rows by P
// pixels go over the source rows that they read; each source vector is loaded
// once for its row and multiplied with every tap that wants it. Kernel widths
// 3, 5 and 7, the strides 1 and 2 and the dilations 1 to 3 of columns are constants; other widths
// are runs of those. Tiles at the border leave out the source columns that are outside.
// A grouped convolution (G = 1) is a sum of steps, depthwise convolutions of a source whose lanes
// are moved to where a channel of their group is made, once for all the taps that want them.
#ifndef ONEFOLD_KERNELS_BODY_DEPTHWISE_H
#define ONEFOLD_KERNELS_BODY_DEPTHWISE_H

#include "kernels/body/depthwise_store.h"
#include "kernels/body/order.h"

/// R output rows: what their tiles have in common. `weight` is of kernel row 0 of the first
/// row's window; source row k (in steps of the dilation) is row k of it and row k - below of the
/// second's.
typedef struct onefold_depthwise_band {
  int64_t begin, end, below; // source rows that are inside
  ptrdiff_t src, src_step;   // offset of source row 0, column 0; floats to the next
  ptrdiff_t weight_step;
  ptrdiff_t dst;
} onefold_depthwise_band;

/// A source vector; grouped: lane l is the source's lanes[l].
ONEFOLD_INLINE vf onefold_depthwise_load(const int G, const float *src, const vl lanes) {
  return G ? vf_lanes(vf_load(src), lanes) : vf_load(src);
}

/// Adds, for R output rows and P pixels, the taps [0, K) of a source row, D columns apart:
/// column j of the row is at src + j*VF_WIDTH, tap t of row r at weight[r] +
/// t*VF_WIDTH. Where `edge`, only the columns [begin, end) count.
ONEFOLD_INLINE void onefold_depthwise_taps(vf acc[][ONEFOLD_DEPTHWISE_P], const int G,
                                           const vl lanes, const int R, const int P, const int K,
                                           const int S, const int D, const int edge,
                                           const float *src, const ptrdiff_t offset,
                                           const float *const *weight, const int64_t begin,
                                           const int64_t end) {
  vf w[ONEFOLD_DEPTHWISE_R][ONEFOLD_DEPTHWISE_K];
  ONEFOLD_UNROLL(2)
  for (int r = 0; r < R; r++) {
    ONEFOLD_UNROLL(7)
    for (int t = 0; t < K; t++) w[r][t] = vf_load(weight[r] + t * VF_WIDTH);
  }
  ONEFOLD_UNROLL(24)
  for (int j = 0; j <= (P - 1) * S + (K - 1) * D; j++) {
    const int near = edge == ONEFOLD_DEPTHWISE_NEAR;
    if (K == 1 && j % S != 0) continue; // which no pixel reads
    if (edge && (!near || j < K / 2 * D) && j < begin) continue;
    if (edge && (!near || j > (P - 1) * S + K / 2 * D) && j >= end) continue;
    const vf loaded = onefold_depthwise_load(G, src + (offset + j * VF_WIDTH), lanes);
    const vf x = K == 3 ? vf_keep(loaded) : loaded;
    ONEFOLD_UNROLL(7)
    for (int t = 0; t < K; t++) {
      const int from = j - t * D, p = from / S; // the pixel
      if (from < 0 || from % S != 0 || p >= P) continue;
      ONEFOLD_UNROLL(2)
      for (int r = 0; r < R; r++) acc[r][p] = vf_fma(x, w[r][t], acc[r][p]);
    }
  }
}

/// One tap of a source row for the first n (not `edge`: all) of P pixels, `step` columns apart.
ONEFOLD_INLINE void onefold_depthwise_tap(vf acc[][ONEFOLD_DEPTHWISE_P], const int G,
                                          const vl lanes, const int R, const int P, const int edge,
                                          const int32_t n, const float *src, const ptrdiff_t offset,
                                          const int64_t step, const float *const *weight,
                                          const int64_t begin, const int64_t end) {
  vf w[ONEFOLD_DEPTHWISE_R];
  ONEFOLD_UNROLL(2)
  for (int r = 0; r < R; r++) w[r] = vf_load(weight[r]);
  ONEFOLD_UNROLL(8)
  for (int p = 0; p < P; p++) {
    if (edge && (p >= n || p * step < begin || p * step >= end)) continue;
    const vf x = onefold_depthwise_load(G, src + (offset + p * step * VF_WIDTH), lanes);
    ONEFOLD_UNROLL(2)
    for (int r = 0; r < R; r++) acc[r][p] = vf_fma(x, w[r], acc[r][p]);
  }
}

/// Every tap of a source row; K: the kernel's width where it is a constant, else 0; D: the
/// dilation of columns, or 0.
/// [begin, end): the columns that are inside, from the tile's first on.
ONEFOLD_INLINE void onefold_depthwise_row(vf acc[][ONEFOLD_DEPTHWISE_P], const int G,
                                          const vl lanes, const int R, const int P, const int K,
                                          const int S, const int D, const int edge, const int32_t n,
                                          ptrdiff_t offset, const float *w0, const float *w1,
                                          int64_t begin, int64_t end,
                                          const onefold_depthwise_args *a) {
  const float *weight[ONEFOLD_DEPTHWISE_R] = {w0, w1};
  if (K) {
    onefold_depthwise_taps(acc, G, lanes, R, P, K, S, D, edge, a->src, offset, weight, begin, end);
    return;
  }
  int64_t t = 0;
  if (S && D) {
    for (; t + 3 <= a->taps; t += 3) {
      onefold_depthwise_taps(acc, G, lanes, R, P, 3, S, D, edge, a->src, offset, weight, begin,
                             end);
      offset += 3 * D * VF_WIDTH, begin -= 3 * D, end -= 3 * D;
      weight[0] += 3 * VF_WIDTH, weight[1] += 3 * VF_WIDTH;
    }
  }
  for (; t < a->taps; t++) {
    onefold_depthwise_tap(acc, G, lanes, R, P, edge, n, a->src, offset, S ? S : a->stride, weight,
                          begin, end);
    offset += a->dilation * VF_WIDTH, begin -= a->dilation, end -= a->dilation;
    weight[0] += VF_WIDTH, weight[1] += VF_WIDTH;
  }
}

/// The source rows that a tile reads, row 0 at `src`, times the filter at a->weight + `filter`.
ONEFOLD_INLINE void onefold_depthwise_window(vf acc[][ONEFOLD_DEPTHWISE_P], const int G,
                                             const vl lanes, const int R, const int P, const int K,
                                             const int S, const int D, const int edge,
                                             const int32_t n, const onefold_depthwise_band *band,
                                             ptrdiff_t src, const ptrdiff_t filter,
                                             const int64_t begin, const int64_t end,
                                             const onefold_depthwise_args *a) {
  const ptrdiff_t step = band->src_step, weight_step = band->weight_step;
  const int64_t below = band->below, rows = a->rows, last = band->end;
  ptrdiff_t w = filter + band->begin * weight_step;
  src += band->begin * step;
  for (int64_t k = band->begin; k < last; k++, src += step, w += weight_step) {
    const float *const w0 = a->weight + w, *const w1 = a->weight + (w - below * weight_step);
    if (R == 1) {
      onefold_depthwise_row(acc, G, lanes, 1, P, K, S, D, edge, n, src, w0, w0, begin, end, a);
    } else if (k >= below && k < rows) {
      onefold_depthwise_row(acc, G, lanes, 2, P, K, S, D, edge, n, src, w0, w1, begin, end, a);
    } else if (k < rows) {
      onefold_depthwise_row(acc, G, lanes, 1, P, K, S, D, edge, n, src, w0, w0, begin, end, a);
    } else if (k >= below) {
      onefold_depthwise_row(acc + 1, G, lanes, 1, P, K, S, D, edge, n, src, w1, w1, begin, end, a);
    }
  }
}

/// The tile of n (not `edge`: P) pixels from `pixel` on. Where `edge`, some of its columns are
/// outside.
ONEFOLD_INLINE void onefold_depthwise_tile(const int G, const int R, const int P, const int K,
                                           const int S, const int D, const int edge,
                                           const onefold_depthwise_band *band, const int64_t pixel,
                                           const int32_t n, const onefold_depthwise_args *a) {
  vf acc[ONEFOLD_DEPTHWISE_R][ONEFOLD_DEPTHWISE_P];
  const vf bias = a->epilogue->bias ? vf_load(a->epilogue->bias) : vf_zero();
  ONEFOLD_UNROLL(2)
  for (int r = 0; r < R; r++) {
    ONEFOLD_UNROLL(8)
    for (int p = 0; p < P; p++) acc[r][p] = bias;
  }
  const int64_t stride = S ? S : a->stride, column = pixel * stride;
  const int64_t begin = edge ? a->column_begin - column : 0;
  int64_t end = 0;
  if (edge) { // what pixels past the last would read is outside too
    const int64_t reach = (n - 1) * stride + (a->taps - 1) * a->dilation + 1;
    end = a->column_end - column < reach ? a->column_end - column : reach;
  }
  const ptrdiff_t offset = band->src + column * VF_WIDTH;
  if (G) {
    const ptrdiff_t filter = a->rows * band->weight_step;
    for (int32_t i = 0; i < a->steps; i++) {
      onefold_depthwise_window(acc, G, vl_load(a->step[i].lane), R, P, K, S, D, edge, n, band,
                               offset + a->step[i].src, i * filter, begin, end, a);
    }
  } else {
    onefold_depthwise_window(acc, G, vl_zero(), R, P, K, S, D, edge, n, band, offset, 0, begin, end,
                             a);
  }
  ONEFOLD_UNROLL(2)
  for (int r = 0; r < R; r++) {
    onefold_depthwise_store(acc[r], P, edge, n, band->dst + r * a->dst_row + pixel * VF_WIDTH, a);
  }
}

/// R rows of tiles, then the activations that are not clamps. Rows share source rows only where
/// the kernel is not dilated.
ONEFOLD_INLINE void onefold_depthwise_band_of(const int G, const int R, const int P, const int K,
                                              const int S, const int D, const int64_t row,
                                              const onefold_depthwise_args *a) {
  const int64_t stride = S ? S : a->stride, d = R == 2 ? 1 : a->row_dilation;
  const int64_t top = row * a->row_stride, below = R == 2 ? a->row_stride : 0;
  onefold_depthwise_band band = {
      .end = a->rows + below,
      .below = below,
      .src = a->src_offset + top * a->src_row,
      .src_step = d * a->src_row,
      .weight_step = (ptrdiff_t)a->taps * VF_WIDTH,
      .dst = row * a->dst_row,
  };
  if (top < a->row_begin) band.begin = (a->row_begin - top + d - 1) / d;
  if (top + (band.end - 1) * d >= a->row_end) band.end = (a->row_end - top + d - 1) / d;
  const int64_t reach = (P - 1) * stride + (a->taps - 1) * a->dilation;
  for (int64_t p = 0; p < a->out_pixels; p += P) {
    const int64_t left = a->out_pixels - p;
    if (left >= P && p * stride >= a->column_begin && p * stride + reach < a->column_end) {
      onefold_depthwise_tile(G, R, P, K, S, D, 0, &band, p, P, a);
    } else if (VF_WIDTH == 8 && K && left >= P && p * stride + K / 2 * D >= a->column_begin &&
               p * stride + reach - K / 2 * D < a->column_end) {
      onefold_depthwise_tile(G, R, P, K, S, D, ONEFOLD_DEPTHWISE_NEAR, &band, p, P, a);
    } else if (D > 1 && left < P) { // which has columns that none of its pixels reads
      onefold_depthwise_tile(G, R, P, 0, S, 0, ONEFOLD_DEPTHWISE_ANY, &band, p, (int32_t)left, a);
    } else {
      onefold_depthwise_tile(G, R, P, K, S, D, ONEFOLD_DEPTHWISE_ANY, &band, p,
                             left < P ? (int32_t)left : P, a);
    }
  }
  const onefold_epilogue *e = a->epilogue;
  if (e->post && !(e->residual && e->residual_after)) {
    for (int r = 0; r < R; r++) {
      float *dst = a->dst + band.dst + r * a->dst_row;
      e->post(e->post_param, dst, dst, (size_t)a->out_pixels * VF_WIDTH);
    }
  }
}

ONEFOLD_INLINE void onefold_depthwise_plane(const int G, const int R, const int P, const int K,
                                            const int S, const int D,
                                            const onefold_depthwise_args *a) {
  const int shared = a->row_dilation == 1 && a->rows > a->row_stride; // source rows
  const int64_t tall = R == 2 && shared ? a->out_rows / 2 : 0;
  for (int64_t i = 0; i < tall; i++) {
    onefold_depthwise_band_of(G, R, P, K, S, D, 2 * onefold_order(i, tall, a->swap), a);
  }
  const int64_t single = a->out_rows - 2 * tall;
  for (int64_t i = 0; i < single; i++) {
    onefold_depthwise_band_of(G, 1, P, K, S, D, 2 * tall + onefold_order(i, single, a->swap), a);
  }
}

ONEFOLD_INLINE void onefold_depthwise_body(const int G, const int R, const int P, const int S,
                                           const onefold_depthwise_args *a) {
  if (S && a->taps == 3) {
    onefold_depthwise_plane(G, R, P, 3, S ? S : 1, 1, a);
  } else if (G && S && a->taps == 1) {
    onefold_depthwise_plane(G, R, P, 1, S ? S : 1, 1, a);
  } else if (!G && S && a->taps == 5) {
    onefold_depthwise_plane(G, R, P, 5, S ? S : 1, 1, a);
  } else if (!G && S && a->taps == 7) {
    onefold_depthwise_plane(G, R, P, 7, S ? S : 1, 1, a);
  } else {
    onefold_depthwise_plane(G, R, P, 0, S, S ? 1 : 0, a);
  }
}

/// The same with columns that are dilated; grouped, which is seldom wanted, in less code.
ONEFOLD_INLINE void onefold_depthwise_dilated(const int G, const int R, const int P, const int S,
                                              const onefold_depthwise_args *a) {
  if (G) {
    onefold_depthwise_plane(G, R, P, 0, S, 0, a);
  } else if (S == 1 && a->dilation == 2 && a->taps == 3) {
    onefold_depthwise_plane(G, R, P, 3, 1, 2, a);
  } else if (S == 1 && a->dilation == 2) {
    onefold_depthwise_plane(G, R, P, 0, 1, 2, a);
  } else if (S == 1 && a->dilation == 3 && a->taps == 3) {
    onefold_depthwise_plane(G, R, P, 3, 1, 3, a);
  } else if (S == 1 && a->dilation == 3) {
    onefold_depthwise_plane(G, R, P, 0, 1, 3, a);
  } else {
    onefold_depthwise_plane(G, R, P, 0, S, 0, a);
  }
}

/// Rows of a dilated kernel read each row_dilation-th source row, and so share them with each
/// row_dilation-th row: as many planes without dilation, one after the other.
static inline void onefold_depthwise_planes(const onefold_depthwise_args *a,
                                            onefold_depthwise_fn *kernel) {
  const int64_t d = a->row_dilation;
  onefold_epilogue epilogue = *a->epilogue;
  onefold_depthwise_args plane = *a;
  plane.epilogue = &epilogue;
  plane.src_row = d * a->src_row;
  plane.dst_row = d * a->dst_row;
  plane.row_dilation = 1;
  for (int64_t i = 0; i < d && i < a->out_rows; i++) { // rows i, i + d, ...
    plane.out_rows = (a->out_rows - i + d - 1) / d;
    plane.row_begin = a->row_begin > i ? (a->row_begin - i + d - 1) / d : 0;
    plane.row_end = a->row_end > i ? (a->row_end - i + d - 1) / d : 0;
    kernel(&plane);
    plane.src_offset += a->src_row;
    plane.dst += a->dst_row;
    if (epilogue.residual) epilogue.residual += a->dst_row;
  }
}

#define ONEFOLD_DEPTHWISE_KERNEL(g, op, isa, p, r, s)                                              \
  ONEFOLD_ALONE void op##_dilated(const onefold_depthwise_args *a) {                               \
    onefold_depthwise_dilated(g, r, p, s, a);                                                      \
  }                                                                                                \
  void onefold_uk_##op##_f32_##p##x##r##__##isa(const onefold_depthwise_args *a) {                 \
    if (r == 2 && a->row_dilation > 1 && a->row_stride == 1) {                                     \
      onefold_depthwise_planes(a, onefold_uk_##op##_f32_##p##x##r##__##isa);                       \
    } else if (a->dilation > 1) {                                                                  \
      op##_dilated(a);                                                                             \
    } else {                                                                                       \
      onefold_depthwise_body(g, r, p, s, a);                                                       \
    }                                                                                              \
  }
#define ONEFOLD_DEPTHWISE_INSTANCE(op, isa, p, r, s) ONEFOLD_DEPTHWISE_KERNEL(0, op, isa, p, r, s)
#define ONEFOLD_GROUPED_INSTANCE(op, isa, p, r, s)   ONEFOLD_DEPTHWISE_KERNEL(1, op, isa, p, r, s)

#endif
