// SPDX-License-Identifier: BSD-3-Clause
// Medians and their noise.
#include "tune/search.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/// Between the values, as a part of their number.
static double at(const double *sorted, int32_t count, double part) {
  const double place = part * (count - 1);
  const int32_t below = (int32_t)place;
  const int32_t above = below + 1 < count ? below + 1 : below;
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

double onefold_search_median(double *value, int32_t count, double *spread) {
  if (spread) *spread = 0;
  if (count < 1) return 0;
  qsort(value, (size_t)count, sizeof *value, compare);
  const double median = at(value, count, 0.5);
  if (spread && median > 0) *spread = (at(value, count, 0.75) - at(value, count, 0.25)) / median;
  return median;
}

/// Of a normal distribution: the interquartile range is 1.35 deviations, and a median's error 1.25
/// times a mean's.
double onefold_search_noise(double spread, int32_t count) {
  return count < 1 ? INFINITY : 2 * 1.25 / 1.35 * spread / sqrt((double)count);
}
