// SPDX-License-Identifier: BSD-3-Clause
// Statistics of samples: quantiles, and the interval of a ratio by ranks.
#include "report/stat.h"

#include <math.h>
#include <stdlib.h>

#define MOST_EXACT   40   // samples a side, by the exact distribution
#define MOST_SAMPLES 1000 // a side: pairs stay below a million

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void onefold_report_sort(double *values, size_t count) {
  if (count) qsort(values, count, sizeof *values, compare);
}

double onefold_report_quantile(const double *sorted, size_t count, double fraction) {
  if (count == 0) return NAN;
  const double at = fraction * (double)(count - 1);
  const size_t below = (size_t)at;
  if (below + 1 >= count) return sorted[count - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

double onefold_report_geomean(const double *values, size_t count) {
  double sum = 0.0;
  for (size_t i = 0; i < count; i++) sum += log(values[i]);
  return count ? exp(sum / (double)count) : NAN;
}

/// The largest k with P(U < k) <= tail of U for m and n samples: so many pairs are outside of the
/// interval at each end. 0: there is no interval.
static size_t exact_cut(size_t m, size_t n, double tail) {
  // ways[u]: of choosing i of the first i + j ranks with rank sum excess u, grown sample by sample:
  // the coefficients of the Gaussian binomial (m + n over m), as probabilities.
  double ways[MOST_EXACT * MOST_EXACT + 1] = {1.0};
  const size_t most = m * n;
  for (size_t i = 1; i <= m; i++) {
    // Times (1 - q^(n + i)) / (1 - q^i).
    for (size_t u = most; u >= n + i; u--) ways[u] -= ways[u - n - i];
    for (size_t u = i; u <= most; u++) ways[u] += ways[u - i];
    // Divided by its value at q = 1, to stay a probability.
    const double total = (double)(n + i) / (double)i;
    for (size_t u = 0; u <= most; u++) ways[u] /= total;
  }
  double below = 0.0;
  size_t cut = 0;
  while (cut <= most && below + ways[cut] <= tail) below += ways[cut++];
  return cut;
}

static double normal_quantile(double tail) {
  double low = 0.0, high = 40.0;
  for (int i = 0; i < 100; i++) {
    const double middle = 0.5 * (low + high);
    if (0.5 * erfc(middle / sqrt(2.0)) > tail) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

static size_t cut_of(size_t m, size_t n, double confidence) {
  const double tail = 0.5 * (1.0 - confidence);
  if (m == 0 || n == 0) return 0;
  if (m <= MOST_EXACT && n <= MOST_EXACT) return exact_cut(m, n, tail);
  const double pairs = (double)m * (double)n;
  const double cut = 0.5 * pairs - normal_quantile(tail) * sqrt(pairs * (double)(m + n + 1) / 12.0);
  return cut < 1.0 ? 0 : (size_t)cut;
}

/// At most MOST_SAMPLES of them, evenly, so that sorted stays sorted.
static size_t thinned(const double *sorted, size_t count, double *kept) {
  const size_t n = count < MOST_SAMPLES ? count : MOST_SAMPLES;
  for (size_t i = 0; i < n; i++) kept[i] = sorted[i * count / n];
  return n;
}

report_ratio onefold_report_ratio(const double *older, size_t older_count, const double *newer,
                                  size_t newer_count, double confidence) {
  report_ratio ratio = {onefold_report_quantile(newer, newer_count, 0.5) /
                            onefold_report_quantile(older, older_count, 0.5),
                        NAN, NAN};
  double a[MOST_SAMPLES], b[MOST_SAMPLES];
  const size_t m = thinned(older, older_count, a), n = thinned(newer, newer_count, b);
  const size_t cut = cut_of(m, n, confidence);
  double *pairs = cut ? malloc(m * n * sizeof *pairs) : NULL;
  if (!pairs) return ratio;
  for (size_t i = 0; i < m; i++) {
    for (size_t j = 0; j < n; j++) pairs[i * n + j] = b[j] / a[i];
  }
  onefold_report_sort(pairs, m * n);
  ratio.low = pairs[cut - 1];
  ratio.high = pairs[m * n - cut];
  free(pairs);
  return ratio;
}

size_t onefold_report_least_samples(double confidence) {
  size_t n = 1;
  while (n < MOST_EXACT && cut_of(n, n, confidence) == 0) n++;
  return n;
}
