// SPDX-License-Identifier: BSD-3-Clause
// The clock of everything that is timed without Google Benchmark.
#ifndef ONEFOLD_BENCH_CLOCK_H
#define ONEFOLD_BENCH_CLOCK_H

#include <time.h>

/// Seconds of a clock that only goes forward.
static inline double onefold_bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
