// SPDX-License-Identifier: BSD-3-Clause
// Statistics of samples: quantiles, and the interval of a ratio by ranks.
#ifndef ONEFOLD_REPORT_STAT_H
#define ONEFOLD_REPORT_STAT_H

#include <stddef.h>

void onefold_report_sort(double *values, size_t count);

/// Of sorted values, between its neighbours; NAN where there are none.
double onefold_report_quantile(const double *sorted, size_t count, double fraction);

/// exp of the mean logarithm; NAN where there are none.
double onefold_report_geomean(const double *values, size_t count);

/// new/old and what it lies between.
typedef struct report_ratio {
  double estimate;  // of the medians
  double low, high; // interval; NAN where the samples are too few for the confidence
} report_ratio;

/// The ratio of medians of two sorted sets of positive samples, and the distribution-free interval
/// (Hodges and Lehmann's, by the exact distribution of Mann and Whitney's U up to 40 samples a
/// side, by its normal limit above) that holds the shift of their logarithms with at least
/// `confidence`.
report_ratio onefold_report_ratio(const double *older, size_t older_count, const double *newer,
                                  size_t newer_count, double confidence);

/// Least repetitions, the same on both sides, that give an interval of that confidence.
size_t onefold_report_least_samples(double confidence);

#endif
