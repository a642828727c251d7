// SPDX-License-Identifier: BSD-3-Clause
// The rows that a root receives: into the record, the table or the JSON.
#include "bench/text.h"
#include "cli/fleet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const bench_column columns[] = {{"group", 5}, {"rank", 4}, {"problem", -36}, {"default", 8},
                                       {"best", 8},  {"gain", 7}, {"spread", 7},    {"tiling", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)

void onefold_cli_fleet_head(void) {
  onefold_bench_table_head(stdout, columns, COLUMNS);
}

static int keep(void *user, const onefold_record_row *row) {
  *(onefold_record_row *)user = *row;
  return 1;
}

/// The row of a line of an export, by a record in memory; zero where it is none.
static int read_row(const char *text, onefold_record_row *row) {
  const onefold_record_options nowhere = {.struct_size = sizeof nowhere, .path = ""};
  onefold_record *record = NULL;
  onefold_record_counts counts = {0};
  const int read = onefold_record_open(&nowhere, &record) == ONEFOLD_OK &&
                   onefold_record_import(record, text, strlen(text), ONEFOLD_RECORD_REPLACE,
                                         &counts) == ONEFOLD_OK &&
                   counts.written == 1 &&
                   onefold_record_visit(record, keep, row, NULL) == ONEFOLD_OK;
  onefold_record_close(record);
  return read;
}

static void print_row(const fleet *f, int32_t from, const onefold_record_row *row) {
  char tiling[512];
  cli_label label;
  bench_cell cells[COLUMNS];
  const bench_stat best = {.count = 1, .median = row->median_ns * 1e-9, .spread = row->spread};
  const bench_stat other = {.count = 1, .median = row->default_ns * 1e-9};
  onefold_cli_tiling_text(&row->tiling, tiling, sizeof tiling);
  onefold_cli_problem_label(f->tuning, &row->key, label);
  cells[0] = onefold_bench_cell("%d", (int)f->seat->group + 1);
  cells[1] = onefold_bench_cell("%d", (int)from);
  cells[2] = onefold_bench_cell("%s", label);
  cells[3] = onefold_bench_cell_time(other);
  cells[4] = onefold_bench_cell_time(best);
  cells[5] = onefold_bench_cell("%.3fx", row->default_ns / row->median_ns);
  cells[6] = onefold_bench_cell_spread(best);
  cells[7] = onefold_bench_cell("%s", tiling);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  fflush(stdout);
}

int onefold_cli_fleet_row(fleet *f, int32_t from, const char *text) {
  const cli_tuning *t = f->tuning;
  fleet_root *r = &f->root;
  onefold_record_row row;
  onefold_record_counts counts;
  const onefold_status status =
      onefold_record_import(r->record, text, strlen(text), ONEFOLD_RECORD_REPLACE, &counts);
  if (status != ONEFOLD_OK) return (int)onefold_cli_tune_fail(&t->rows, r->record, status);
  r->tuned += counts.written == 1;
  if (!read_row(text, &row) || !onefold_cli_gains_add(&r->found, &row, 0))
    return ONEFOLD_EXIT_FAILURE;
  r->gains += log(row.default_ns / row.median_ns);
  if (!t->rows.json) {
    print_row(f, from, &row);
    return ONEFOLD_EXIT_OK;
  }
  json_t *shape =
      json_pack("{s:I, s:o}", "rank", (json_int_t)from, "row", json_loads(text, 0, NULL));
  return shape && json_array_append_new(r->rows, shape) == 0 ? ONEFOLD_EXIT_OK
                                                             : ONEFOLD_EXIT_FAILURE;
}
