// SPDX-License-Identifier: BSD-3-Clause
// Winograd transforms in one dimension, of a piece of S + 2 points in the algorithm of M + 2:
// M and S are even constants wherever these are inlined, S <= M.
#ifndef ONEFOLD_KERNELS_BODY_WINOGRAD_H
#define ONEFOLD_KERNELS_BODY_WINOGRAD_H

#include "kernels/kernel.h"
#include "kernels/winograd.h"

/// The square of the a of pair p.
ONEFOLD_INLINE double onefold_winograd_square(const int M, const int p) {
  return onefold_winograd_points[M / 2 - 1][p] * onefold_winograd_points[M / 2 - 1][p];
}

/// Coefficient of x^(2(k-n)) in the product of (x^2 - a^2) over the first k pairs but `skip`.
ONEFOLD_INLINE float onefold_winograd_coefficient(const int M, const int k, const int skip,
                                                  const int n) {
  double c[4] = {1, 0, 0, 0};
  for (int p = 0; p < k; p++) {
    if (p == skip) continue;
    for (int i = 3; i > 0; i--) c[i] -= onefold_winograd_square(M, p) * c[i - 1];
  }
  return (float)c[n];
}

/// What a point with square x misses in a piece of k pairs: the product of (x - a^2) over the
/// others.
ONEFOLD_INLINE float onefold_winograd_rest(const int M, const int k, const double x) {
  double product = 1;
  for (int p = k; p < M / 2; p++) product *= x - onefold_winograd_square(M, p);
  return (float)product;
}

/// o[0 .. S+1] = B^T d: the piece's S + 2 pixels at its points.
ONEFOLD_INLINE void onefold_winograd_in_line(const int M, const int S, const vf *d, vf *o) {
  const int k = S / 2;
  vf zero = d[S], infinity = d[S + 1];
  ONEFOLD_UNROLL(3)
  for (int n = 1; n <= k; n++) {
    const vf c = vf_set1(onefold_winograd_coefficient(M, k, -1, n));
    zero = vf_fma(c, d[S - 2 * n], zero);
    infinity = vf_fma(c, d[S + 1 - 2 * n], infinity);
  }
  o[0] = k == M / 2 ? zero : vf_mul(zero, vf_set1(onefold_winograd_rest(M, k, 0)));
  o[S + 1] = infinity;
  ONEFOLD_UNROLL(3)
  for (int p = 0; p < k; p++) {
    vf even = d[S], odd = d[S - 1];
    ONEFOLD_UNROLL(2)
    for (int n = 1; n < k; n++) {
      const vf c = vf_set1(onefold_winograd_coefficient(M, k, p, n));
      even = vf_fma(c, d[S - 2 * n], even);
      odd = vf_fma(c, d[S - 1 - 2 * n], odd);
    }
    if (k < M / 2) {
      const vf rest = vf_set1(onefold_winograd_rest(M, k, onefold_winograd_square(M, p)));
      even = vf_mul(even, rest);
      odd = vf_mul(odd, rest);
    }
    const float a = (float)onefold_winograd_points[M / 2 - 1][p];
    o[1 + 2 * p] = vf_fma(vf_set1(a), odd, even);
    o[2 + 2 * p] = vf_fma(vf_set1(-a), odd, even);
  }
}

/// y[0 .. O-1] = A^T m: the piece's O outputs (S, or S + 1) from the products at its points.
ONEFOLD_INLINE void onefold_winograd_out_line(const int M, const int S, const int O, const vf *m,
                                              vf *y) {
  const int k = S / 2;
  vf even[3], odd[3];
  ONEFOLD_UNROLL(3)
  for (int p = 0; p < k; p++) {
    even[p] = vf_add(m[1 + 2 * p], m[2 + 2 * p]);
    odd[p] = vf_sub(m[1 + 2 * p], m[2 + 2 * p]);
  }
  y[0] = m[0];
  ONEFOLD_UNROLL(3)
  for (int p = 0; p < k; p++) y[0] = vf_add(y[0], even[p]);
  ONEFOLD_UNROLL(6)
  for (int n = 1; n < O; n++) {
    vf sum = n == O - 1 ? m[S + 1] : vf_zero();
    ONEFOLD_UNROLL(3)
    for (int p = 0; p < k; p++) {
      double power = 1;
      for (int i = 0; i < n; i++) power *= onefold_winograd_points[M / 2 - 1][p];
      const vf c = vf_set1((float)power), t = n % 2 ? odd[p] : even[p];
      sum = p == 0 && n < O - 1 ? vf_mul(c, t) : vf_fma(c, t, sum);
    }
    y[n] = sum;
  }
}

#endif
