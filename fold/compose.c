// SPDX-License-Identifier: BSD-3-Clause
// Composition of affine maps.
#include "fold/compose.h"

#include "fold/border.h"

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/// Does first, evaluated at the position v, reach into its own image?
static int reaches_inside(const onefold_axis *first, int64_t v) {
  for (int64_t k = 0; k < first->taps; k++) {
    const int64_t x = first->stride * v + first->lo + k * first->step;
    if (x >= 0 && x < first->in) return 1;
  }
  return 0;
}

/// Outputs of which a tap of second, at `at` for the first one, reads a position below `limit`.
static int64_t outputs_below(const onefold_axis *second, int64_t at, int64_t limit) {
  if (limit <= at) return 0;
  const int64_t count = (limit - at - 1) / second->stride + 1;
  return count < second->out ? count : second->out;
}

/// What second reads along an axis at which first reaches into its own image: `alive` anywhere,
/// `leaks` outside first's result, where the chain reads a zero instead.
typedef struct reads {
  int alive, leaks;
} reads;

/// Looks at every position that is read outside first's result and from which first's window may
/// reach inside: parities of strides and dilations matter. Of those within the result, one that is
/// alive will do, so that the size of the image does not matter.
static reads enumerate(const onefold_axis *first, const onefold_axis *second) {
  const int64_t lowest = -floor_div(onefold_axis_hi(first), first->stride);
  const int64_t highest = floor_div(first->in - 1 - first->lo, first->stride);
  reads found = {0, 0};
  for (int64_t k = 0; k < second->taps; k++) {
    const int64_t at = second->lo + k * second->step;
    const int64_t end = outputs_below(second, at, highest + 1);
    for (int64_t u = outputs_below(second, at, lowest); u < end; u++) {
      const int64_t v = second->stride * u + at;
      const int outside = v < 0 || v >= second->in;
      if (!outside && found.alive) {
        u = outputs_below(second, at, second->in) - 1; // on to the far side
        continue;
      }
      if (!reaches_inside(first, v)) continue;
      found.alive = 1;
      found.leaks |= outside;
    }
  }
  return found;
}

onefold_fold_verdict onefold_affine_compose_verdict(const onefold_affine *first,
                                                    const onefold_affine *second) {
  if (first->out_channels != second->in_channels || first->h.out != second->h.in ||
      first->w.out != second->w.in)
    return ONEFOLD_FOLD_SHAPE;
  const reads h = enumerate(&first->h, &second->h), w = enumerate(&first->w, &second->w);
  return (h.leaks && w.alive) || (w.leaks && h.alive) ? ONEFOLD_FOLD_INEXACT_DATA
                                                      : ONEFOLD_FOLD_EXACT;
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
  axis->step = onefold_gcd(first->step, step);
  axis->taps = axis->step ? (hi - axis->lo) / axis->step + 1 : 1;
  return 1;
}

int onefold_affine_compose_geometry(const onefold_affine *first, const onefold_affine *second,
                                    onefold_affine *geometry) {
  *geometry = (onefold_affine){
      .in_channels = first->in_channels,
      .out_channels = second->out_channels,
      .groups = onefold_gcd(first->groups, second->groups),
  };
  return compose_axis(&first->h, &second->h, &geometry->h) &&
         compose_axis(&first->w, &second->w, &geometry->w);
}

/// One output channel of a composition.
typedef struct row {
  onefold_affine *result;
  const onefold_affine *first, *second;
  int64_t o;
} row;

/// Weights of second's channel o that read channel q of its group.
static const double *taps_of(const row *r, int64_t q) {
  const onefold_affine *s = r->second;
  return s->weight + (r->o * (s->in_channels / s->groups) + q) * s->h.taps * s->w.taps;
}

/// Channel q of the group that second's channel o reads.
static int64_t channel_of(const row *r, int64_t q) {
  const onefold_affine *s = r->second;
  return r->o / (s->out_channels / s->groups) * (s->in_channels / s->groups) + q;
}

/// Where first's channel t begins among the input channels of the result's row.
static int64_t column_of(const row *r, int64_t t) {
  const onefold_affine *f = r->first, *result = r->result;
  return t / (f->out_channels / f->groups) * (f->in_channels / f->groups) -
         r->o / (result->out_channels / result->groups) * (result->in_channels / result->groups);
}

static void add_scaled(double *target, const double *source, double factor, int64_t count) {
  for (int64_t i = 0; i < count; i++) target[i] += factor * source[i];
}

