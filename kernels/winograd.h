// SPDX-License-Identifier: BSD-3-Clause
// The points of the Winograd (Toom-Cook) algorithms F(m x m, 3x3), m = 2, 4, 6:
// Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray,
// "Fast Algorithms for Convolutional Neural Networks", 2016.
//
// m outputs along an axis come from m+2 products: one for each point 0, +a, -a for
// the m/2 numbers a of the list, and infinity, in this order. A shorter piece of
// s outputs (even) at the end of an axis takes the points of the first s/2
// numbers, 0 and infinity: its products use weights that are there anyway.
//
// The same points serve a filter of two taps: m+1 outputs from m+2 products. That is what a
// convolution of stride 2 is made of (polyphase: the even and the odd pixels along each axis are
// images of their own, with the even and the odd taps).
//
// F(4) with 5/8 and 3/2 has less than half of the error that 1 and 2 give: the
// powers that the outputs are summed with stay small.
#ifndef ONEFOLD_KERNELS_WINOGRAD_H
#define ONEFOLD_KERNELS_WINOGRAD_H

#define ONEFOLD_WINOGRAD_MAX_TILE   6
#define ONEFOLD_WINOGRAD_MAX_POINTS (ONEFOLD_WINOGRAD_MAX_TILE + 2)

/// [m/2 - 1]: the numbers a.
static const double onefold_winograd_points[3][3] = {{1.0}, {0.625, 1.5}, {1.0, 0.5, 2.0}};

/// The finite points of F(m), in order: m + 1.
static inline __attribute__((always_inline)) void onefold_winograd_finite(int m, double *point) {
  point[0] = 0;
  for (int p = 0; p < m / 2; p++) {
    point[1 + 2 * p] = onefold_winograd_points[m / 2 - 1][p];
    point[2 + 2 * p] = -point[1 + 2 * p];
  }
}

/// The place of point i of a piece of `size` outputs among the points of F(m).
static inline __attribute__((always_inline)) int onefold_winograd_place(int m, int size, int i) {
  return i <= size ? i : m + 1;
}

#endif
