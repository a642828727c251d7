// SPDX-License-Identifier: BSD-3-Clause
// Numbers as text, statistics of samples, aligned tables and a progress line.
#include "bench/text.h"

#include "bench/clock.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// The value at `fraction` of sorted samples, between its neighbours.
static double quantile(const double *sorted, size_t count, double fraction) {
  const double at = fraction * (double)(count - 1);
  const size_t below = (size_t)at;
  if (below + 1 >= count) return sorted[count - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

bench_stat onefold_bench_stat(const double *seconds, size_t count) {
  bench_stat stat = {.count = count};
  if (count == 0) return stat;
  stat.median = quantile(seconds, count, 0.5);
  stat.low = seconds[0];
  stat.high = seconds[count - 1];
  stat.spread = (quantile(seconds, count, 0.75) - quantile(seconds, count, 0.25)) / stat.median;
  return stat;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void onefold_bench_sort(double *values, size_t count) {
  qsort(values, count, sizeof *values, compare);
}

double onefold_bench_median(double *values, size_t count) {
  if (count == 0) return 0.0;
  onefold_bench_sort(values, count);
  return quantile(values, count, 0.5);
}

bench_cell onefold_bench_cell(const char *format, ...) {
  bench_cell cell;
  va_list args;
  va_start(args, format);
  vsnprintf(cell.text, sizeof cell.text, format, args);
  va_end(args);
  return cell;
}

/// Three significant digits with the largest of the units that leaves at least 1.
static bench_cell scaled(double value, const char *const *units, size_t count, double step) {
  size_t unit = 0;
  for (; unit + 1 < count && value >= step; unit++) value /= step;
  return onefold_bench_cell("%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[unit]);
}

bench_cell onefold_bench_cell_time(bench_stat stat) {
  static const char *const units[] = {"ns", "us", "ms", "s"};
  return stat.count ? scaled(stat.median * 1e9, units, 4, 1000) : onefold_bench_cell("-");
}

bench_cell onefold_bench_cell_spread(bench_stat stat) {
  return stat.count ? onefold_bench_cell("%.1f %%", 100 * stat.spread) : onefold_bench_cell("-");
}

bench_cell onefold_bench_cell_ratio(bench_stat slow, bench_stat fast) {
  if (!slow.count || !fast.count) return onefold_bench_cell("-");
  return onefold_bench_cell("%.2fx", slow.median / fast.median);
}

bench_cell onefold_bench_cell_bytes(double bytes) {
  if (bytes < 1024) return onefold_bench_cell("%.0f B", bytes);
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  return scaled(bytes, units, 5, 1024);
}

/// Cells side by side, without trailing blanks.
static void put(FILE *out, const bench_column *columns, size_t count, const char *const *texts) {
  char line[512];
  size_t used = 0;
  for (size_t i = 0; i < count && used < sizeof line; i++) {
    used += (size_t)snprintf(line + used, sizeof line - used, "%s%*s", i ? "  " : "",
                             columns[i].width, texts[i]);
  }
  size_t end = strlen(line);
  while (end > 0 && line[end - 1] == ' ') end--;
  fprintf(out, "%.*s\n", (int)end, line);
}

void onefold_bench_table_head(FILE *out, const bench_column *columns, size_t count) {
  const char *texts[BENCH_COLUMNS];
  for (size_t i = 0; i < count; i++) texts[i] = columns[i].title;
  put(out, columns, count, texts);
}

void onefold_bench_table_row(FILE *out, const bench_column *columns, size_t count,
                             const bench_cell *cells) {
  const char *texts[BENCH_COLUMNS];
  for (size_t i = 0; i < count; i++) texts[i] = cells[i].text;
  put(out, columns, count, texts);
}

void onefold_bench_progress_start(bench_progress *progress, size_t total) {
  *progress = (bench_progress){
      .enabled = isatty(STDERR_FILENO), .total = total, .start = onefold_bench_now()};
}

void onefold_bench_progress_show(const bench_progress *progress, const char *what) {
  if (!progress->enabled) return;
  fprintf(stderr, "\r\033[K[%zu/%zu] %s", progress->done + 1, progress->total, what);
  if (progress->done > 0) {
    const double each = (onefold_bench_now() - progress->start) / (double)progress->done;
    fprintf(stderr, "  about %.0f s left", each * (double)(progress->total - progress->done));
  }
  fflush(stderr);
}

void onefold_bench_progress_clear(const bench_progress *progress) {
  if (progress->enabled) fputs("\r\033[K", stderr);
}
