// SPDX-License-Identifier: BSD-3-Clause
// Several processes with one record: none loses what another wrote, and a kill at any moment
// leaves a whole file.
#include "tests/record_support.h"
#include "tune/store_sqlite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 8 };

static void print_warning(void *user, const char *sentence) {
  fprintf(stderr, "writer %d: %s\n", *(const int *)user, sentence);
}

static int print_failure(const onefold_record *record, int code) {
  char sentence[512];
  onefold_record_last_error(record, sentence, sizeof sentence);
  fprintf(stderr, "a put failed: %s\n", sentence);
  return code;
}

/// Opens and puts `count` rows of its own; the exit code of the process.
static int write_rows(const char *path, onefold_record_row row, int writer, int count) {
  onefold_record *record = NULL;
  const onefold_record_options options = {.struct_size = sizeof options,
                                          .path = path,
                                          .warning = print_warning,
                                          .warning_user = &writer};
  if (onefold_record_open(&options, &record)) return 1;
  if (!*onefold_record_path(record)) return 2;
  for (int i = 0; i < count; i++) {
    row.key.threads = 1 + writer * 1000 + i;
    if (onefold_record_put(record, &row, ONEFOLD_RECORD_BETTER, NULL))
      return print_failure(record, 3);
    // One key for all: each writer's last row is better evidenced than its others.
    row.key.threads = 100000;
    row.trials = 10 + i;
    if (onefold_record_put(record, &row, ONEFOLD_RECORD_BETTER, NULL))
      return print_failure(record, 4);
  }
  onefold_record_close(record);
  return 0;
}

static int64_t count_bad_rows(const char *path) {
  sqlite3 *db = NULL;
  int64_t bad = -1;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  if (onefold_store_number(db,
                           "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> "
                           "'ok'",
                           &bad) != SQLITE_OK)
    fail_msg("%s", sqlite3_errmsg(db));
  sqlite3_close(db);
  return bad;
}

/// With `damage`, all writers find a file that is no record, and one of them moves it aside.
static void run_writers(int damage) {
  test_place place;
  test_place_make(&place);
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_record_row row = test_row(context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  const int each = test_scaled(50);
  if (damage) {
    FILE *file = fopen(place.path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) fputs("no record", file);
    fclose(file);
  }
  pid_t writers[WRITERS];
  for (int i = 0; i < WRITERS; i++) {
    writers[i] = fork();
    assert_true(writers[i] >= 0);
    if (!writers[i]) _exit(write_rows(place.path, row, i, each));
  }
  for (int i = 0; i < WRITERS; i++) {
    int status = -1;
    assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
    if (status) fail_msg("writer %d ended with %#x", i, (unsigned)status);
  }
  test_warnings warnings;
  onefold_record *record = test_record(place.path, 0, &warnings);
  assert_int_equal(warnings.count, 0);
  assert_int_equal(test_record_count(record), WRITERS * each + 1);
  onefold_record_row got, asked = row;
  asked.key.threads = 100000;
  test_record_ok(record, onefold_record_get(record, &asked.key, &got));
  assert_int_equal(got.trials, 10 + each - 1);
  onefold_record_close(record);
  assert_int_equal(test_place_files(&place, ".damaged-"), damage);
  assert_int_equal(count_bad_rows(place.path), 0);
  onefold_context_destroy(context);
  test_place_remove(&place);
}

static void test_writers(void **state) {
  (void)state;
  run_writers(0);
}

static void test_writers_find_damage(void **state) {
  (void)state;
  run_writers(1);
}

/// Counts its puts into a pipe, one byte each, until it is killed.
static void write_until_killed(const char *path, onefold_record_row row, int writer, int pipe) {
  onefold_record *record = NULL;
  const onefold_record_options options = {.struct_size = sizeof options, .path = path};
  if (onefold_record_open(&options, &record) || !*onefold_record_path(record)) _exit(1);
  for (int i = 0;; i++) {
    row.key.threads = 1 + writer * 10000 + i % 10000;
    if (onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL)) _exit(2);
    if (i < 10000 && write(pipe, "", 1) != 1) _exit(3);
  }
}

static void test_kills(void **state) {
  (void)state;
  test_place place;
  test_place_make(&place);
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_record_row row = test_row(context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  test_rng rng = {2026};
  const int kills = test_scaled(200);
  int64_t written = 0;
  for (int i = 0; i < kills; i++) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t writer = fork();
    assert_true(writer >= 0);
    if (!writer) write_until_killed(place.path, row, i, ends[1]);
    close(ends[1]);
    // Every other one is killed at any moment, the rest some time after their first row.
    char first;
    if (i % 2) written += read(ends[0], &first, 1) == 1;
    const struct timespec pause = {.tv_nsec = test_range(&rng, 0, 20000000)};
    nanosleep(&pause, NULL);
    kill(writer, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    if (!WIFSIGNALED(status)) fail_msg("writer %d ended by itself with %#x", i, (unsigned)status);
    char bytes[256];
    for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;) written += n;
    close(ends[0]);

    struct stat facts;
    if (stat(place.path, &facts) != 0) continue; // killed before it had begun
    test_warnings warnings;
    onefold_record *record = test_record(place.path, 0, &warnings);
    if (warnings.count) fail_msg("after kill %d: %s", i, warnings.last);
    assert_string_equal(onefold_record_path(record), place.path);
    // Every row whose put returned is there, and no more than one a kill beside.
    const int64_t there = test_record_count(record);
    if (there < written || there > written + i + 1)
      fail_msg("after kill %d: %lld rows, %lld were written", i, (long long)there,
               (long long)written);
    onefold_record_close(record);
    assert_int_equal(count_bad_rows(place.path), 0);
  }
  print_message("%d kills, %lld rows\n", kills, (long long)written);
  assert_true(written >= kills / 2);
  onefold_context_destroy(context);
  test_place_remove(&place);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_writers),
      cmocka_unit_test(test_writers_find_damage),
      cmocka_unit_test(test_kills),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
