// SPDX-License-Identifier: BSD-3-Clause
// Files of the tuner's record of older and newer schemas.
#include "tests/file_support.h"
#include "tests/record_file_support.h"
#include "tune/store_sqlite.h"

#include <string.h>

/// Rows that this version does not understand are skipped, and stay.
static void test_rows_of_the_future(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_write(&f);
  record_file_sql(f.place.path,
                  "UPDATE tiling SET tiling = 'colour=blue' WHERE threads = 7;"
                  "UPDATE tiling SET situation = 'frozen' WHERE threads = 8;"
                  "UPDATE tiling SET median_ns = 'fast' WHERE threads = 9;"
                  "UPDATE tiling SET problem = 'mb1ic64' WHERE threads = 10;"
                  "UPDATE tiling SET machine = hex(zeroblob(200)) WHERE threads = 11");
  onefold_record *record = record_file_open(&f, 0, 0, "");
  int64_t skipped = 0;
  onefold_record_row got, asked = f.row;
  assert_int_equal(test_record_count(record), 195);
  asked.key.threads = 7;
  test_record_fails(record, onefold_record_get(record, &asked.key, &got), ONEFOLD_NOT_FOUND);
  onefold_context_options options = {.struct_size = sizeof options, .threads = 7, .has_max_isa = 1};
  onefold_tilings *tilings = NULL;
  test_record_ok(record,
                 onefold_record_attach(record, ONEFOLD_COLD, &test_machine, &options, &tilings));
  int64_t rows = 0;
  onefold_tilings_count(tilings, &rows, &skipped);
  assert_int_equal(rows, 0);
  assert_true(skipped >= 1);
  onefold_tilings_destroy(tilings);
  onefold_record_close(record);
  assert_int_equal(record_file_number(f.place.path, "SELECT count(*) FROM tiling"), 200);
  record_file_destroy(&f);
}

static void test_newer_schema(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_write(&f);
  record_file_sql(f.place.path, "PRAGMA user_version = 1000");
  for (int read_only = 0; read_only < 2; read_only++) {
    onefold_record *record = record_file_open(&f, read_only, 1, "version 1000");
    assert_string_equal(onefold_record_path(record), "");
    onefold_record_close(record);
  }
  assert_int_equal(record_file_number(f.place.path, "SELECT count(*) FROM tiling"), 200);
  assert_int_equal(test_place_files(&f.place, ".damaged-"), 0);
  record_file_destroy(&f);
}

/// A file of the first version: what its own library wrote. It must never be edited.
static const char first_version[] =
    "CREATE TABLE tiling ( machine TEXT NOT NULL, kind TEXT NOT NULL, problem TEXT NOT NULL,"
    " layouts TEXT NOT NULL, epilogue TEXT NOT NULL, threads INTEGER NOT NULL,"
    " situation TEXT NOT NULL, accuracy TEXT NOT NULL, tiling TEXT NOT NULL,"
    " median_ns REAL NOT NULL, spread REAL NOT NULL, default_ns REAL NOT NULL,"
    " trials INTEGER NOT NULL, version TEXT NOT NULL, kernels TEXT NOT NULL, date TEXT NOT NULL,"
    " PRIMARY KEY (machine, kind, problem, layouts, epilogue, threads, situation, accuracy))"
    " WITHOUT ROWID;"
    "INSERT INTO tiling VALUES ('amd-zen4,ref,l1d=1', 'conv2d', 'mb1ic64ih56oc64oh56kh3ph1',"
    " 'blocked:blocked', 'relu', 2, 'cold', 'standard', 'algorithm=direct,threads=2', 1234.5, 0.01,"
    " 1300, 12, '0.1.0', '00000000000000ff', '2026-01-31T23:59:59Z');"
    "PRAGMA application_id = 1332627052; PRAGMA user_version = 1;";

static void test_first_version(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_sql(f.place.path, first_version);
  onefold_record *record = record_file_open(&f, 0, 0, "");
  onefold_record_row want = f.row, got;
  memset(want.key.machine, 0, sizeof want.key.machine);
  strcpy(want.key.machine, "amd-zen4,ref,l1d=1");
  strcpy(want.key.epilogue, "relu");
  want.key.threads = 2;
  want.tiling = (onefold_tiling){.algorithm = "direct", .threads = 2};
  want.median_ns = 1234.5;
  want.spread = 0.01;
  want.default_ns = 1300;
  want.trials = 12;
  want.kernels = 255;
  strcpy(want.version, "0.1.0");
  strcpy(want.date, "2026-01-31T23:59:59Z");
  test_record_ok(record, onefold_record_get(record, &want.key, &got));
  assert_memory_equal(&got, &want, sizeof got);
  onefold_record_close(record);
  assert_int_equal(record_file_number(f.place.path, "PRAGMA user_version"), onefold_schema_version);
  record_file_destroy(&f);
}

/// An older file takes the steps that it has not seen, all or none, and keeps its rows.
static void test_migration(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  const int32_t next = onefold_schema_version + 2;
  const char *steps[16], *broken[16];
  assert_in_range(next, 3, 16);
  memcpy(steps, onefold_schema_steps, (size_t)onefold_schema_version * sizeof *steps);
  steps[next - 2] = "ALTER TABLE tiling ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";
  steps[next - 1] = "UPDATE tiling SET note = 'old'";
  memcpy(broken, steps, sizeof broken);
  broken[next - 1] = "UPDATE tiling SET nothing = 1";
  record_file_write(&f);

  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(f.place.path, &db), SQLITE_OK);
  assert_int_equal(onefold_store_upgrade(db, broken, next), SQLITE_ERROR);
  int64_t number = 0;
  assert_int_equal(onefold_store_number(db, "PRAGMA user_version", &number), SQLITE_OK);
  assert_int_equal(number, onefold_schema_version);
  assert_int_equal(onefold_store_number(db, "SELECT count(note) FROM tiling", &number),
                   SQLITE_ERROR);
  for (int i = 0; i < 2; i++) // the second time there is nothing to do
    assert_int_equal(onefold_store_upgrade(db, steps, next), SQLITE_OK);
  assert_int_equal(onefold_store_number(db, "PRAGMA user_version", &number), SQLITE_OK);
  assert_int_equal(number, next);
  assert_int_equal(
      onefold_store_number(db, "SELECT count(*) FROM tiling WHERE note = 'old'", &number),
      SQLITE_OK);
  assert_int_equal(number, 200);
  sqlite3_close(db);
  record_file_destroy(&f);
}

/// An empty file, as one that was killed before its first step leaves it.
static void test_empty_file(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  test_file_write(f.place.path, "", 0);
  onefold_record *record = record_file_open(&f, 1, 1, "is empty");
  onefold_record_close(record);
  record_file_write(&f);
  record_file_destroy(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows_of_the_future), cmocka_unit_test(test_newer_schema),
      cmocka_unit_test(test_first_version),      cmocka_unit_test(test_migration),
      cmocka_unit_test(test_empty_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
