// SPDX-License-Identifier: BSD-3-Clause
// Reads Google Benchmark's JSON, trusting nothing in it.
#include "report/data.h"

#include "report/stat.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES   ((size_t)256 << 20) // of a file
#define MOST_ENTRIES 500000              // of a file
#define MOST_NAME    1000                // characters
// What is believed of times, in seconds, and of counters that are not zero.
#define LEAST_TIME    1e-12
#define MOST_TIME     1e9
#define LEAST_COUNTER 1e-30
#define MOST_COUNTER  1e30

static const char *const counter_keys[REPORT_COUNTERS] = {
    [REPORT_FLOPS] = "flops",
    [REPORT_BYTES] = "bytes",
    [REPORT_PERCENT_PEAK] = "percent_peak",
    [REPORT_MAX_ERROR] = "max_error",
    [REPORT_RELATIVE_ERROR] = "relative_error",
    [REPORT_LARGEST_ERROR] = "largest_error",
    [REPORT_CHOSEN] = "chosen",
};

static int refuse(report_data *data, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(report_data *data, const char *path, const char *format, ...) {
  char why[384];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  snprintf(data->sentence, sizeof data->sentence, "%.120s: %s", path, why);
  return -1;
}

// ------------------------------------------------------------------ context

const char *onefold_report_fact(const report_file *file, const char *key) {
  char whole[96];
  snprintf(whole, sizeof whole, "onefold_%s", key);
  const char *text = json_string_value(json_object_get(file->context, whole));
  if (!text) text = json_string_value(json_object_get(file->context, key));
  return text ? text : "";
}

/// A positive number, which Google Benchmark writes as a string.
static double fact_number(const report_file *file, const char *key) {
  const char *text = onefold_report_fact(file, key);
  char *end = NULL;
  const double value = strtod(text, &end);
  return *text && !*end && value >= LEAST_COUNTER && value <= MOST_COUNTER ? value : NAN;
}

static void read_context(report_file *file) {
  file->context = json_object_get(file->root, "context");
  file->core_gflops = fact_number(file, "core_gflops");
  file->peak_gflops = fact_number(file, "peak_gflops");
  file->l2_gbs = fact_number(file, "l2_read_gbs");
  file->l3_gbs = fact_number(file, "l3_read_gbs");
  file->dram_gbs = fact_number(file, "dram_read_gbs");
  file->fma_spread = fact_number(file, "fma_spread");
  const double threads = fact_number(file, "threads");
  file->threads = threads < 100000 ? (int)threads : 0;
  file->noisy = strcmp(onefold_report_fact(file, "noisy"), "true") == 0;
}

// --------------------------------------------------------------------- rows

/// An entry of "benchmarks", before those of one name become a row.
typedef struct entry {
  const char *name, *label;
  const json_t *object;
  double seconds;   // NAN: no time
  int is_aggregate; // the median that Google Benchmark took
  size_t index;
} entry;

static double unit_seconds(const char *unit) {
  static const struct {
    const char *name;
    double seconds;
  } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1.0}};
  for (size_t i = 0; unit && i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(unit, units[i].name) == 0) return units[i].seconds;
  }
  return NAN;
}

static int bad_entry(report_data *data, const char *path, size_t index, const char *what) {
  return refuse(data, path, "entry %zu of \"benchmarks\": %s", index, what);
}

