// SPDX-License-Identifier: BSD-3-Clause
// Records for tests: rows, warnings, a directory of their own.
#ifndef ONEFOLD_TESTS_RECORD_SUPPORT_H
#define ONEFOLD_TESTS_RECORD_SUPPORT_H

#include "tests/support.h"

#include <onefold/record.h>

/// Warnings of a record: how many, and the last.
typedef struct test_warnings {
  int count;
  char last[1024];
} test_warnings;

/// A directory that is removed with all that is in it, and a path within it.
typedef struct test_place {
  char directory[128], path[192];
} test_place;
void test_place_make(test_place *place);
void test_place_remove(const test_place *place);
/// Set-up and tear-down of a test: a place, *state, whose record the program takes.
int test_record_here(void **state);
int test_record_gone(void **state);
/// Files of the directory whose names contain `part`.
int test_place_files(const test_place *place, const char *part);

/// A machine that is no test machine.
extern const onefold_machine test_machine;

/// A row of a problem of `context` on test_machine, its evidence 10 trials of 1 us.
onefold_record_row test_row(onefold_context *context, const char *problem,
                            onefold_situation situation);

/// A record at a path (NULL: in memory), its warnings counted where `warnings` is not NULL.
onefold_record *test_record(const char *path, int read_only, test_warnings *warnings);

/// Asserts the status of a call on a record, printing the record's sentence where it differs.
void test_record_expect(const onefold_record *record, onefold_status got, onefold_status want,
                        const char *file, int line);
#define test_record_ok(record, call)                                                               \
  test_record_expect((record), (call), ONEFOLD_OK, __FILE__, __LINE__)
#define test_record_fails(record, call, want)                                                      \
  test_record_expect((record), (call), (want), __FILE__, __LINE__)

/// Asserts that two descriptors agree in every field; what follows the last one may differ.
#define test_desc_equal(a, b)                                                                      \
  assert_memory_equal((a), (b), offsetof(onefold_conv2d_desc, has_channel_scale) + sizeof(int32_t))

/// Below, at or above 0, as a visit of the record goes.
int test_key_order(const onefold_record_key *a, const onefold_record_key *b);

/// Rows of a record.
int test_record_count(onefold_record *record);

#endif
