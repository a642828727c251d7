// SPDX-License-Identifier: BSD-3-Clause
// Google Benchmark's flags, --benchmark_NAME[=VALUE]: those that mean something to us, and those
// that are its own affair.
#ifndef ONEFOLD_BENCH_GBENCH_FLAGS_H
#define ONEFOLD_BENCH_GBENCH_FLAGS_H

#include <regex.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct onefold_gbench_flags {
  int listing, aggregates_only, has_min_time, has_repetitions;
  const char *path; // of the JSON; "-": the standard output; NULL: there is none
  // Google Benchmark would match its own longer names, not the cases'.
  int has_filter, negative;
  regex_t filter;
  const char **passed; // to Google Benchmark, behind the name of the program
  int passed_count;
} onefold_gbench_flags;

/// Parses; `path` is that of --json. Zero, or a sentence. Free in both cases; the texts must
/// outlive the flags.
int onefold_gbench_flags_parse(onefold_gbench_flags *flags, const char *const *texts, size_t count,
                               const char *path, char *error, size_t error_size);
void onefold_gbench_flags_free(onefold_gbench_flags *flags);

/// Whether the filter lets a case of that name through.
int onefold_gbench_wants(const onefold_gbench_flags *flags, const char *name);

#ifdef __cplusplus
}
#endif

#endif
