// SPDX-License-Identifier: BSD-3-Clause
// The matrices of F(m x m, 3x3) by solving the equations that define them.
#include "tests/toom_cook.h"

#include "kernels/winograd.h"

#include <math.h>
#include <string.h>

/// Point i of F(m): 0, a, -a, ...
static double point_of(int m, int i) {
  if (i == 0) return 0.0;
  const double a = onefold_winograd_points[m / 2 - 1][(i - 1) / 2];
  return i % 2 ? a : -a;
}

static double power(double x, int n) {
  double result = 1.0;
  while (n-- > 0) result *= x;
  return result;
}

int toom_cook_place(const toom_cook *t, int i) {
  return i == t->size + 1 ? t->m + 1 : i;
}

/// Solves a x = b for `n` right sides at once; x is left in b.
static void solve(int n, double a[TOOM_POINTS][TOOM_POINTS], double b[TOOM_POINTS][TOOM_POINTS]) {
  for (int c = 0; c < n; c++) {
    int pivot = c;
    for (int r = c + 1; r < n; r++) {
      if (fabs(a[r][c]) > fabs(a[pivot][c])) pivot = r;
    }
    for (int k = 0; k < n; k++) {
      const double x = a[c][k], y = b[c][k];
      a[c][k] = a[pivot][k];
      a[pivot][k] = x;
      b[c][k] = b[pivot][k];
      b[pivot][k] = y;
    }
    for (int r = 0; r < n; r++) {
      const double f = a[r][c] / a[c][c];
      if (r == c || f == 0.0) continue;
      for (int k = 0; k < n; k++) {
        a[r][k] -= f * a[c][k];
        b[r][k] -= f * b[c][k];
      }
    }
  }
  for (int r = 0; r < n; r++) {
    for (int k = 0; k < n; k++) b[r][k] /= a[r][r];
  }
}

void toom_cook_make(toom_cook *t, int m, int size, int taps) {
  memset(t, 0, sizeof(*t));
  t->m = m;
  t->size = size;
  t->taps = taps;
  const int n = size + 2, outputs = n - taps + 1;
  for (int i = 0; i < n - 1; i++) {
    double distances = 1.0;
    for (int j = 0; j <= m; j++) {
      if (j != i) distances *= point_of(m, i) - point_of(m, j);
    }
    for (int k = 0; k < outputs; k++) t->out[k][i] = power(point_of(m, i), k);
    for (int k = 0; k < taps; k++) t->weight[i][k] = power(point_of(m, i), k) / distances;
  }
  t->out[outputs - 1][n - 1] = t->weight[n - 1][taps - 1] = 1.0;

  // Output k is the sum over taps t of weight t times pixel k + t: for each k and t, and each
  // pixel p, the sum over points i of out[k][i] * weight[i][t] * in[i][p] is 1 where p = k + t and
  // else 0. It depends on k + t alone, so that n equations are enough for each p.
  double a[TOOM_POINTS][TOOM_POINTS] = {{0}};
  for (int e = 0; e < n; e++) {
    const int k = e < outputs ? e : outputs - 1;
    for (int i = 0; i < n; i++) a[e][i] = t->out[k][i] * t->weight[i][e - k];
    t->in[e][e] = 1.0;
  }
  solve(n, a, t->in);
  // The points are multiples of 1/8, so that the solution's elements are multiples of 2^-12.
  for (int i = 0; i < n; i++) {
    for (int p = 0; p < n; p++) t->in[i][p] = rint(t->in[i][p] * 0x1p12) * 0x1p-12;
  }
}