/// A map of one tap first: sums of its rows, one for each of second's taps. `sums` has room for
/// the result's input channels of a group.
static void compose_point_first(const row *r, double *sums) {
  onefold_affine *result = r->result;
  const int64_t ig = result->in_channels / result->groups;
  const int64_t first_ig = r->first->in_channels / r->first->groups;
  const int64_t tg = r->second->in_channels / r->second->groups;
  const int64_t taps = r->second->h.taps * r->second->w.taps;
  for (int64_t k = 0; k < taps; k++) {
    for (int64_t j = 0; j < ig; j++) sums[j] = 0;
    for (int64_t q = 0; q < tg; q++) {
      const double w = taps_of(r, q)[k];
      const int64_t t = channel_of(r, q);
      if (w != 0) add_scaled(sums + column_of(r, t), r->first->weight + t * first_ig, w, first_ig);
    }
    double *target = result->weight + r->o * ig * taps + k;
    for (int64_t j = 0; j < ig; j++) target[j * taps] = sums[j];
  }
}

/// A map of one tap second: sums of first's rows, window and all.
static void compose_point_second(const row *r) {
  onefold_affine *result = r->result;
  const int64_t taps = r->first->h.taps * r->first->w.taps;
  const int64_t ig = result->in_channels / result->groups;
  const int64_t first_ig = r->first->in_channels / r->first->groups;
  const int64_t tg = r->second->in_channels / r->second->groups;
  for (int64_t q = 0; q < tg; q++) {
    const double w = taps_of(r, q)[0];
    const int64_t t = channel_of(r, q);
    if (w != 0)
      add_scaled(result->weight + (r->o * ig + column_of(r, t)) * taps,
                 r->first->weight + t * first_ig * taps, w, first_ig * taps);
  }
}

/// result[o] += weight * first[t], shifted by the offset of second's tap (a, b).
static void add_shifted(const row *r, int64_t t, int64_t a, int64_t b, double weight) {
  onefold_affine *result = r->result;
  const onefold_affine *first = r->first, *second = r->second;
  const int64_t ig = result->in_channels / result->groups;
  const int64_t first_ig = first->in_channels / first->groups;
  const int64_t column = column_of(r, t);
  const int64_t step_h = result->h.step ? result->h.step : 1;
  const int64_t step_w = result->w.step ? result->w.step : 1;
  const int64_t down = first->h.stride * a * second->h.step / step_h;
  const int64_t right = first->w.stride * b * second->w.step / step_w;
  const int64_t next_row = first->h.step / step_h, next_col = first->w.step / step_w;
  const double *source = first->weight + t * first_ig * first->h.taps * first->w.taps;
  for (int64_t j = 0; j < first_ig; j++)
    for (int64_t k = 0; k < first->h.taps; k++) {
      double *target =
          result->weight +
          ((r->o * ig + column + j) * result->h.taps + down + k * next_row) * result->w.taps +
          right;
      for (int64_t l = 0; l < first->w.taps; l++) target[l * next_col] += weight * *source++;
    }
}

static void compose_windows(const row *r) {
  const int64_t tg = r->second->in_channels / r->second->groups;
  for (int64_t q = 0; q < tg; q++) {
    const double *weight = taps_of(r, q);
    for (int64_t a = 0; a < r->second->h.taps; a++)
      for (int64_t b = 0; b < r->second->w.taps; b++, weight++)
        if (*weight != 0) add_shifted(r, channel_of(r, q), a, b, *weight);
  }
}

static void compose_bias(const row *r) {
  const onefold_affine *second = r->second;
  const int64_t tg = second->in_channels / second->groups, taps = second->h.taps * second->w.taps;
  double sum = second->bias[r->o];
  for (int64_t q = 0; q < tg; q++) {
    const double *weight = taps_of(r, q), bias = r->first->bias[channel_of(r, q)];
    for (int64_t k = 0; k < taps; k++) sum += weight[k] * bias;
  }
  r->result->bias[r->o] = sum;
}

static int is_one_tap(const onefold_affine *affine) {
  return affine->h.taps == 1 && affine->w.taps == 1;
}

onefold_affine *onefold_affine_compose(const onefold_context *context, const onefold_affine *first,
                                       const onefold_affine *second) {
  onefold_affine geometry;
  if (!onefold_affine_compose_geometry(first, second, &geometry)) {
    onefold_fail(context, ONEFOLD_OVERFLOW, "the offsets of a composition do not fit");
    return NULL;
  }
  geometry.ring = onefold_border_compose_ring(first, second);
  onefold_affine *result = onefold_affine_create(context, &geometry);
  const size_t ig = (size_t)(geometry.in_channels / geometry.groups);
  double *sums = result ? onefold_allocate(context, ig * sizeof *sums) : NULL;
  for (int64_t o = 0; sums && o < second->out_channels; o++) {
    const row r = {result, first, second, o};
    compose_bias(&r);
    if (is_one_tap(first))
      compose_point_first(&r, sums);
    else if (is_one_tap(second))
      compose_point_second(&r);
    else
      compose_windows(&r);
  }
  const int complete = sums && onefold_border_compose(context, first, second, result);
  onefold_release(context, sums);
  if (complete) return result;
  onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %lld x %lld channels",
               (long long)geometry.out_channels, (long long)geometry.in_channels);
  onefold_affine_destroy(context, result);
  return NULL;
}
