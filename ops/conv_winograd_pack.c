// SPDX-License-Identifier: BSD-3-Clause
// Weights of Winograd convolutions: G g G^T for each pair of channels, in double.
#include "kernels/winograd.h"
#include "ops/conv2d.h"

enum { POINTS = ONEFOLD_WINOGRAD_MAX_POINTS };

/// G: the values of a filter of three taps at the points, each divided by the product of its
/// distances to the others.
static void filter_matrix(int32_t m, double g[POINTS][3]) {
  double point[POINTS] = {0};
  for (int p = 0; p < m / 2; p++) {
    point[1 + 2 * p] = onefold_winograd_points[m / 2 - 1][p];
    point[2 + 2 * p] = -point[1 + 2 * p];
  }
  for (int i = 0; i <= m; i++) {
    double product = 1;
    for (int j = 0; j <= m; j++) product *= j == i ? 1 : point[i] - point[j];
    for (int k = 0; k < 3; k++)
      g[i][k] = (k == 0 ? 1 : k == 1 ? point[i] : point[i] * point[i]) / product;
  }
  g[m + 1][0] = g[m + 1][1] = 0;
  g[m + 1][2] = 1;
}

/// The m+2 x m+2 elements of one filter, `step` floats apart.
static void transform(int32_t m, const double g[POINTS][3], const float *filter, float *to,
                      ptrdiff_t step) {
  for (int i = 0; i < m + 2; i++) {
    double row[3];
    for (int k = 0; k < 3; k++) {
      row[k] = g[i][0] * filter[k] + g[i][1] * filter[3 + k] + g[i][2] * filter[6 + k];
    }
    for (int j = 0; j < m + 2; j++, to += step) {
      *to = (float)(row[0] * g[j][0] + row[1] * g[j][1] + row[2] * g[j][2]);
    }
  }
}

void onefold_conv_pack_winograd(const onefold_conv_problem *problem, onefold_pack_format format,
                                const float *weight, float *packed) {
  const int64_t v = problem->v;
  const int32_t m = onefold_pack_tile(format);
  double g[POINTS][3];
  filter_matrix(m, g);
  for (int64_t block = 0; block < problem->out_blocks; block++) {
    // A group's channels fill its blocks, so that the first of the band is the first of the group.
    const onefold_conv_band band = onefold_conv_band_of(problem, format, (int32_t)block);
    for (int64_t lane = 0; lane < v && block * v + lane < problem->desc.out_channels; lane++) {
      const float *filter = weight + (block * v + lane) * problem->in_group * 9;
      for (int64_t i = 0; i < problem->in_group; i++, filter += 9) {
        transform(m, (const double(*)[3])g, filter, packed + i * v + lane, band.count * v * v);
      }
    }
    packed += onefold_conv_block_floats(problem, format, (int32_t)block);
  }
}
