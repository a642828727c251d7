// SPDX-License-Identifier: BSD-3-Clause
// Google Benchmark itself, behind gbench.h: what runs cases and writes the JSON (gbench.cc).
#ifndef ONEFOLD_BENCH_GBENCH_RUNS_H
#define ONEFOLD_BENCH_GBENCH_RUNS_H

#include "bench/gbench.h"
#include "bench/gbench_flags.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct onefold_gbench_runs onefold_gbench_runs;

/// Hands over the flags that are passed. Returns one that Google Benchmark does not know, or NULL.
const char *onefold_gbench_runs_flags(const onefold_gbench_flags *flags);

/// `flags` must outlive it. `path`: the JSON's, "-" for the standard output, NULL for none. Returns
/// NULL where that cannot be written, with errno.
onefold_gbench_runs *onefold_gbench_runs_open(const onefold_gbench_flags *flags, const char *path);

/// A fact for the JSON's context.
void onefold_gbench_runs_context(onefold_gbench_runs *runs, const char *key, const char *value);

/// As onefold_gbench_run and onefold_gbench_add_row where it is no listing.
size_t onefold_gbench_runs_time(onefold_gbench_runs *runs, const onefold_gbench_case *cases,
                                size_t count, const onefold_gbench_options *options);
void onefold_gbench_runs_add_row(onefold_gbench_runs *runs, const onefold_gbench_case *row,
                                 const double *seconds, size_t count);

/// Whether anything has run.
int onefold_gbench_runs_begun(const onefold_gbench_runs *runs);

/// Ends the JSON. Non-zero where it could not be written.
int onefold_gbench_runs_close(onefold_gbench_runs *runs);

#ifdef __cplusplus
}
#endif

#endif
