// SPDX-License-Identifier: BSD-3-Clause
// Files of the tuner's record: where they are, and what happens where none can be had.
#include "tests/record_file_support.h"
#include "tune/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// --------------------------------------------------------------------- paths

static void test_default_path(void **state) {
  (void)state;
  static const char *const names[] = {"XDG_CACHE_HOME", "HOME"};
  static const struct {
    const char *cache, *home, *path;
  } cases[] = {
      {"/c", "/h", "/c/onefold/tilings.db"},
      {"", "/h", "/h/.cache/onefold/tilings.db"},
      {NULL, "/h", "/h/.cache/onefold/tilings.db"},
      {"relative", "/h", "/h/.cache/onefold/tilings.db"},
      {NULL, NULL, ""},
      {NULL, "", ""},
  };
  char *saved[2];
  for (int i = 0; i < 2; i++) saved[i] = getenv(names[i]) ? strdup(getenv(names[i])) : NULL;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *const values[] = {cases[i].cache, cases[i].home};
    char text[64] = "x", part[4];
    for (int k = 0; k < 2; k++) {
      if (values[k])
        setenv(names[k], values[k], 1);
      else
        unsetenv(names[k]);
    }
    assert_int_equal(onefold_record_default_path(text, sizeof text), strlen(cases[i].path));
    assert_string_equal(text, cases[i].path);
    assert_int_equal(onefold_record_default_path(NULL, 0), strlen(cases[i].path));
    onefold_record_default_path(part, sizeof part);
    assert_memory_equal(part, text, *text ? 3 : 1);
  }
  for (int i = 0; i < 2; i++) {
    if (saved[i]) setenv(names[i], saved[i], 1);
    free(saved[i]);
  }
}

/// Options, then ONEFOLD_RECORD, then the default, whose directories are made.
static void test_chosen_path(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  char want[256];
  onefold_record *record = NULL;
  onefold_record_options options = {.struct_size = sizeof options};
  char *saved = getenv("XDG_CACHE_HOME") ? strdup(getenv("XDG_CACHE_HOME")) : NULL;
  char *named = getenv("ONEFOLD_RECORD") ? strdup(getenv("ONEFOLD_RECORD")) : NULL;
  snprintf(want, sizeof want, "%s/a/b", f.place.directory);
  setenv("XDG_CACHE_HOME", want, 1);
  unsetenv("ONEFOLD_RECORD");
  strcat(want, "/onefold/tilings.db");

  options.read_only = 1; // leaves no trace
  assert_int_equal(onefold_record_open(&options, &record), ONEFOLD_OK);
  assert_string_equal(onefold_record_path(record), "");
  onefold_record_close(record);
  assert_int_equal(test_place_files(&f.place, ""), 0);
  assert_int_equal(onefold_record_open(NULL, &record), ONEFOLD_OK);
  assert_string_equal(onefold_record_path(record), want);
  onefold_record_close(record);

  setenv("ONEFOLD_RECORD", f.place.path, 1);
  assert_int_equal(onefold_record_open(NULL, &record), ONEFOLD_OK);
  assert_string_equal(onefold_record_path(record), f.place.path);
  onefold_record_close(record);
  options.path = want;
  assert_int_equal(onefold_record_open(&options, &record), ONEFOLD_OK);
  assert_string_equal(onefold_record_path(record), want);
  onefold_record_close(record);
  setenv("ONEFOLD_RECORD", "", 1); // no record
  assert_int_equal(onefold_record_open(NULL, &record), ONEFOLD_OK);
  assert_string_equal(onefold_record_path(record), "");
  onefold_record_close(record);

  unsetenv("ONEFOLD_RECORD");
  unsetenv("XDG_CACHE_HOME");
  if (saved) setenv("XDG_CACHE_HOME", saved, 1);
  if (named) setenv("ONEFOLD_RECORD", named, 1);
  free(saved);
  free(named);
  record_file_destroy(&f);
}

