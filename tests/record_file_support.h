// SPDX-License-Identifier: BSD-3-Clause
// Files of records for tests: written, opened with a warning, asked and changed by SQL.
#ifndef ONEFOLD_TESTS_RECORD_FILE_SUPPORT_H
#define ONEFOLD_TESTS_RECORD_FILE_SUPPORT_H

#include "tests/record_support.h"

/// A place, a context and a row of it.
typedef struct record_file {
  test_place place;
  onefold_context *context;
  onefold_record_row row;
  test_warnings warnings;
} record_file;
void record_file_create(record_file *f);
void record_file_destroy(record_file *f);

/// Writes a record with the file's row, and others that make it long: 200 rows.
void record_file_write(record_file *f);
void record_file_sql(const char *path, const char *sql);
int64_t record_file_number(const char *path, const char *sql);

/// Opens with the expected number of warnings, the last of which says something.
onefold_record *record_file_open(record_file *f, int read_only, int count, const char *says);

#endif
