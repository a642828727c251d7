// SPDX-License-Identifier: BSD-3-Clause
// Weights of Winograd convolutions: G g G^T for each pair of channels, in double.
#include "ops/conv_winograd_pack.h"

#include "kernels/winograd.h"

enum { POINTS = ONEFOLD_WINOGRAD_MAX_POINTS };

// The widest channel block of any level.
#define MOST_LANES 16

/// G along an axis: the values at the points of a filter of so many taps, each divided by the
/// product of the point's distances to the others.
static void filter_matrix(const onefold_pack_axis *axis, double g[POINTS][3]) {
  double point[POINTS] = {0};
  const int points = axis->points, taps = axis->taps;
  onefold_winograd_finite(points - 2, point);
  for (int i = 0; i < points; i++) { // the last is infinity, which has the last tap
    for (int k = 0; k < 3; k++) g[i][k] = i + 1 == points && k + 1 == taps;
  }
  for (int i = 0; i < points - 1; i++) {
    double value = 1;
    for (int j = 0; j < points - 1; j++) value /= j == i ? 1 : point[i] - point[j];
    for (int k = 0; k < taps; k++) {
      g[i][k] = value;
      value *= point[i];
    }
  }
}

/// What the filters of a problem share.
typedef struct transform {
  onefold_pack_axis axis;
  int64_t side, blocks; // taps of the kernel along an axis; source blocks
  double g[POINTS][3];
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

/// The taps of the filters of rows' phase a and columns' phase b from one input channel to `count`
/// output channels, which are `step` floats apart.
static inline void filter_of(const transform *t, int32_t a, int32_t b, const float *weight,
                             int64_t count, int64_t step, lanes filter[9]) {
  const onefold_pack_axis *axis = &t->axis;
  for (int x = 0; x < 9; x++) {
    const int64_t y = onefold_pack_first(axis, a) + x / 3 * axis->stride;
    const int64_t z = onefold_pack_first(axis, b) + x % 3 * axis->stride;
    filter[x] = (lanes){{0}};
    if (x / 3 >= axis->taps || x % 3 >= axis->taps || y >= t->side || z >= t->side) continue;
    const float *from = weight + (y * t->side + z);
    for (int64_t k = 0; k < count; k++) filter[x].v[k] = (double)from[k * step];
  }
}

/// The elements of the filters of phases a and b of input channel i: planes of v*v floats follow
/// each other, [point][point][rows' phase][source block][columns' phase].
static inline void transform_lanes(const transform *t, const lanes filter[9], int32_t a, int32_t b,
                                   int64_t i, int64_t v, float *packed) {
  const int32_t f = t->axis.phases, ends = t->axis.ends, whole = t->axis.points - 1;
  const int32_t across = f * whole + ends;
  float *const to = packed + i % v * v;
  for (int p = 0; p <= whole; p++) {
    const int32_t down = p < whole ? f : ends;
    lanes row[3], value;
    if (a >= down) continue;
    for (int x = 0; x < 3; x++)
      combine(t->g[p], &filter[x], &filter[3 + x], &filter[6 + x], v, &row[x]);
    for (int q = 0; q <= whole; q++) {
      const int32_t along = q < whole ? f : ends;
      if (b >= along) continue;
      combine(t->g[q], &row[0], &row[1], &row[2], v, &value);
      const int64_t before = (p * f * across + q * down * f) * t->blocks;
      float *plane = to + (before + (a * t->blocks + i / v) * along + b) * v * v;
      for (int64_t k = 0; k < v; k++) plane[k] = (float)value.v[k];
    }
  }
}

/// Output block `block`, all of it: zeros where there is no such channel.
static inline void pack_block(const onefold_conv_problem *problem, const transform *t,
                              int64_t block, int64_t v, const float *weight, float *packed) {
  const int64_t first = block * v, left = problem->desc.out_channels - first;
  const int64_t in = problem->in_group, taps = t->side * t->side;
  for (int64_t i = 0; i < t->blocks * v; i++) {
    const int64_t count = i >= in ? 0 : left < v ? left : v;
    const float *from = count > 0 ? weight + (first * in + i) * taps : weight;
    for (int32_t a = 0; a < t->axis.phases; a++) {
      for (int32_t b = 0; b < t->axis.phases; b++) {
        lanes filter[9];
        filter_of(t, a, b, from, count, in * taps, filter);
        transform_lanes(t, filter, a, b, i, v, packed);
      }
    }
  }
}

void onefold_conv_pack_winograd(const onefold_conv_problem *problem, onefold_pack_format format,
                                int32_t block, const float *weight, float *packed) {
  transform t = {.axis = onefold_pack_axis_of(problem, format), .side = problem->desc.kernel_h};
  filter_matrix(&t.axis, t.g);
  // A group's channels fill its blocks, so that the first of the band is the first of the group.
  t.blocks = onefold_conv_band_of(problem, format, block).count;
  // Loops of so many lanes as a level has become vectors.
  switch (problem->v) {
  case 16:
    pack_block(problem, &t, block, 16, weight, packed);
    break;
  case 8:
    pack_block(problem, &t, block, 8, weight, packed);
    break;
  default:
    pack_block(problem, &t, block, problem->v, weight, packed);
  }
}