static void test_kept(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_write(&f);
  for (int read_only = 1; read_only >= 0; read_only--) {
    onefold_record *record = record_file_open(&f, read_only, 0, "");
    onefold_record_row got;
    test_record_ok(record, onefold_record_get(record, &f.row.key, &got));
    assert_memory_equal(&got, &f.row, sizeof got);
    assert_int_equal(test_record_count(record), 200);
    if (read_only) {
      test_record_fails(record, onefold_record_put(record, &f.row, ONEFOLD_RECORD_REPLACE, NULL),
                        ONEFOLD_UNSUPPORTED);
      test_record_fails(record, onefold_record_delete(record, &f.row.key), ONEFOLD_UNSUPPORTED);
    }
    onefold_record_close(record);
  }
  assert_int_equal(test_place_files(&f.place, ""), 1); // no journals are left
  record_file_destroy(&f);
}

// ------------------------------------------------------- no file can be had

static void expect_in_memory(record_file *f, const char *path, int read_only, const char *says) {
  snprintf(f->place.path, sizeof f->place.path, "%s", path);
  onefold_record *record = record_file_open(f, read_only, 1, says);
  assert_string_equal(onefold_record_path(record), "");
  assert_int_equal(test_record_count(record), 0);
  if (!read_only) {
    test_record_ok(record, onefold_record_put(record, &f->row, ONEFOLD_RECORD_REPLACE, NULL));
    assert_int_equal(test_record_count(record), 1);
  }
  onefold_record_close(record);
}

static void test_no_directory(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  char path[192];
  snprintf(path, sizeof path, "%s/none/tilings.db", f.place.directory);
  expect_in_memory(&f, path, 0, "none/tilings.db");
  expect_in_memory(&f, path, 1, "is not there");
  expect_in_memory(&f, f.place.directory, 0, "is no file");
  expect_in_memory(&f, "/dev/null", 1, "is no file");
  assert_int_equal(test_place_files(&f.place, ""), 0);
  record_file_destroy(&f);
}

/// As a user who may only read: 0, or the number of what is not as it must be.
static int open_as_reader(const char *path) {
  if (geteuid() == 0 && setuid(65534) != 0) return 77;
  test_warnings warnings;
  onefold_record *record = test_record(path, 1, &warnings);
  if (warnings.count) return 1;
  if (test_record_count(record) != 200) return 2;
  onefold_record_close(record);
  record = test_record(path, 0, &warnings);
  if (warnings.count != 1 || !strstr(warnings.last, path)) return 3;
  if (*onefold_record_path(record) || test_record_count(record)) return 4;
  onefold_record_close(record);
  return 0;
}

static void test_read_only_directory(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  record_file_write(&f);
  assert_int_equal(chmod(f.place.path, 0444), 0);
  assert_int_equal(chmod(f.place.directory, 0555), 0);
  const pid_t reader = fork();
  assert_true(reader >= 0);
  if (!reader) _exit(open_as_reader(f.place.path));
  int status = -1;
  assert_int_equal(waitpid(reader, &status, 0), reader);
  assert_int_equal(test_place_files(&f.place, ""), 1);
  record_file_destroy(&f);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
  assert_int_equal(status, 0);
}

/// A file system without shared memory: the rows are kept all the same.
static void test_no_log(void **state) {
  (void)state;
  record_file f;
  record_file_create(&f);
  onefold_store *store = NULL;
  char why[512];
  const onefold_store_options options = {.path = f.place.path, .vfs = "unix-dotfile"};
  int written = 0;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(onefold_store_open(&options, &store, why, sizeof why), ONEFOLD_OK);
    assert_non_null(strstr(why, "no write-ahead log"));
    assert_int_equal(onefold_store_put(store, &f.row, ONEFOLD_RECORD_REPLACE, 0, &written),
                     ONEFOLD_OK);
    onefold_store_close(store);
  }
  onefold_record *record = record_file_open(&f, 0, 0, "");
  assert_int_equal(test_record_count(record), 1);
  onefold_record_close(record);
  record_file_destroy(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_default_path),
      cmocka_unit_test(test_chosen_path),
      cmocka_unit_test(test_kept),
      cmocka_unit_test(test_no_directory),
      cmocka_unit_test(test_read_only_directory),
      cmocka_unit_test(test_no_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
