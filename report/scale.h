// SPDX-License-Identifier: BSD-3-Clause
// From values to positions, and the ticks of an axis.
#ifndef ONEFOLD_REPORT_SCALE_H
#define ONEFOLD_REPORT_SCALE_H

#include <stddef.h>

#define REPORT_TICKS 32 // of an axis at most

typedef struct report_scale {
  int logarithmic;
  double low, high; // values at the ends; low is 0 unless logarithmic
  double from, to;  // their positions
} report_scale;

/// From 0 to a round value that is not below `high`.
report_scale onefold_report_scale_bars(double high, double from, double to);

/// Logarithmic, with ends at 1, 2 or 5 times a power of ten that hold [low, high]; both above 0.
report_scale onefold_report_scale_log(double low, double high, double from, double to);

double onefold_report_at(const report_scale *scale, double value);

/// Round values within the scale, as many as fit at least `apart` from each other. Returns their
/// count.
size_t onefold_report_ticks(const report_scale *scale, double apart, double ticks[REPORT_TICKS]);

#endif
