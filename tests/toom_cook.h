// SPDX-License-Identifier: BSD-3-Clause
// The matrices of F(m x m, 3x3) in double, from what they have to do: outputs and weights are
// polynomials at the points, and the source's matrix is the one that makes their products the
// correlation.
#ifndef ONEFOLD_TESTS_TOOM_COOK_H
#define ONEFOLD_TESTS_TOOM_COOK_H

enum { TOOM_TILE = 6, TOOM_POINTS = TOOM_TILE + 2 };

/// A piece of `size` + 2 points along an axis, with the weights of F(m); point `size + 1` is
/// infinity. Filters of three taps have `size` outputs, of two one more.
typedef struct toom_cook {
  int m, size, taps;
  double out[TOOM_TILE + 1][TOOM_POINTS]; // A^T
  double weight[TOOM_POINTS][3];          // G, of F(m)'s points that the piece has
  double in[TOOM_POINTS][TOOM_POINTS];    // B^T
} toom_cook;

/// m is 2, 4 or 6, `size` even and at most m, `taps` 2 or 3.
void toom_cook_make(toom_cook *t, int m, int size, int taps);

/// Where point i of the piece stands among the points of F(m).
int toom_cook_place(const toom_cook *t, int i);

#endif
