// SPDX-License-Identifier: BSD-3-Clause
// onefold tune show and export: rows as a table, and as lines of JSON.
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/tuning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Rows on their way out.
typedef struct output {
  cli_tune_options rows;
  int children;     // of the argp, each with `rows` as its input
  const char *path; // of an export; NULL: the standard output
  FILE *file;
  json_t *json; // of show
  char machine[sizeof((onefold_record_key *)0)->machine];
  int64_t count, skipped;
  int failed;
} output;

static error_t parse_option(int key, char *text, struct argp_state *state) {
  output *o = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    for (int i = 0; i < o->children; i++) state->child_inputs[i] = &o->rows;
    return 0;
  case 'o':
    o->path = text;
    return 0;
  case ARGP_KEY_ARG:
    argp_error(state, "%s: no argument is expected", text);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

// --------------------------------------------------------------------- show

static const bench_column columns[] = {{"problem", -36}, {"layouts", -15},     {"epilogue", -12},
                                       {"threads", 7},   {"measured", -8},     {"accuracy", -8},
                                       {"median", 8},    {"spread", 7},        {"gain", 6},
                                       {"runs", 6},      {"measured on", -11}, {"tiling", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)
enum {
  PROBLEM,
  LAYOUTS,
  EPILOGUE,
  THREADS,
  SITUATION,
  ACCURACY,
  MEDIAN,
  SPREAD,
  GAIN,
  RUNS,
  DATE,
  TILING
};

static bench_cell tiling_cell(const onefold_tiling *tiling) {
  char text[512];
  onefold_cli_tiling_text(tiling, text, sizeof text);
  return onefold_bench_cell("%s", text);
}

static int show_row(void *user, const onefold_record_row *row) {
  output *o = user;
  const onefold_record_key *key = &row->key;
  if (!onefold_cli_tune_means(&o->rows, row)) return 0;
  if (strcmp(o->machine, key->machine) != 0) {
    printf("%s%s%s\n", o->count ? "\n" : "", key->machine,
           onefold_cli_tune_is_here(&o->rows, row) ? " (this machine)" : "");
    onefold_bench_table_head(stdout, columns, COLUMNS);
    snprintf(o->machine, sizeof o->machine, "%s", key->machine);
  }
  const bench_stat stat = {.count = 1, .median = row->median_ns * 1e-9, .spread = row->spread};
  bench_cell cells[COLUMNS];
  cells[PROBLEM] = onefold_bench_cell("%s", key->problem);
  cells[LAYOUTS] = onefold_bench_cell("%s", key->layouts);
  cells[EPILOGUE] = onefold_bench_cell("%s", key->epilogue);
  cells[THREADS] = onefold_bench_cell("%d", (int)key->threads);
  cells[SITUATION] = onefold_bench_cell("%s", onefold_situation_name(key->situation));
  cells[ACCURACY] = onefold_bench_cell("%s", onefold_accuracy_name(key->accuracy));
  cells[MEDIAN] = onefold_bench_cell_time(stat);
  cells[SPREAD] = onefold_bench_cell_spread(stat);
  cells[GAIN] = row->default_ns > 0 ? onefold_bench_cell("%.2fx", row->default_ns / row->median_ns)
                                    : onefold_bench_cell("-");
  cells[RUNS] = onefold_bench_cell("%lld", (long long)row->trials);
  cells[DATE] = onefold_bench_cell("%.10s", row->date);
  cells[TILING] = tiling_cell(&row->tiling);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  o->count++;
  return 0;
}

static int collect_row(void *user, const onefold_record_row *row) {
  output *o = user;
  char text[4096];
  if (!onefold_cli_tune_means(&o->rows, row)) return 0;
  onefold_record_row_print(row, text, sizeof text);
  json_t *object = json_loads(text, 0, NULL);
  o->count++;
  return o->failed = !object ||
                     json_object_set_new(object, "here",
                                         json_boolean(onefold_cli_tune_is_here(&o->rows, row))) ||
                     json_array_append_new(o->json, object);
}

static int print_end(output *o, const onefold_record *record) {
  const char *path = onefold_record_path(record);
  if (o->rows.json)
    return onefold_cli_print_json(o->rows.command,
                                  json_pack("{s:s, s:o, s:I}", "record", path, "rows", o->json,
                                            "skipped", (json_int_t)o->skipped));
  if (!*path) puts("nothing is recorded yet");
  if (*path) printf("%s%lld rows of %s", o->count ? "\n" : "", (long long)o->count, path);
  if (*path)
    printf(o->skipped ? "; %lld more are of a newer version\n" : "\n", (long long)o->skipped);
  return ONEFOLD_EXIT_OK;
}

int onefold_cli_tune_show(int argc, char **argv) {
  static const struct argp_child children[] = {{&onefold_cli_tune_record_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_json_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_rows_argp, 0, NULL, 0},
                                               {0}};
  static const struct argp argp = {
      NULL,
      parse_option,
      NULL,
      "Prints the rows of the record that all the options given choose."
      "\vgain: the default choice's time over that of the tiling, in the measurement that found "
      "it. spread: interquartile range over median. The JSON is an object with \"rows\" as onefold "
      "tune export writes them, each with \"here\".\n\n"
      "Exit codes: 0 done; 1 it could not be done; 2 a bad option.",
      children,
      NULL,
      NULL};
  output o = {.children = 3};
  onefold_record *record = NULL;
  onefold_cli_tune_init(&o.rows, argv[0]);
  if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;
  onefold_cli_tune_ready(&o.rows);
  int code = onefold_cli_tune_open(&o.rows, NULL, 1, &record);
  if (code != ONEFOLD_EXIT_OK) return code;
  if (o.rows.json) o.json = json_array();
  const onefold_status status =
      onefold_record_visit(record, o.rows.json ? collect_row : show_row, &o, &o.skipped);
  if (status != ONEFOLD_OK)
    code = onefold_cli_tune_fail(&o.rows, record, status);
  else if (o.failed)
    code = onefold_cli_say(argv[0], ONEFOLD_EXIT_FAILURE, "no memory for the JSON");
  else
    code = print_end(&o, record);
  if (code != ONEFOLD_EXIT_OK) json_decref(o.json);
  onefold_record_close(record);
  return code;
}

// ------------------------------------------------------------------- export

static int export_row(void *user, const onefold_record_row *row) {
  output *o = user;
  char text[4096];
  if (!onefold_cli_tune_means(&o->rows, row)) return 0;
  onefold_record_row_print(row, text, sizeof text);
  return o->failed = fprintf(o->file, "%s\n", text) < 0;
}

static int export_rows(output *o, onefold_record *record) {
  o->file = o->path ? fopen(o->path, "we") : stdout;
  if (!o->file)
    return onefold_cli_say(o->rows.command, ONEFOLD_EXIT_FAILURE, "%s: %s", o->path,
                           strerror(errno));
  const onefold_status status = onefold_record_visit(record, export_row, o, &o->skipped);
  if (o->path ? fclose(o->file) : fflush(o->file)) o->failed = 1;
  if (status != ONEFOLD_OK) return onefold_cli_tune_fail(&o->rows, record, status);
  if (o->failed)
    return onefold_cli_say(o->rows.command, ONEFOLD_EXIT_FAILURE, "%s: %s",
                           o->path ? o->path : "standard output", strerror(errno));
  if (o->skipped)
    onefold_cli_say(o->rows.command, ONEFOLD_EXIT_OK,
                    "warning: %lld rows are of a newer version and were left out",
                    (long long)o->skipped);
  return ONEFOLD_EXIT_OK;
}

int onefold_cli_tune_export(int argc, char **argv) {
  static const struct argp_option options[] = {
      {"output", 'o', "FILE", 0, "Where to (default: the standard output)", 0},
      {NULL, 0, NULL, 0, NULL, 0},
  };
  static const struct argp_child children[] = {
      {&onefold_cli_tune_record_argp, 0, NULL, 0}, {&onefold_cli_tune_rows_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      options,
      parse_option,
      NULL,
      "Writes the rows that all the options given choose, one JSON object a line, sorted, so that "
      "two exports can be compared by diff."
      "\vExit codes: 0 done; 1 it could not be done; 2 a bad option.",
      children,
      NULL,
      NULL};
  output o = {.children = 2};
  onefold_record *record = NULL;
  onefold_cli_tune_init(&o.rows, argv[0]);
  if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;
  onefold_cli_tune_ready(&o.rows);
  int code = onefold_cli_tune_open(&o.rows, NULL, 1, &record);
  if (code == ONEFOLD_EXIT_OK) code = export_rows(&o, record);
  onefold_record_close(record);
  return code;
}
