// SPDX-License-Identifier: BSD-3-Clause
// Runs a set of cases and keeps their statistics.
#ifndef ONEFOLD_BENCH_TIMED_H
#define ONEFOLD_BENCH_TIMED_H

#include "bench/session.h"

// Seconds per repetition: of what is compared, and of what is paid once or
// needs much longer to prepare than to run.
#define BENCH_MIN_TIME         0.02
#define BENCH_SHORT_TIME       0.002
#define BENCH_REPETITIONS      11
#define BENCH_STEP_REPETITIONS 5

/// Runs the cases interleaved and fills *stats[i] of case i. The FMA loop runs for a moment
/// before each repetition; percentages of the peak are of that. Returns an onefold_exit.
int onefold_bench_time(bench_session *session, const char *title, onefold_gbench_case *cases,
                       bench_stat *const *stats, size_t count, double min_time, int repetitions);

/// The same, and calls `finish` when all stats are there: it may add counters to the cases. Returns
/// zero, or one more than the index of a case that gave up, after no sentence.
size_t onefold_bench_time_cases(bench_session *session, const char *title,
                                onefold_gbench_case *cases, bench_stat *const *stats, size_t count,
                                double min_time, int repetitions, void (*finish)(void *user),
                                void *user);

/// Calls run(user) so many times with the threads of that context awake, as those of the session's
/// are, and no others: the seconds of all, or negative where one gave up.
double onefold_bench_time_together(const onefold_context *context, onefold_gbench_fn *run,
                                   void *user, int64_t count);

/// The table that `bench block` and `bench conv` print.
void onefold_bench_rows_head(bench_session *session);

/// One row of it. flops, bytes: per call, 0 where they mean nothing; `best`: what the speed-up is
/// counted from, NULL for none; error: negative for none.
void onefold_bench_rows_add(bench_session *session, const char *title, const bench_stat *stat,
                            double flops, double bytes, const bench_stat *best, double error);

#endif
