// SPDX-License-Identifier: BSD-3-Clause
#include "tests/record_file_support.h"

#include "tune/store_sqlite.h"

#include <string.h>

void record_file_create(record_file *f) {
  test_place_make(&f->place);
  f->context = test_context(ONEFOLD_ISA_REF, 1);
  f->row = test_row(f->context, "ic64ih56oc64kh3ph1", ONEFOLD_COLD);
}

void record_file_destroy(record_file *f) {
  onefold_context_destroy(f->context);
  test_place_remove(&f->place);
}

void record_file_write(record_file *f) {
  onefold_record *record = test_record(f->place.path, 0, &f->warnings);
  for (int i = 1; i < 200; i++) {
    onefold_record_row row = f->row;
    row.key.threads = 1 + i;
    test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  }
  test_record_ok(record, onefold_record_put(record, &f->row, ONEFOLD_RECORD_REPLACE, NULL));
  assert_string_equal(onefold_record_path(record), f->place.path);
  onefold_record_close(record);
  assert_int_equal(f->warnings.count, 0);
}

void record_file_sql(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  if (onefold_store_exec(db, sql) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  sqlite3_close(db);
}

int64_t record_file_number(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  int64_t number = -1;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(onefold_store_number(db, sql, &number), SQLITE_OK);
  sqlite3_close(db);
  return number;
}

onefold_record *record_file_open(record_file *f, int read_only, int count, const char *says) {
  onefold_record *record = test_record(f->place.path, read_only, &f->warnings);
  if (f->warnings.count != count || !strstr(f->warnings.last, says))
    fail_msg("%d warnings, not %d with \"%s\": %s", f->warnings.count, count, says,
             f->warnings.last);
  return record;
}
