// SPDX-License-Identifier: BSD-3-Clause
// Composition of affine maps.
#include "fold/compose.h"

static int64_t gcd(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

/// Does first, evaluated at the outside position v, reach into its own image?
static int reaches_inside(const onefold_axis *first, int64_t v) {
  for (int64_t k = 0; k < first->taps; k++) {
    const int64_t x = first->stride * v + first->lo + k * first->step;
    if (x >= 0 && x < first->in) return 1;
  }
  return 0;
}

/// Sets *outside when second reads outside first's result, *leak when first would not be
/// constant there. Every position that is read is looked at: parities of strides and
/// dilations matter.
static void enumerate(const onefold_axis *first, const onefold_axis *second, int *outside,
                      int *leak) {
  for (int64_t k = 0; k < second->taps; k++)
    for (int64_t u = 0; u < second->out && !*leak; u++) {
      const int64_t v = second->stride * u + second->lo + k * second->step;
      if (v >= 0 && v < second->in) continue;
      *outside = 1;
      *leak = reaches_inside(first, v);
    }
}

/// Non-zero when a channel that second reads has first's bias other than its extension.
static int bias_differs(const onefold_affine *first, const onefold_affine *second,
                        const double *extension) {
  const int64_t tg = second->in_channels / second->groups;
  const int64_t og = second->out_channels / second->groups;
  const int64_t taps = second->h.taps * second->w.taps;
  for (int64_t o = 0; o < second->out_channels; o++)
    for (int64_t q = 0; q < tg; q++) {
      const int64_t t = o / og * tg + q;
      if (first->bias[t] == (extension ? extension[t] : 0)) continue;
      for (int64_t k = 0; k < taps; k++)
        if (second->weight[(o * tg + q) * taps + k] != 0) return 1;
    }
  return 0;
}

onefold_fold_verdict onefold_affine_compose_verdict(const onefold_affine *first,
                                                    const onefold_affine *second,
                                                    const double *extension) {
  if (first->out_channels != second->in_channels || first->h.out != second->h.in ||
      first->w.out != second->w.in)
    return ONEFOLD_FOLD_SHAPE;
  int outside = 0, leak = 0;
  enumerate(&first->h, &second->h, &outside, &leak);
  enumerate(&first->w, &second->w, &outside, &leak);
  if (leak) return ONEFOLD_FOLD_INEXACT_DATA;
  if (outside && bias_differs(first, second, extension)) return ONEFOLD_FOLD_INEXACT_BIAS;
  return ONEFOLD_FOLD_EXACT;
}

static int compose_axis(const onefold_axis *first, const onefold_axis *second, onefold_axis *axis) {
  int64_t shift, step, hi, hi_shift;
  axis->in = first->in;
  axis->out = second->out;
  if (__builtin_mul_overflow(first->stride, second->stride, &axis->stride) ||
      __builtin_mul_overflow(first->stride, second->lo, &shift) ||
      __builtin_mul_overflow(first->stride, second->step, &step) ||
      __builtin_mul_overflow(first->stride, onefold_axis_hi(second), &hi_shift) ||
      __builtin_add_overflow(first->lo, shift, &axis->lo) ||
      __builtin_add_overflow(onefold_axis_hi(first), hi_shift, &hi))
    return 0;
  axis->step = gcd(first->step, step);
  axis->taps = axis->step ? (hi - axis->lo) / axis->step + 1 : 1;
  return 1;
}

int onefold_affine_compose_geometry(const onefold_affine *first, const onefold_affine *second,
                                    onefold_affine *geometry) {
  *geometry = (onefold_affine){
      .in_channels = first->in_channels,
      .out_channels = second->out_channels,
      .groups = gcd(first->groups, second->groups),
  };
  return compose_axis(&first->h, &second->h, &geometry->h) &&
         compose_axis(&first->w, &second->w, &geometry->w);
}

/// result[o] += weight * first[t], shifted by the offset of second's tap (a, b).
static void add_shifted(onefold_affine *result, const onefold_affine *first,
                        const onefold_affine *second, int64_t o, int64_t t, int64_t a, int64_t b,
                        double weight) {
  const int64_t ig = result->in_channels / result->groups;
  const int64_t first_ig = first->in_channels / first->groups;
  const int64_t group = t / (first->out_channels / first->groups);
  const int64_t column = group * first_ig - o / (result->out_channels / result->groups) * ig;
  const int64_t step_h = result->h.step ? result->h.step : 1;
  const int64_t step_w = result->w.step ? result->w.step : 1;
  const int64_t row = first->h.stride * a * second->h.step / step_h;
  const int64_t col = first->w.stride * b * second->w.step / step_w;
  const int64_t next_row = first->h.step / step_h, next_col = first->w.step / step_w;
  const double *source = first->weight + t * first_ig * first->h.taps * first->w.taps;
  for (int64_t j = 0; j < first_ig; j++)
    for (int64_t k = 0; k < first->h.taps; k++) {
      double *target =
          result->weight +
          ((o * ig + column + j) * result->h.taps + row + k * next_row) * result->w.taps + col;
      for (int64_t l = 0; l < first->w.taps; l++) target[l * next_col] += weight * *source++;
    }
}

onefold_affine *onefold_affine_compose(const onefold_context *context, const onefold_affine *first,
                                       const onefold_affine *second) {
  onefold_affine geometry;
  if (!onefold_affine_compose_geometry(first, second, &geometry)) {
    onefold_fail(context, ONEFOLD_OVERFLOW, "the offsets of a composition do not fit");
    return NULL;
  }
  onefold_affine *result = onefold_affine_create(context, &geometry);
  if (!result) return NULL;
  const int64_t tg = second->in_channels / second->groups;
  const int64_t og = second->out_channels / second->groups;
  const double *weight = second->weight;
  for (int64_t o = 0; o < second->out_channels; o++) {
    result->bias[o] = second->bias[o];
    for (int64_t q = 0; q < tg; q++) {
      const int64_t t = o / og * tg + q;
      for (int64_t a = 0; a < second->h.taps; a++)
        for (int64_t b = 0; b < second->w.taps; b++) {
          const double w = *weight++;
          if (w == 0) continue;
          result->bias[o] += w * first->bias[t];
          add_shifted(result, first, second, o, t, a, b, w);
        }
    }
  }
  return result;
}
