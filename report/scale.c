// SPDX-License-Identifier: BSD-3-Clause
// From values to positions, and the ticks of an axis.
#include "report/scale.h"

#include <math.h>

/// The least of 1, 2, 5 times a power of ten that is not below the value.
static double round_up(double value) {
  const double power = pow(10, floor(log10(value)));
  static const double steps[] = {1, 2, 5, 10};
  for (size_t i = 0; i < 3; i++) {
    if (steps[i] * power >= value * (1 - 1e-9)) return steps[i] * power;
  }
  return 10 * power;
}

static double round_down(double value) {
  const double power = pow(10, floor(log10(value)));
  if (value >= 5 * power * (1 - 1e-9)) return 5 * power;
  return value >= 2 * power * (1 - 1e-9) ? 2 * power : power;
}

report_scale onefold_report_scale_bars(double high, double from, double to) {
  if (!(high > 0) || !isfinite(high)) high = 1;
  const double step = round_up(high / 20);
  return (report_scale){0, 0, step * ceil(high / step * (1 - 1e-9)), from, to};
}

report_scale onefold_report_scale_log(double low, double high, double from, double to) {
  report_scale scale = {1, round_down(low), round_up(high), from, to};
  if (scale.high <= scale.low) scale.high = 10 * scale.low;
  return scale;
}

double onefold_report_at(const report_scale *s, double value) {
  const double part = s->logarithmic ? log(value / s->low) / log(s->high / s->low)
                                     : (value - s->low) / (s->high - s->low);
  return s->from + part * (s->to - s->from);
}

static size_t linear_ticks(const report_scale *s, double apart, double ticks[REPORT_TICKS]) {
  const double range = s->high; // from 0
  double fit = floor(fabs(s->to - s->from) / apart);
  if (fit > REPORT_TICKS - 2) fit = REPORT_TICKS - 2;
  const double step = round_up(range / (fit < 1 ? 1 : fit));
  size_t n = 0;
  while (n < REPORT_TICKS && (double)n * step <= range * (1 + 1e-9)) {
    ticks[n] = (double)n * step;
    n++;
  }
  return n;
}

/// Powers of ten, every `stride`-th, with `count` of the digits 1, 2, 5 each.
static size_t log_ticks_of(const report_scale *s, int stride, int count,
                           double ticks[REPORT_TICKS]) {
  static const double digits[] = {1, 2, 5};
  size_t n = 0;
  for (int e = (int)floor(log10(s->low)); e <= (int)ceil(log10(s->high)); e++) {
    if (e % stride) continue;
    for (int d = 0; d < count; d++) {
      const double value = digits[d] * pow(10, e);
      const int inside = value >= s->low * (1 - 1e-9) && value <= s->high * (1 + 1e-9);
      if (inside && n < REPORT_TICKS) ticks[n++] = value;
    }
  }
  return n;
}

static size_t log_ticks(const report_scale *s, double apart, double ticks[REPORT_TICKS]) {
  const double decade = fabs(s->to - s->from) / log10(s->high / s->low);
  if (decade * 0.301 >= apart) return log_ticks_of(s, 1, 3, ticks);
  int stride = 1;
  while (decade * stride < apart && stride < 100) stride++;
  return log_ticks_of(s, stride, 1, ticks);
}

size_t onefold_report_ticks(const report_scale *s, double apart, double ticks[REPORT_TICKS]) {
  return s->logarithmic ? log_ticks(s, apart, ticks) : linear_ticks(s, apart, ticks);
}