/// 1: `e` is filled; 0: the entry is none that is reported; -1: it is malformed.
static int read_entry(report_data *data, const char *path, const json_t *object, size_t index,
                      entry *e) {
  if (!json_is_object(object)) return bad_entry(data, path, index, "not an object");
  *e = (entry){.object = object, .seconds = NAN, .index = index};
  const char *type = json_string_value(json_object_get(object, "run_type"));
  const char *aggregate = json_string_value(json_object_get(object, "aggregate_name"));
  e->is_aggregate = type && strcmp(type, "aggregate") == 0;
  if (e->is_aggregate && (!aggregate || strcmp(aggregate, "median") != 0)) return 0;
  if (json_is_true(json_object_get(object, "error_occurred"))) return 0;
  e->name = json_string_value(json_object_get(object, e->is_aggregate ? "run_name" : "name"));
  if (!e->name || !e->name[0]) return bad_entry(data, path, index, "no name");
  if (strlen(e->name) > MOST_NAME) {
    return bad_entry(data, path, index, "a name of more than 1000 characters");
  }
  const char *label = json_string_value(json_object_get(object, "label"));
  e->label = label && strlen(label) <= MOST_NAME ? label : "";
  const json_t *time = json_object_get(object, "real_time");
  if (!time) return 1;
  e->seconds = json_number_value(time) *
               unit_seconds(json_string_value(json_object_get(object, "time_unit")));
  if (!json_is_number(time) || !(e->seconds >= LEAST_TIME && e->seconds <= MOST_TIME)) {
    return bad_entry(data, path, index,
                     "\"real_time\" and \"time_unit\" are no time from 1e-12 to 1e9 seconds");
  }
  return 1;
}

/// Entries of one name together, repetitions before aggregates, else in the file's order.
static int by_name(const void *a, const void *b) {
  const entry *x = a, *y = b;
  const int order = strcmp(x->name, y->name);
  if (order) return order;
  if (x->is_aggregate != y->is_aggregate) return x->is_aggregate - y->is_aggregate;
  return (x->index > y->index) - (x->index < y->index);
}

static double median_counter(const entry *entries, size_t count, const char *key, double *room) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    const json_t *value = json_object_get(entries[i].object, key);
    const double number = json_number_value(value);
    const int believed = number >= LEAST_COUNTER && number <= MOST_COUNTER;
    if (json_is_number(value) && (believed || number == 0)) room[n++] = number;
  }
  onefold_report_sort(room, n);
  return onefold_report_quantile(room, n, 0.5);
}

/// A row of entries of one name.
static void make_row(report_data *data, const report_file *file, const entry *entries, size_t count,
                     report_row *row) {
  while (count > 1 && entries[count - 1].is_aggregate) count--;
  *row = (report_row){.file = file, .text = entries[0].name, .label = entries[0].label};
  row->name = onefold_report_name(&data->arena, entries[0].name);
  if (row->name.threads == 0) row->name.threads = file->threads;
  onefold_report_read_label(&data->arena, row);
  double *room = onefold_report_alloc(&data->arena, 2 * count, sizeof *room);
  if (!room) return;
  for (int i = 0; i < REPORT_COUNTERS; i++) {
    row->counters[i] = median_counter(entries, count, counter_keys[i], room + count);
  }
  row->samples = room;
  for (size_t i = 0; i < count; i++) {
    if (isfinite(entries[i].seconds)) room[row->count++] = entries[i].seconds;
  }
  onefold_report_sort(room, row->count);
  row->median = onefold_report_quantile(room, row->count, 0.5);
  row->low = onefold_report_quantile(room, row->count, 0.25);
  row->high = onefold_report_quantile(room, row->count, 0.75);
}

/// The rows of sorted entries, in the order in which the file begins them.
static int by_index(const void *a, const void *b) {
  const entry *x = *(const entry *const *)a, *y = *(const entry *const *)b;
  return (x->index > y->index) - (x->index < y->index);
}

static int add_rows(report_data *data, const report_file *file, entry *entries, size_t count) {
  if (count) qsort(entries, count, sizeof *entries, by_name);
  const entry **firsts = onefold_report_alloc(&data->arena, count, sizeof *firsts);
  size_t rows = 0;
  for (size_t i = 0; firsts && i < count; i++) {
    if (i == 0 || strcmp(entries[i].name, entries[i - 1].name) != 0) firsts[rows++] = &entries[i];
  }
  if (rows) qsort(firsts, rows, sizeof *firsts, by_index);
  report_row *all = onefold_report_alloc(&data->arena, data->row_count + rows, sizeof *all);
  if (data->arena.failed) return refuse(data, file->path, "out of memory");
  if (!all) return 0;
  if (data->row_count) memcpy(all, data->rows, data->row_count * sizeof *all);
  for (size_t i = 0; i < rows; i++) {
    size_t n = 1;
    while (firsts[i] + n < entries + count && strcmp(firsts[i][n].name, firsts[i]->name) == 0) n++;
    make_row(data, file, firsts[i], n, &all[data->row_count + i]);
  }
  data->rows = all;
  data->row_count += rows;
  return data->arena.failed ? refuse(data, file->path, "out of memory") : 0;
}

