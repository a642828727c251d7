// SPDX-License-Identifier: BSD-3-Clause
// Weights of Winograd convolutions: G g G^T for each pair of channels, in double.
#include "ops/conv_winograd_pack.h"

#include "kernels/winograd.h"

enum { POINTS = ONEFOLD_WINOGRAD_MAX_POINTS };

// The widest channel block of any level.
#define MOST_LANES 16

/// G of one phase along an axis: the values at the points of the filter whose taps are `first`,
/// first + phases, ... of three, each divided by the product of the point's distances to the
/// others.
static void filter_matrix(int32_t points, int32_t phases, int32_t first, double g[POINTS][3]) {
  const int32_t last = phases == 2 && first == 1 ? 1 : 2;
  double point[POINTS] = {0};
  onefold_winograd_finite(points - 2, point);
  for (int i = 0; i < points; i++) { // the last is infinity, which has the last tap
    for (int k = 0; k < 3; k++) g[i][k] = i + 1 == points && k == 2 && last == 2;
  }
  for (int i = 0; i < points - 1; i++) {
    double value = 1;
    for (int j = 0; j < points - 1; j++) value /= j == i ? 1 : point[i] - point[j];
    for (int k = first; k < 3; k += phases) {
      g[i][k] = value;
      value *= point[i];
    }
  }
}

/// What the filters of a problem share.
typedef struct transform {
  int32_t points, phases;
  double g[2][POINTS][3]; // by phase
} transform;

/// One tap of the filters of an output block from one input channel, and what becomes of it: a lane
/// for each output channel.
typedef struct lanes {
  double v[MOST_LANES];
} lanes;

/// to = g[0]*a + g[1]*b + g[2]*c in each of `v` lanes, summed from left to right.
static inline void combine(const double g[3], const lanes *a, const lanes *b, const lanes *c,
                           int64_t v, lanes *to) {
  for (int64_t k = 0; k < v; k++) to->v[k] = g[0] * a->v[k] + g[1] * b->v[k] + g[2] * c->v[k];
}

/// The elements of the filters of input channel i of a block: planes of v*v floats follow each
/// other, [point][point][rows' phase][source block][columns' phase].
static inline void transform_lanes(const transform *t, const lanes filter[9], int64_t i,
                                   int64_t blocks, int64_t v, float *packed) {
  const int32_t f = t->phases, across = f * (t->points - 1) + 1;
  float *const to = packed + i % v * v;
  for (int p = 0; p < t->points; p++) {
    const int32_t down = p + 1 < t->points ? f : 1;
    for (int32_t a = 0; a < down; a++) {
      lanes row[3], value;
      for (int x = 0; x < 3; x++)
        combine(t->g[a][p], &filter[x], &filter[3 + x], &filter[6 + x], v, &row[x]);
      for (int q = 0; q < t->points; q++) {
        const int32_t along = q + 1 < t->points ? f : 1;
        for (int32_t b = 0; b < along; b++) {
          combine(t->g[b][q], &row[0], &row[1], &row[2], v, &value);
          float *plane =
              to +
              ((p * f * across + q * down * f) * blocks + (a * blocks + i / v) * along + b) * v * v;
          for (int64_t k = 0; k < v; k++) plane[k] = (float)value.v[k];
        }
      }
    }
  }
}

/// Output block `block`, all of it: zeros where there is no such channel.
static inline void pack_block(const onefold_conv_problem *problem, const transform *t,
                              int32_t blocks, int64_t block, int64_t v, const float *weight,
                              float *packed) {
  const int64_t first = block * v, left = problem->desc.out_channels - first;
  const int64_t count = left < v ? left : v, in = problem->in_group;
  for (int64_t i = 0; i < blocks * v; i++) {
    lanes filter[9] = {{{0}}};
    for (int64_t k = 0; k < count && i < in; k++) {
      const float *from = weight + ((first + k) * in + i) * 9;
      for (int x = 0; x < 9; x++) filter[x].v[k] = (double)from[x];
    }
    transform_lanes(t, filter, i, blocks, v, packed);
  }
}

void onefold_conv_pack_winograd(const onefold_conv_problem *problem, onefold_pack_format format,
                                int32_t block, const float *weight, float *packed) {
  const int32_t points = onefold_pack_points(format), phases = onefold_pack_phases(format);
  transform t = {.points = points, .phases = phases};
  for (int32_t a = 0; a < phases; a++) filter_matrix(points, phases, a, t.g[a]);
  // A group's channels fill its blocks, so that the first of the band is the first of the group.
  const int32_t blocks = onefold_conv_band_of(problem, format, block).count;
  // Loops of so many lanes as a level has become vectors.
  switch (problem->v) {
  case 16:
    pack_block(problem, &t, blocks, block, 16, weight, packed);
    break;
  case 8:
    pack_block(problem, &t, blocks, block, 8, weight, packed);
    break;
  default:
    pack_block(problem, &t, blocks, block, problem->v, weight, packed);
  }
}
