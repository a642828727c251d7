// SPDX-License-Identifier: BSD-3-Clause
// Pins this process to as many cores as it runs threads.
#ifndef ONEFOLD_BENCH_PIN_H
#define ONEFOLD_BENCH_PIN_H

#include <stddef.h>

/// Pins to `threads` logical cores of the affinity mask, one of each physical core first, and
/// writes where ("pinned to 0,2") or why not ("not pinned: 4 threads on 2 cores", or "bound by
/// OpenMP" where OMP_PROC_BIND has done so).
void onefold_bench_pin(int threads, char *text, size_t size);

#endif
