// SPDX-License-Identifier: BSD-3-Clause
// What this machine reaches at most, measured: multiply-adds from registers
// and bandwidth to each level of memory, at the context's ISA level.
#ifndef ONEFOLD_PEAK_H
#define ONEFOLD_PEAK_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/status.h>

ONEFOLD_BEGIN

/// Bandwidth of all the context's threads together, in 1e9 bytes per second;
/// 0 where the machine does not say that it has this level.
typedef struct onefold_bandwidth {
  size_t bytes; // that were walked through, over all threads
  double read_gbs;
  double copy_gbs; // bytes read plus bytes written
} onefold_bandwidth;

typedef struct onefold_peak {
  size_t struct_size;
  int32_t threads;       // of the context
  double core_gflops;    // single-precision multiply-adds, counted as two, on one core
  double threads_gflops; // on `threads` cores at once
  double core_spread;    // (best - median)/best of the repeats on one core
  double threads_spread; // the same on `threads` cores
  // Nanoseconds for a cache line to go from thread 0 to the thread that is farthest from it, half
  // of a round trip: small where they share a cache, several times as much where they do not, and
  // what layers of several threads pay. 0 with one thread, or where threads take turns.
  double handover_ns;
  onefold_bandwidth l2, l3, dram;
} onefold_peak;

/// Measures for about 0.2 s; set peak->struct_size first. The best of several
/// short repeats counts. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_measure_peak(onefold_context *context, onefold_peak *peak);

/// Multiply-adds for about a millisecond on all the context's threads: the rate
/// of this moment, in GFLOP/s, for machines whose clock drifts. Errors:
/// INVALID_ARGUMENT.
ONEFOLD_API onefold_status onefold_measure_fma(onefold_context *context, double *gflops);

/// Reads the n floats of `buffer` on each of the context's threads: warms the
/// caches with it or, when it is larger than they are, empties them of all else.
/// Errors: INVALID_ARGUMENT.
ONEFOLD_API onefold_status onefold_touch(onefold_context *context, const float *buffer, size_t n);

ONEFOLD_END

#endif
