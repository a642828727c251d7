// SPDX-License-Identifier: BSD-3-Clause
// Winograd transforms in plain C: the specification, by the polynomials that the points stand
// for, for any vector width v.
#include "kernels/winograd.h"

#include "kernels/declare.h"
#include "kernels/ref/epilogue.h"

#include <math.h>

enum { POINTS = ONEFOLD_WINOGRAD_MAX_POINTS, TILE = ONEFOLD_WINOGRAD_MAX_TILE };

/// b[i][k]: the coefficient of pixel k at point i: the product of (x - other points), times what
/// F(m)'s weights at that point have been divided by too much.
static void in_matrix(int m, int size, double b[POINTS][POINTS]) {
  double points[POINTS] = {0};
  onefold_winograd_finite(m, points);
  for (int i = 0; i < size + 2; i++) {
    double c[POINTS + 1] = {1};
    int degree = 0;
    for (int j = 0; j <= size; j++) {
      if (j == i) continue;
      for (int k = ++degree; k > 0; k--) c[k] = c[k - 1] - points[j] * c[k];
      c[0] *= -points[j];
    }
    double rest = 1;
    for (int j = size + 1; j <= m && i <= size; j++) rest *= points[i] - points[j];
    for (int k = 0; k < size + 2; k++) b[i][k] = k <= degree ? rest * c[k] : 0;
  }
}

/// a[k][i]: what the product at point i adds to output k of `outputs`.
static void out_matrix(int m, int size, int outputs, double a[TILE + 1][POINTS]) {
  double points[POINTS] = {0};
  onefold_winograd_finite(m, points);
  for (int k = 0; k < outputs; k++) {
    for (int i = 0; i <= size; i++) a[k][i] = pow(points[i], k);
    a[k][size + 1] = k == outputs - 1;
  }
}

/// Width of tile t of a row, and where column point j of it lies.
static int width_of(int m, int32_t t, int32_t tiles, int32_t last_width) {
  return t + 1 < tiles ? m : last_width;
}

static ptrdiff_t offset_of(int m, int32_t least_width, int i, int j, ptrdiff_t element,
                           ptrdiff_t extra) {
  return (i * (m + 2) + j) * element + (j > least_width && j <= m ? extra : 0);
}

static void in(int m, const onefold_winograd_in_args *a) {
  double down[POINTS][POINTS] = {{0}}, along[POINTS][POINTS] = {{0}};
  const int h = a->height;
  in_matrix(m, h, down);
  for (int32_t t = 0; t < a->tiles; t++) {
    const int w = width_of(m, t, a->tiles, a->last_width);
    in_matrix(m, w, along);
    for (int32_t l = 0; l < a->v; l++) {
      double d[POINTS][POINTS] = {{0}};
      for (int i = 0; i < h + 2; i++) {
        for (int j = 0; j < w + 2; j++) {
          const int64_t y = a->top + i, x = a->left + (int64_t)t * a->step + j;
          if (y < 0 || y >= a->in_h || x < 0 || x >= a->in_w) continue;
          d[i][j] = a->src[y * a->src_row + x * a->src_pixel + l];
        }
      }
      for (int i = 0; i < h + 2; i++) {
        for (int j = 0; j < w + 2; j++) {
          double sum = 0;
          for (int y = 0; y < h + 2; y++) {
            for (int x = 0; x < w + 2; x++) sum += down[i][y] * along[j][x] * d[y][x];
          }
          a->dst[offset_of(m, a->least_width, onefold_winograd_place(m, h, i),
                           onefold_winograd_place(m, w, j), a->dst_element, a->dst_extra) +
                 t * a->v + l] = (float)sum;
        }
      }
    }
  }
}

static void out(int m, int more, const onefold_winograd_out_args *a) {
  double down[TILE + 1][POINTS] = {{0}}, along[TILE + 1][POINTS] = {{0}};
  const int h = a->height;
  const onefold_epilogue *e = a->epilogue;
  out_matrix(m, h, h + more, down);
  for (int32_t t = 0; t < a->tiles; t++) {
    const int w = width_of(m, t, a->tiles, a->last_width);
    out_matrix(m, w, w + more, along);
    for (int y = 0; y < a->rows; y++) {
      for (int x = 0; x < w + more && t * (m + more) + x < a->columns; x++) {
        const ptrdiff_t at = y * a->dst_row + (t * (m + more) + x) * a->v;
        float z[ONEFOLD_MAX_VECTOR];
        for (int32_t l = 0; l < a->v; l++) {
          double sum = e->bias ? (double)e->bias[l] : 0;
          for (int i = 0; i < h + 2; i++) {
            for (int j = 0; j < w + 2; j++) {
              sum += down[y][i] * along[x][j] *
                     (double)a->src[offset_of(m, a->least_width, onefold_winograd_place(m, h, i),
                                              onefold_winograd_place(m, w, j), a->src_element,
                                              a->src_extra) +
                                    t * a->v + l];
            }
          }
          z[l] = (float)sum;
        }
        onefold_ref_epilogue(e, a->v, 0, z, e->residual ? e->residual + at : NULL, a->dst + at);
      }
    }
  }
}

#define ONEFOLD_LIST_REF
#define ONEFOLD_WINOGRAD(op, isa, m)                                                               \
  void onefold_uk_##op##_f32_##m##x##m##__##isa(ARGS_##op *a) {                                    \
    RUN_##op(m, a);                                                                                \
  }
#define ARGS_winograd_in        const onefold_winograd_in_args
#define ARGS_winograd_out       const onefold_winograd_out_args
#define ARGS_polyphase_out      const onefold_winograd_out_args
#define RUN_winograd_in(m, a)   in(m, a)
#define RUN_winograd_out(m, a)  out(m, 0, a)
#define RUN_polyphase_out(m, a) out(m - 1, 1, a)
#include "kernels/kernel_list.def"