static int read_root(report_data *data, report_file *file) {
  if (!json_is_object(file->root)) return refuse(data, file->path, "not a JSON object");
  read_context(file);
  if (file->context && !json_is_object(file->context)) {
    return refuse(data, file->path, "\"context\" is not an object");
  }
  const json_t *array = json_object_get(file->root, "benchmarks");
  if (!json_is_array(array)) {
    return refuse(data, file->path,
                  "no array \"benchmarks\": not what onefold bench --json writes");
  }
  const size_t size = json_array_size(array);
  if (size > MOST_ENTRIES) {
    return refuse(data, file->path, "%zu entries, more than %d", size, MOST_ENTRIES);
  }
  entry *entries = onefold_report_alloc(&data->arena, size, sizeof *entries);
  if (data->arena.failed) return refuse(data, file->path, "out of memory");
  size_t count = 0;
  for (size_t i = 0; i < size; i++) {
    const int read = read_entry(data, file->path, json_array_get(array, i), i, &entries[count]);
    if (read < 0) return -1;
    count += (size_t)read;
  }
  return add_rows(data, file, entries, count);
}

/// A file with this root, which is the data's from here on.
static int add_file(report_data *data, const char *path, json_t *root) {
  report_file *file = onefold_report_alloc(&data->arena, 1, sizeof *file);
  report_file **slot =
      file ? onefold_report_push(&data->arena, &data->files, &data->file_count, sizeof *data->files)
           : NULL;
  if (!slot) {
    json_decref(root);
    return refuse(data, path, "out of memory");
  }
  *slot = file;
  file->path = onefold_report_format(&data->arena, "%s", path);
  file->index = data->file_count - 1;
  file->root = root;
  return read_root(data, file);
}

int onefold_report_parse(report_data *data, const char *path, const char *text, size_t size) {
  json_error_t error;
  size_t i;
  json_t *group, *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (!root) return refuse(data, path, "line %d: %.200s", error.line, error.text);
  if (!json_is_array(root)) return add_file(data, path, root);
  int status = json_array_size(root) ? 0 : refuse(data, path, "an array of no results");
  json_array_foreach(root, i, group) {
    if (!status) status = add_file(data, path, json_incref(group));
  }
  json_decref(root);
  return status;
}

int onefold_report_read(report_data *data, const char *path) {
  const int from_stdin = strcmp(path, "-") == 0;
  FILE *in = from_stdin ? stdin : fopen(path, "rb");
  if (!in) return refuse(data, path, "%s", strerror(errno));
  char *text = NULL;
  size_t size = 0, room = 0, got = 0;
  int status = 0;
  do {
    if (room - size < 65536) {
      room = room ? 2 * room : 65536;
      char *grown = size > MOST_BYTES ? NULL : realloc(text, room);
      if (!grown) {
        status = size > MOST_BYTES ? refuse(data, path, "more than %zu MiB", MOST_BYTES >> 20)
                                   : refuse(data, path, "out of memory");
        break;
      }
      text = grown;
    }
    errno = 0;
    got = fread(text + size, 1, room - size, in);
    size += got;
  } while (got > 0);
  if (!status && ferror(in)) status = refuse(data, path, "%s", strerror(errno));
  if (!from_stdin) fclose(in);
  if (!status) status = onefold_report_parse(data, path, text, size);
  free(text);
  return status;
}

void onefold_report_data_release(report_data *data) {
  for (size_t i = 0; i < data->file_count; i++) json_decref(data->files[i]->root);
  onefold_report_release(&data->arena);
  *data = (report_data){0};
}

double onefold_report_gflops(const report_row *row) {
  return row->counters[REPORT_FLOPS] * 1e-9 / row->median;
}

double onefold_report_intensity(const report_row *row) {
  const double bytes = row->counters[REPORT_BYTES];
  return bytes > 0 ? row->counters[REPORT_FLOPS] / bytes : NAN;
}
