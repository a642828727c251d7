// SPDX-License-Identifier: BSD-3-Clause
// Images: their memory, layouts, values and differences.
#include "bench/image.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

float *onefold_bench_floats(size_t n) {
  const size_t line = 64, page = (size_t)2 << 20;
  if (n > SIZE_MAX / 2 / sizeof(float)) return NULL;
  const size_t bytes = n * sizeof(float);
  if (bytes < page / 32) return aligned_alloc(line, (bytes / line + 1) * line);
  const size_t whole = (bytes / page + 1) * page;
  void *array = aligned_alloc(page, whole);
  if (array) madvise(array, whole, MADV_HUGEPAGE); // a wish
  return array;
}

onefold_layout onefold_bench_in_layout(const bench_options *options, int64_t channels) {
  if (options->has_layout) return options->layout;
  return channels <= ONEFOLD_IMAGE_CHANNELS ? ONEFOLD_NCHW : ONEFOLD_BLOCKED;
}

onefold_layout onefold_bench_out_layout(const bench_options *options) {
  return options->has_layout ? options->layout : ONEFOLD_BLOCKED;
}

void onefold_bench_fill(const bench_session *session, float *values, size_t n) {
  uint64_t state = session->options->seed;
  for (size_t i = 0; i < n; i++) { // splitmix64
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    values[i] = (float)((z ^ (z >> 31)) >> 40) * 0x1p-23f - 1.0f;
  }
}

double onefold_bench_error(const float *a, const float *b, size_t n) {
  double difference = 0.0, largest = 0.0;
  for (size_t i = 0; i < n; i++) {
    const double d = fabs((double)a[i] - (double)b[i]), m = fabs((double)b[i]);
    if (!(d <= difference)) difference = isnan(d) ? INFINITY : d;
    if (m > largest) largest = m;
  }
  if (isinf(difference)) return INFINITY; // also where the largest value is infinite
  return difference == 0.0 ? 0.0 : difference / (largest > 0.0 ? largest : 1.0);
}
