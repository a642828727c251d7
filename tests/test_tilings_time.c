// SPDX-License-Identifier: BSD-3-Clause
// What a new process takes to open a record and to find a network's layers in it.
#include "tests/record_support.h"
#include "tune/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// A slower machine than that may take so many times what SQLite alone takes there.
#define ALLOWED_MS      5.0
#define ALLOWED_SQLITES 3.0

/// RepVGG-A0 at 224x224: its distinct problems, and how many layers each has.
static const struct {
  const char *problem;
  int layers;
} network[] = {
    {"ic3ih224oc48oh112kh3sh2ph1", 1}, {"ic48ih112oc48oh56kh3sh2ph1", 1},
    {"ic48ih56oc48oh56kh3ph1", 1},     {"ic48ih56oc96oh28kh3sh2ph1", 1},
    {"ic96ih28oc96oh28kh3ph1", 3},     {"ic96ih28oc192oh14kh3sh2ph1", 1},
    {"ic192ih14oc192oh14kh3ph1", 13},  {"ic192ih14oc1280oh7kh3sh2ph1", 1},
    {"ic1280ih1oc1000oh1kh1", 1},
};
enum { DISTINCT = sizeof network / sizeof *network, LAYERS = 23, ROWS = 900 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/// 50 problems, the network's among them, in each situation, for one thread to 32.
static void fill(const char *path) {
  onefold_record *record = test_record(path, 0, NULL);
  for (int i = 0; i < ROWS; i++) {
    const int problem = i / 18;
    onefold_context *context = test_context(ONEFOLD_ISA_REF, 1 << i / 3 % 6);
    char text[64];
    onefold_conv2d_desc desc;
    onefold_record_row row;
    snprintf(text, sizeof text, "ic%dih%doc%dkh%dph%d", 16 + 8 * problem, 7 * (1 + problem % 8),
             16 + 8 * (problem % 7), problem % 3 ? 3 : 1, problem % 3 ? 1 : 0);
    if (problem < DISTINCT) snprintf(text, sizeof text, "%s", network[problem].problem);
    test_ok(context, onefold_conv2d_desc_parse(context, text, &desc));
    test_ok(context,
            onefold_record_row_init(context, NULL, &desc, (onefold_situation)(i % 3), &row));
    strcpy(row.tiling.algorithm, "direct");
    row.tiling.threads = 1;
    row.median_ns = row.default_ns = 1000;
    row.trials = 10;
    test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
    onefold_context_destroy(context);
  }
  assert_int_equal(test_record_count(record), ROWS);
  onefold_record_close(record);
}

/// In a process of its own: prints the milliseconds. Returns how many layers were not found.
static int measure(const char *path) {
  onefold_record *record = NULL;
  onefold_tilings *tilings = NULL;
  onefold_context *context = NULL;
  onefold_conv2d_desc layer[DISTINCT];
  const onefold_record_options where = {.struct_size = sizeof where, .path = path, .read_only = 1};
  onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .has_max_isa = 1, .max_isa = ONEFOLD_ISA_REF};
  const double begin = now();
  if (onefold_record_open(&where, &record) != ONEFOLD_OK ||
      onefold_record_attach(record, ONEFOLD_IN_PLACE, NULL, &options, &tilings) != ONEFOLD_OK)
    return LAYERS;
  const double attached = now();
  onefold_record_close(record);
  if (onefold_context_create(&options, &context) != ONEFOLD_OK) return LAYERS;
  for (int i = 0; i < DISTINCT; i++)
    onefold_conv2d_desc_parse(context, network[i].problem, &layer[i]);
  int missed = LAYERS;
  const double searched = now();
  for (int i = 0; i < DISTINCT; i++) {
    for (int k = 0; k < network[i].layers; k++) {
      onefold_tiling tiling;
      if (onefold_tilings_find(tilings, &layer[i], &tiling) && !strcmp(tiling.source, "record"))
        missed--;
    }
  }
  printf("%.4f\n", attached - begin + now() - searched);
  onefold_context_destroy(context);
  onefold_tilings_destroy(tilings);
  return missed;
}

/// The same of SQLite alone: opens the file and counts what is asked for.
static int measure_sqlite(const char *path) {
  sqlite3 *db = NULL;
  sqlite3_stmt *rows = NULL;
  const double begin = now();
  const int failed =
      sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ||
      sqlite3_prepare_v2(db, "SELECT count(*) FROM tiling WHERE threads = 1", -1, &rows, NULL) ||
      sqlite3_step(rows) != SQLITE_ROW || sqlite3_column_int(rows, 0) <= 0;
  printf("%.4f\n", now() - begin);
  sqlite3_finalize(rows);
  sqlite3_close(db);
  return failed;
}

/// The milliseconds of a new process.
static double of_new_process(const char *program, const char *path, const char *what) {
  char command[512], line[64] = "";
  snprintf(command, sizeof command, "'%s' '%s' %s", program, path, what);
  FILE *output = popen(command, "r");
  assert_non_null(output);
  assert_non_null(fgets(line, sizeof line, output));
  assert_int_equal(pclose(output), 0);
  return atof(line);
}

/// The least of new processes. Not under a sanitizer, which makes all slower, nor under emulation,
/// whose new processes run on the CPU itself.
static void test_new_process(void **state) {
  (void)state;
  if (test_scaled(10) < 10) skip();
  char program[256] = "";
  test_place place;
  test_place_make(&place);
  fill(place.path);
  assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
  double least = 1e9, sqlite = 1e9, allowed = ALLOWED_MS;
  int processes = 0;
  for (; processes < 15 || (processes < 45 && least >= allowed); processes++) {
    const double taken = of_new_process(program, place.path, "record");
    const double alone = of_new_process(program, place.path, "sqlite");
    if (taken < least) least = taken;
    if (alone < sqlite) sqlite = alone;
    allowed = ALLOWED_SQLITES * sqlite > ALLOWED_MS ? ALLOWED_SQLITES * sqlite : ALLOWED_MS;
  }
  print_message("open, attach and %d look-ups, %d rows: %.2f ms, SQLite alone %.2f; least of %d\n",
                LAYERS, ROWS, least, sqlite, processes);
  test_place_remove(&place);
  assert_true(least < allowed);
}

int main(int argc, char **argv) {
  if (argc == 3) return strcmp(argv[2], "sqlite") ? measure(argv[1]) : measure_sqlite(argv[1]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_new_process)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
