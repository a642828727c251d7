// SPDX-License-Identifier: BSD-3-Clause
// Medians, percentiles and means of gains over lists of problems.
#include "cli/tune_gains.h"

#include "bench/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int onefold_cli_gains_add(cli_gains *gains, const onefold_record_row *row, uint32_t lists) {
  if (!(row->default_ns > 0) || !(row->median_ns > 0)) return 1;
  if (gains->count == gains->capacity) {
    const size_t wanted = gains->capacity ? 2 * gains->capacity : 64;
    cli_gain *grown = realloc(gains->one, wanted * sizeof *grown);
    if (!grown) return 0;
    gains->one = grown;
    gains->capacity = wanted;
  }
  cli_gain *made = &gains->one[gains->count++];
  *made = (cli_gain){.gain = row->default_ns / row->median_ns,
                     .default_ns = row->default_ns,
                     .median_ns = row->median_ns,
                     .lists = lists,
                     .key = row->key};
  return 1;
}

void onefold_cli_gains_free(cli_gains *gains) {
  free(gains->one);
  *gains = (cli_gains){0};
}

/// A line of the table.
typedef struct summary {
  size_t count;
  double median, high, mean; // high: the 95th percentile; mean: the geometric one
  const cli_gain *largest;
} summary;

static int by_gain(const void *a, const void *b) {
  const cli_gain *x = a, *y = b;
  return (x->gain > y->gain) - (x->gain < y->gain);
}

/// The gain at a part of those of a list, between its neighbours. Gains are sorted.
static double quantile(const cli_gains *gains, uint32_t list, size_t count, double part) {
  const double place = part * (double)(count - 1);
  double below = 0;
  size_t seen = 0;
  for (size_t i = 0; i < gains->count; i++) {
    const cli_gain *g = &gains->one[i];
    if (list && !(g->lists & list)) continue;
    const double over = (double)seen++ - place;
    if (over >= 0) return over < 1 && seen > 1 ? g->gain - over * (g->gain - below) : g->gain;
    below = g->gain;
  }
  return below;
}

/// Of the problems of a list; 0: of all.
static summary summarise(const cli_gains *gains, uint32_t list) {
  summary s = {.count = 0};
  for (size_t i = 0; i < gains->count; i++) {
    if (list && !(gains->one[i].lists & list)) continue;
    s.count++;
    s.mean += log(gains->one[i].gain);
    s.largest = &gains->one[i];
  }
  if (!s.count) return s;
  s.mean = exp(s.mean / (double)s.count);
  s.median = quantile(gains, list, s.count, 0.5);
  s.high = quantile(gains, list, s.count, 0.95);
  return s;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static const bench_column columns[] = {{"list", -36},  {"shapes", 6},  {"median", 7}, {"95 %", 7},
                                       {"geomean", 7}, {"largest", 7}, {"of", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)

static void print_summary(const char *name, const summary *s) {
  bench_cell cells[COLUMNS];
  if (!s->count) return;
  cells[0] = onefold_bench_cell("%s", name);
  cells[1] = onefold_bench_cell("%zu", s->count);
  cells[2] = onefold_bench_cell("%.3fx", s->median);
  cells[3] = onefold_bench_cell("%.3fx", s->high);
  cells[4] = onefold_bench_cell("%.3fx", s->mean);
  cells[5] = onefold_bench_cell("%.3fx", s->largest->gain);
  cells[6] = onefold_bench_cell("%s", s->largest->key.problem);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
}

static void sort(cli_gains *gains) {
  if (gains->count) qsort(gains->one, gains->count, sizeof *gains->one, by_gain);
}

void onefold_cli_gains_print(cli_gains *gains, const char *what, const cli_list *lists,
                             size_t count) {
  if (!gains->count) return;
  sort(gains);
  printf("\n%s\n", what);
  onefold_bench_table_head(stdout, columns, COLUMNS);
  for (size_t i = 0; i < count && count > 1; i++) {
    const summary s = summarise(gains, UINT32_C(1) << i);
    print_summary(base_name(lists[i].path), &s);
  }
  const summary all = summarise(gains, 0);
  print_summary("all", &all);
}

static int add_json(json_t *array, const char *name, const summary *s) {
  if (!s->count) return 0;
  return json_array_append_new(array, json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:s}", "list", name,
                                                "shapes", (json_int_t)s->count, "median", s->median,
                                                "percentile_95", s->high, "geometric_mean", s->mean,
                                                "largest", s->largest->gain, "largest_problem",
                                                s->largest->key.problem));
}

json_t *onefold_cli_gains_json(cli_gains *gains, const cli_list *lists, size_t count) {
  json_t *array = json_array();
  sort(gains);
  int failed = !array;
  for (size_t i = 0; i < count && count > 1 && !failed; i++) {
    const summary s = summarise(gains, UINT32_C(1) << i);
    failed = add_json(array, lists[i].path, &s);
  }
  const summary all = summarise(gains, 0);
  if (!failed) failed = add_json(array, "all", &all);
  if (!failed) return array;
  json_decref(array);
  return NULL;
}
