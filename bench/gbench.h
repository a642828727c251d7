// SPDX-License-Identifier: BSD-3-Clause
// Google Benchmark for C: cases that are timed with interleaved repetitions,
// their samples, and Google Benchmark's JSON in a file.
#ifndef ONEFOLD_BENCH_GBENCH_H
#define ONEFOLD_BENCH_GBENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A piece of a case. Returns zero, or non-zero to give the case up.
typedef int onefold_gbench_fn(void *user);

/// Runs a piece `count` times and returns the seconds that they took in all; negative to give the
/// case up.
typedef double onefold_gbench_batch_fn(void *user, int64_t count);

#define ONEFOLD_GBENCH_COUNTERS 24

/// A counter of a case. With `per_second`, `value` is the amount of one
/// iteration and the counter is that amount divided by the time of it.
typedef struct onefold_gbench_counter {
  const char *name;
  double value;
  int per_second;
} onefold_gbench_counter;

/// One row of the results.
typedef struct onefold_gbench_case {
  const char *name;
  const char *label;              // the JSON's "label": how or where it runs; NULL: none
  onefold_gbench_fn *run;         // timed, once per iteration
  onefold_gbench_batch_fn *batch; // instead of `run`, what takes the time itself; NULL: none
  onefold_gbench_fn *prepare;     // not timed, before each iteration; NULL: none
  void *user;
  int once; // one iteration per repetition, and none to warm up
  onefold_gbench_counter counters[ONEFOLD_GBENCH_COUNTERS]; // ended by a NULL name
} onefold_gbench_case;

typedef struct onefold_gbench_options {
  double min_time; // seconds per repetition, unless --benchmark_min_time says otherwise
  int repetitions; // unless --benchmark_repetitions says otherwise
  /// Called before each repetition of a case with how many have begun; may be NULL.
  void (*tick)(void *user, int begun);
  /// Called for each case that ran with seconds per iteration, one per repetition, sorted.
  void (*done)(void *user, size_t index, const double *seconds, size_t count);
  /// Called once when all are done, before the JSON is written, which gets the counters that it
  /// adds to cases: with each repetition and with the median. May be NULL.
  void (*finish)(void *user);
  /// Calls body(arg) once: the iterations of a case that has neither `batch` nor `prepare`, with
  /// the clock. NULL: they are called without it.
  void (*within)(void *user, void (*body)(void *), void *arg);
  void *user;
} onefold_gbench_options;

typedef struct onefold_gbench onefold_gbench;

/// Non-zero when the argument is one that onefold_gbench_open takes ("--benchmark_...").
int onefold_gbench_is_flag(const char *argument);

/// What onefold_gbench_open returns.
enum { ONEFOLD_GBENCH_OPEN, ONEFOLD_GBENCH_BAD_FLAG, ONEFOLD_GBENCH_BAD_FILE };

/// Opens a session. `flags` are Google Benchmark's own; --benchmark_out is another spelling of
/// `json` (a path, "-" for the standard output, or NULL). On failure *session is NULL and `error`
/// holds a sentence. One session at a time, since Google Benchmark's state is global.
int onefold_gbench_open(const char *const *flags, size_t flag_count, const char *json,
                        onefold_gbench **session, char *error, size_t error_size);

/// Non-zero when only names are asked for (--benchmark_list_tests).
int onefold_gbench_is_listing(const onefold_gbench *session);

/// Non-zero when the JSON goes to the standard output, so that nothing else may.
int onefold_gbench_owns_stdout(const onefold_gbench *session);

/// A fact about the run, for the JSON's "context". Before the first onefold_gbench_run.
void onefold_gbench_context(onefold_gbench *session, const char *key, const char *value);

/// Runs the cases with their repetitions interleaved at random. Returns zero,
/// or one more than the index of a case whose function gave up.
size_t onefold_gbench_run(onefold_gbench *session, const onefold_gbench_case *cases, size_t count,
                          const onefold_gbench_options *options);

/// Adds a row of what was measured elsewhere, with the name, label and counters of `row`: a
/// repetition for each of the samples, in seconds, and their median. --benchmark_repetitions and
/// --benchmark_min_time have no say in it.
void onefold_gbench_add_row(onefold_gbench *session, const onefold_gbench_case *row,
                            const double *seconds, size_t count);

/// Non-zero once a case has matched --benchmark_filter.
int onefold_gbench_has_run(const onefold_gbench *session);

/// Ends the JSON, whose file is there from now on: whole, in the place of an older one, or not at
/// all where no case has run. Returns non-zero when it could not be written.
int onefold_gbench_close(onefold_gbench *session);

#ifdef __cplusplus
}
#endif

#endif
