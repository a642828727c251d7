// SPDX-License-Identifier: BSD-3-Clause
// The border of one map after another.
#include "fold/border.h"

#include "graph/graph.h"

#include <math.h>

// A border is nothing where it is below this part of the values that it is the difference of: a
// constant that was rounded to float32 is still the same constant.
#define NOTHING 0x1p-22

/// How many outputs at each end read outside [before, in - after).
static void compose_axis(const onefold_axis *second, int64_t before, int64_t after, int64_t *low,
                         int64_t *high) {
  const int64_t last = second->out - 1;
  while (*low <= last && second->stride * *low + second->lo < before) ++*low;
  while (*high <= last &&
         second->stride * (last - *high) + onefold_axis_hi(second) >= second->in - after)
    ++*high;
}

static int has_bias(const onefold_affine *affine) {
  for (int64_t o = 0; o < affine->out_channels; o++)
    if (affine->bias[o] != 0) return 1;
  return affine->border != NULL;
}

onefold_ring onefold_border_compose_ring(const onefold_affine *first,
                                         const onefold_affine *second) {
  onefold_ring ring = {0};
  const onefold_ring *inner = &first->ring;
  if (has_bias(first)) {
    compose_axis(&second->h, inner->top, inner->bottom, &ring.top, &ring.bottom);
    compose_axis(&second->w, inner->left, inner->right, &ring.left, &ring.right);
  }
  onefold_ring result = {0};
  onefold_ring_unite(&result, &ring, second->h.out, second->w.out);
  onefold_ring_unite(&result, &second->ring, second->h.out, second->w.out);
  return result;
}

/// What first's result at (row, col) is more than its natural extension, in channel t.
static double excess(const onefold_affine *first, int64_t t, int64_t row, int64_t col) {
  if (row < 0 || row >= first->h.out || col < 0 || col >= first->w.out) return -first->bias[t];
  if (!first->border) return 0;
  const onefold_ring *ring = &first->ring;
  const int64_t r = onefold_border_class(row, first->h.out, ring->top, ring->bottom);
  const int64_t q = onefold_border_class(col, first->w.out, ring->left, ring->right);
  return first->border[(t * onefold_ring_rows(ring) + r) * onefold_ring_cols(ring) + q];
}

/// An output position at which a border is made: second's weights times first's excess, into
/// sum[o], and the absolute values that it is made of, into size[o].
static void add_excess(const onefold_affine *first, const onefold_affine *second, int64_t u,
                       int64_t v, double *sum, double *size) {
  const int64_t tg = second->in_channels / second->groups;
  const int64_t og = second->out_channels / second->groups;
  const int64_t taps = second->h.taps * second->w.taps;
  for (int64_t k = 0; k < taps; k++) {
    const int64_t row = second->h.stride * u + second->h.lo + k / second->w.taps * second->h.step;
    const int64_t col = second->w.stride * v + second->w.lo + k % second->w.taps * second->w.step;
    const int inside = row >= 0 && row < first->h.out && col >= 0 && col < first->w.out;
    if (inside && !first->border) continue;
    for (int64_t o = 0; o < second->out_channels; o++)
      for (int64_t q = 0; q < tg; q++) {
        const double part =
            second->weight[(o * tg + q) * taps + k] * excess(first, o / og * tg + q, row, col);
        sum[o] += part;
        size[o] += fabs(part);
      }
  }
}

static void drop_border(const onefold_context *context, onefold_affine *affine) {
  onefold_release(context, affine->border);
  affine->border = NULL;
  affine->ring = (onefold_ring){0};
}

int onefold_border_compose(const onefold_context *context, const onefold_affine *first,
                           const onefold_affine *second, onefold_affine *result) {
  if (!result->border) return 1;
  const size_t channels = (size_t)result->out_channels;
  double *sums = onefold_allocate(context, 2 * channels * sizeof *sums);
  if (!sums) return 0;
  double *sizes = sums + channels;
  onefold_affine_accumulate_border(result, second, 0);
  const onefold_ring *ring = &result->ring;
  const int64_t rows = onefold_ring_rows(ring), cols = onefold_ring_cols(ring);
  int needed = 0;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t q = 0; q < cols; q++) {
      const int64_t u = onefold_ring_position(r, result->h.out, ring->top, ring->bottom);
      const int64_t v = onefold_ring_position(q, result->w.out, ring->left, ring->right);
      if (u < 0 || v < 0) continue;
      for (size_t o = 0; o < channels; o++) {
        sums[o] = result->border[((int64_t)o * rows + r) * cols + q];
        sizes[o] = fabs(sums[o]);
      }
      add_excess(first, second, u, v, sums, sizes);
      for (size_t o = 0; o < channels; o++) {
        result->border[((int64_t)o * rows + r) * cols + q] = sums[o];
        needed |= !(fabs(sums[o]) <= NOTHING * sizes[o]);
      }
    }
  onefold_release(context, sums);
  if (!needed) drop_border(context, result);
  return 1;
}
