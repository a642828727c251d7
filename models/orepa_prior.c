// SPDX-License-Identifier: BSD-3-Clause
// OREPA's prior filters. Frequencies grow with the channels, so that arguments are reduced as
// whole numbers before the cosine is taken: every value is right to the last bit of a double.
#include "models/orepa_prior.h"

#include <math.h>

#define PI 3.14159265358979323846

/// cos(pi*n/(4*period)) for n >= 0; its zeros are exact.
static double cosine(int64_t n, int64_t period) {
  n %= 8 * period;
  if (n > 4 * period) n = 8 * period - n; // cos(2*pi - x) = cos(x)
  const int negative = n > 2 * period;    // cos(pi - x) = -cos(x)
  if (negative) n = 4 * period - n;
  const double value = n == 2 * period ? 0 : cos(PI * (double)n / (double)(4 * period));
  return negative ? -value : value;
}

void onefold_orepa_prior_fill(int64_t channels, int64_t kernel, onefold_orepa_prior prior,
                              float *values) {
  const int seed = prior == ONEFOLD_OREPA_SEED_3X3_ZERO;
  const int64_t period = seed ? 3 : kernel;
  for (int64_t o = 0; o < channels; o++) {
    const int vertical = 2 * o < channels;
    const int64_t twice = 2 * (o + 1) - (vertical ? 0 : channels); // twice the frequency
    for (int64_t h = 0; h < kernel; h++)
      for (int64_t w = 0; w < kernel; w++) {
        const int64_t at = 2 * (vertical ? h : w) + 1;
        const int inside = h < period && w < period;
        *values++ = inside ? (float)cosine(twice % (8 * period) * at, period) : 0;
      }
  }
}
