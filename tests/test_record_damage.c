// SPDX-License-Identifier: BSD-3-Clause
// Files of the tuner's record that are damaged, foreign or full.
#include "tests/file_support.h"
#include "tests/record_file_support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/// The file is moved aside, unless it is to be read only, and a new record begun.
static void expect_aside(record_file *f, const char *says) {
  onefold_record *record = record_file_open(f, 1, 1, says);
  assert_int_equal(test_record_count(record), 0);
  onefold_record_close(record);
  assert_int_equal(test_place_files(&f->place, ".damaged-"), 0);

  record = record_file_open(f, 0, 1, ".damaged-");
  assert_non_null(strstr(f->warnings.last, says));
  assert_string_equal(onefold_record_path(record), f->place.path);
  assert_int_equal(test_record_count(record), 0);
  test_record_ok(record, onefold_record_put(record, &f->row, ONEFOLD_RECORD_REPLACE, NULL));
  onefold_record_close(record);
  assert_int_equal(test_place_files(&f->place, ".damaged-"), 1);
  record = record_file_open(f, 0, 0, "");
  assert_int_equal(test_record_count(record), 1);
  onefold_record_close(record);
}

static void test_foreign_files(void **state) {
  (void)state;
  static const char text[] = "no database, but a text of more than a hundred bytes "
                             "that somebody may still want to have ............\n";
  for (int i = 0; i < 4; i++) {
    record_file f;
    record_file_create(&f);
    if (i == 0) test_file_write(f.place.path, text, strlen(text));
    if (i == 1) test_file_write(f.place.path, "short", strlen("short"));
    if (i == 2) record_file_sql(f.place.path, "CREATE TABLE mine (x)");
    if (i == 3) record_file_sql(f.place.path, "PRAGMA application_id = 7; CREATE TABLE tiling (x)");
    expect_aside(&f, i < 2 ? "not a database" : "of another program");
    record_file_destroy(&f);
  }
}

/// What says that it is a record, and has not its table.
static void test_no_table(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_write(&f);
  record_file_sql(f.place.path, "DROP TABLE tiling");
  expect_aside(&f, "no table of tilings");
  record_file_destroy(&f);
}

static void test_damaged_pages(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_write(&f);
  struct stat facts;
  assert_int_equal(stat(f.place.path, &facts), 0);
  assert_true(facts.st_size > 3 * 4096);
  const int file = open(f.place.path, O_WRONLY);
  char rubbish[4096];
  memset(rubbish, 0x5a, sizeof rubbish);
  for (off_t at = facts.st_size / 8192 * 4096; at < facts.st_size; at += 4096)
    assert_int_equal(pwrite(file, rubbish, sizeof rubbish, at), sizeof rubbish);
  close(file);
  onefold_record *record = record_file_open(&f, 1, 0, "");
  onefold_context_options options = {.struct_size = sizeof options, .threads = 1, .has_max_isa = 1};
  onefold_tilings *tilings = NULL;
  test_record_fails(record,
                    onefold_record_attach(record, ONEFOLD_COLD, &test_machine, &options, &tilings),
                    ONEFOLD_FORMAT);
  assert_null(tilings);
  onefold_record_close(record);
  record = record_file_open(&f, 0, 1, ".damaged-");
  assert_int_equal(test_record_count(record), 0);
  onefold_record_close(record);
  assert_int_equal(test_place_files(&f.place, ".damaged-"), 1);
  record_file_destroy(&f);
}

/// Cut anywhere, or with any byte of its beginning changed, a file is used or moved aside.
static void test_any_damage(void **state) {
  (void)state;
  test_rng rng = {17};
  const int cases = test_scaled(60);
  for (int i = 0; i < cases; i++) {
    record_file f;
    record_file_create(&f);
    record_file_write(&f);
    struct stat facts;
    assert_int_equal(stat(f.place.path, &facts), 0);
    const int file = open(f.place.path, O_WRONLY);
    unsigned char byte = (unsigned char)test_range(&rng, 0, 255);
    test_case("damage %d", i);
    if (i % 3 == 0)
      assert_int_equal(ftruncate(file, test_range(&rng, 1, facts.st_size - 1)), 0);
    else
      assert_int_equal(
          pwrite(file, &byte, 1, test_range(&rng, 0, i % 3 == 1 ? 110 : facts.st_size - 1)), 1);
    close(file);
    for (int read_only = 1; read_only >= 0; read_only--) {
      onefold_record *record = test_record(f.place.path, read_only, &f.warnings);
      assert_in_range(f.warnings.count, 0, 1);
      onefold_context_options options = {.struct_size = sizeof options};
      onefold_tilings *tilings = NULL;
      const onefold_status status =
          onefold_record_attach(record, ONEFOLD_COLD, &test_machine, &options, &tilings);
      if (!read_only) test_record_ok(record, status);
      onefold_tilings_destroy(tilings);
      if (!read_only)
        test_record_ok(record, onefold_record_put(record, &f.row, ONEFOLD_RECORD_REPLACE, NULL));
      onefold_record_close(record);
    }
    record_file_destroy(&f);
  }
}

/// With no room for the file to grow: 0, or the number of what is not as it must be.
static int write_until_full(const char *path, onefold_record_row row) {
  onefold_record *record = test_record(path, 0, NULL);
  const struct rlimit most = {.rlim_cur = 200000, .rlim_max = 200000}; // bytes
  onefold_status status = ONEFOLD_OK;
  int count = test_record_count(record);
  signal(SIGXFSZ, SIG_IGN);
  if (setrlimit(RLIMIT_FSIZE, &most) != 0) return 1;
  for (int i = 0; i < 10000 && status == ONEFOLD_OK; i++) {
    row.key.threads = 1000 + i;
    status = onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL);
    count += status == ONEFOLD_OK;
  }
  if (status != ONEFOLD_IO) return 2;
  if (test_record_count(record) != count) return 3; // what was written is still there
  onefold_record_close(record);
  return 0;
}

static void test_full_disk(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_write(&f);
  const pid_t writer = fork();
  assert_true(writer >= 0);
  if (!writer) _exit(write_until_full(f.place.path, f.row));
  int status = -1;
  assert_int_equal(waitpid(writer, &status, 0), writer);
  assert_int_equal(status, 0);
  onefold_record *record = record_file_open(&f, 0, 0, "");
  assert_true(test_record_count(record) > 200);
  onefold_record_close(record);
  record_file_destroy(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_foreign_files), cmocka_unit_test(test_no_table),
      cmocka_unit_test(test_damaged_pages), cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_any_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
