// SPDX-License-Identifier: BSD-3-Clause
// Numbers as text, statistics of samples, aligned tables and a progress line.
#ifndef ONEFOLD_BENCH_TEXT_H
#define ONEFOLD_BENCH_TEXT_H

#include <stddef.h>
#include <stdio.h>

/// Of the repetitions of one case, in seconds. count 0: the case did not run.
typedef struct bench_stat {
  double median, spread; // spread: (75th - 25th percentile) / median
  double low, high;
  size_t count;
  double peak; // GFLOP/s of the FMA loop between the repetitions, median
} bench_stat;

/// The least first.
void onefold_bench_sort(double *values, size_t count);

/// `seconds` sorted.
bench_stat onefold_bench_stat(const double *seconds, size_t count);

/// Sorts the values; 0 where there are none.
double onefold_bench_median(double *values, size_t count);

/// A cell of a table.
typedef struct bench_cell {
  char text[128];
} bench_cell;

bench_cell onefold_bench_cell(const char *format, ...) __attribute__((format(printf, 1, 2)));
bench_cell onefold_bench_cell_time(bench_stat stat);   // "12.3 us"; "-" when it did not run
bench_cell onefold_bench_cell_spread(bench_stat stat); // "1.2 %"
bench_cell onefold_bench_cell_ratio(bench_stat slow, bench_stat fast); // "2.31x"
bench_cell onefold_bench_cell_bytes(double bytes);                     // "1.5 MiB"

#define BENCH_COLUMNS 16 // at most

/// A column: to the left when the width is negative, as in printf.
typedef struct bench_column {
  const char *title;
  int width;
} bench_column;

void onefold_bench_table_head(FILE *out, const bench_column *columns, size_t count);
void onefold_bench_table_row(FILE *out, const bench_column *columns, size_t count,
                             const bench_cell *cells);

/// One line on the standard error that is rewritten, where that is a terminal.
typedef struct bench_progress {
  int enabled;
  size_t done, total; // of the whole
  double start;       // seconds
} bench_progress;

void onefold_bench_progress_start(bench_progress *progress, size_t total);
void onefold_bench_progress_show(const bench_progress *progress, const char *what);
void onefold_bench_progress_clear(const bench_progress *progress);

#endif
