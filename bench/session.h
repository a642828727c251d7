// SPDX-License-Identifier: BSD-3-Clause
// What every suite sets up: the machine and its peaks, a context on pinned
// cores, Google Benchmark, the header, and the exit code.
#ifndef ONEFOLD_BENCH_SESSION_H
#define ONEFOLD_BENCH_SESSION_H

#include "bench/bench.h"
#include "bench/gbench.h"
#include "bench/options.h"
#include "bench/text.h"
#include "bench/tilings.h"

#include <onefold/onefold.h>

typedef struct bench_session {
  const bench_options *options;
  onefold_machine machine; // before pinning
  onefold_context *context;
  onefold_context_options context_options; // that it was made with
  onefold_tilings *tilings;                // of the context; NULL: no record
  char record[512];                        // which that is, and how many rows of it fit
  onefold_context *fewer;                  // on the options' fewer threads; NULL: there are none
  onefold_tilings *fewer_tilings;
  onefold_peak peak;
  onefold_gbench *gbench;
  FILE *out; // of the tables; the standard error where JSON owns the standard output
  bench_progress progress;
  char pinned[160];
  float *eviction; // larger than all caches; NULL unless they are to be emptied
  size_t eviction_floats;
  int broken;          // a peer's process is gone, and what is left is not measured
  int refused;         // something was left out, with a line that says why
  onefold_exit status; // the worst so far
} bench_session;

/// Opens, measures the peaks and prints the machine's part of the header.
/// Returns an onefold_exit; on failure a sentence has been written and nothing is open.
int onefold_bench_session_open(bench_session *session, const bench_options *options);

/// Another context like the session's.
onefold_status onefold_bench_session_context(const bench_session *session,
                                             onefold_context **context);

/// Adds a line to the header and to the JSON's context.
void onefold_bench_session_note(bench_session *session, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// Zero where no other problem is to be measured: after SIGINT or SIGTERM, or when it is broken.
/// One that fails leaves the others to be measured.
int onefold_bench_session_goes_on(const bench_session *session);

/// Ends the JSON, releases everything and returns the exit code.
int onefold_bench_session_close(bench_session *session);

/// Writes "<command>: <what>: <sentence>" with the context's last error, and
/// records and returns the exit code that the status stands for.
int onefold_bench_session_fail(bench_session *session, const char *what, onefold_status status);

/// Records a result that is further off than allowed.
void onefold_bench_session_wrong(bench_session *session, const char *what, double error);

/// Largest difference that passes, relative to the largest value.
#define BENCH_ERROR_LIMIT 1e-4

/// Empties the caches as `cold` says; input and output are brought back
/// in unless everything is to be cold.
void onefold_bench_session_chill(bench_session *session, bench_cold cold, const float *input,
                                 size_t input_floats, const float *output, size_t output_floats);

/// Appends a counter to a case.
void onefold_bench_count(onefold_gbench_case *c, const char *name, double value, int per_second);

/// The `flops` of a call, the `bytes` that it must move at least, and gflops.
void onefold_bench_count_rate(onefold_gbench_case *c, double flops, double bytes);

/// The same, with percent_peak of the flops and the share of DRAM's read bandwidth that the bytes
/// take: of calls on the session's threads, whose peak that is.
void onefold_bench_count_work(const bench_session *session, onefold_gbench_case *c, double flops,
                              double bytes);

/// The share of the copy bandwidth of the smallest level that holds the `bytes` read and written.
void onefold_bench_count_copy(const bench_session *session, onefold_gbench_case *c, double bytes);

#endif
