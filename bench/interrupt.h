// SPDX-License-Identifier: BSD-3-Clause
// SIGINT and SIGTERM as a flag, so that what has been measured is not lost.
#ifndef ONEFOLD_BENCH_INTERRUPT_H
#define ONEFOLD_BENCH_INTERRUPT_H

/// From here on SIGINT and SIGTERM set what onefold_bench_interrupted tells; a second one ends the
/// process.
void onefold_bench_catch_interrupt(void);
int onefold_bench_interrupted(void);

#endif
