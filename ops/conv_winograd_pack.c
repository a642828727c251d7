// SPDX-License-Identifier: BSD-3-Clause
// Weights of Winograd convolutions: G g G^T for each pair of channels, in double.
#include "kernels/winograd.h"
#include "ops/conv2d.h"

enum { POINTS = ONEFOLD_WINOGRAD_MAX_POINTS };

/// G of one phase along an axis: the values at the points of the filter whose taps are `first`,
/// first + phases, ... of three, each divided by the product of the point's distances to the
/// others.
static void filter_matrix(int32_t points, int32_t phases, int32_t first, double g[POINTS][3]) {
  const int32_t last = phases == 2 && first == 1 ? 1 : 2;
  double point[POINTS] = {0};
  onefold_winograd_finite(points - 2, point);
  for (int i = 0; i < points; i++) {
    for (int k = 0; k < 3; k++) g[i][k] = 0;
  }
  for (int i = 0; i < points - 1; i++) {
    double value = 1;
    for (int j = 0; j < points - 1; j++) value /= j == i ? 1 : point[i] - point[j];
    for (int k = first; k < 3; k += phases) {
      g[i][k] = value;
      value *= point[i];
    }
  }
  g[points - 1][2] = last == 2;
}

/// What the filters of a problem share.
typedef struct transform {
  int32_t points, phases;
  double g[2][POINTS][3]; // by phase
} transform;

/// The elements of one filter of source block `block` of `blocks`. Planes of `plane` floats follow
/// each other: [point][point][rows' phase][block][columns' phase].
static void transform_filter(const transform *t, const float *filter, int64_t block, int64_t blocks,
                             ptrdiff_t plane, float *to) {
  // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): the only caller sets both
  const int32_t f = t->phases, across = f * (t->points - 1) + 1;
  for (int i = 0; i < t->points; i++) {
    const int32_t down = i + 1 < t->points ? f : 1;
    for (int32_t a = 0; a < down; a++) {
      double row[3];
      for (int x = 0; x < 3; x++) {
        row[x] = t->g[a][i][0] * filter[x] + t->g[a][i][1] * filter[3 + x] +
                 t->g[a][i][2] * filter[6 + x];
      }
      for (int j = 0; j < t->points; j++) {
        const int32_t along = j + 1 < t->points ? f : 1;
        for (int32_t b = 0; b < along; b++) {
          const double *g = t->g[b][j];
          const int64_t at =
              (i * f * across + j * down * f) * blocks + (a * blocks + block) * along + b;
          to[at * plane] = (float)(row[0] * g[0] + row[1] * g[1] + row[2] * g[2]);
        }
      }
    }
  }
}

void onefold_conv_pack_winograd(const onefold_conv_problem *problem, onefold_pack_format format,
                                const float *weight, float *packed) {
  const int64_t v = problem->v;
  const int32_t points = onefold_pack_points(format), phases = onefold_pack_phases(format);
  transform t = {.points = points, .phases = phases};
  for (int32_t a = 0; a < phases; a++) filter_matrix(points, phases, a, t.g[a]);
  for (int64_t block = 0; block < problem->out_blocks; block++) {
    // A group's channels fill its blocks, so that the first of the band is the first of the group.
    const onefold_conv_band band = onefold_conv_band_of(problem, format, (int32_t)block);
    for (int64_t lane = 0; lane < v && block * v + lane < problem->desc.out_channels; lane++) {
      const float *filter = weight + (block * v + lane) * problem->in_group * 9;
      for (int64_t i = 0; i < problem->in_group; i++, filter += 9) {
        transform_filter(&t, filter, i / v, band.count, v * v, packed + i % v * v + lane);
      }
    }
    packed += onefold_conv_block_floats(problem, format, (int32_t)block);
  }
}
