// SPDX-License-Identifier: BSD-3-Clause
// What tuning found, as Google Benchmark writes results: onefold report reads it.
#ifndef ONEFOLD_CLI_TUNE_RESULTS_H
#define ONEFOLD_CLI_TUNE_RESULTS_H

#include "cli/tune_gains.h"

typedef struct cli_tune_results {
  onefold_context *context;
  const onefold_peak *peak;
  const char *pinned; // how; "" where it is not known
  onefold_situation situation;
  const cli_gains *gains;       // a problem each
  const char *graph;            // whose whole runs took so long; NULL: none
  double default_ns, median_ns; // of those
} cli_tune_results;

/// Adds "context", the machine, and "benchmarks", rows tune/PROBLEM/default and tune/PROBLEM/tuned,
/// to `root` and returns it. Without memory, or where root is NULL, NULL; root is released then.
json_t *onefold_cli_tune_results(json_t *root, const cli_tune_results *results);

#endif
