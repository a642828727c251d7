// SPDX-License-Identifier: BSD-3-Clause
// Files of the tuner's record: where they are, older and newer schemas, what is damaged, foreign or
// cannot be written to.
#include "tests/record_support.h"
#include "tune/store.h"
#include "tune/store_sqlite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/// A place, a context and a row of it.
typedef struct fixture {
  test_place place;
  onefold_context *context;
  onefold_record_row row;
  test_warnings warnings;
} fixture;

static void create(fixture *f) {
  test_place_make(&f->place);
  f->context = test_context(ONEFOLD_ISA_REF, 1);
  f->row = test_row(f->context, "ic64ih56oc64kh3ph1", ONEFOLD_COLD);
}

static void destroy(fixture *f) {
  onefold_context_destroy(f->context);
  test_place_remove(&f->place);
}

/// Writes a record with the fixture's row, and another that makes it long.
static void write_record(fixture *f) {
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

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static void run_sql(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  if (onefold_store_exec(db, sql) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  sqlite3_close(db);
}

static int64_t ask_number(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  int64_t number = -1;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(onefold_store_number(db, sql, &number), SQLITE_OK);
  sqlite3_close(db);
  return number;
}

/// Opens with the expected number of warnings, the last of which says something.
static onefold_record *open_warned(fixture *f, int read_only, int count, const char *says) {
  onefold_record *record = test_record(f->place.path, read_only, &f->warnings);
  if (f->warnings.count != count || !strstr(f->warnings.last, says))
    fail_msg("%d warnings, not %d with \"%s\": %s", f->warnings.count, count, says,
             f->warnings.last);
  return record;
}

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
  fixture f;
  create(&f);
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
  destroy(&f);
}

static void test_kept(void **state) {
  (void)state;
  fixture f;
  create(&f);
  write_record(&f);
  for (int read_only = 1; read_only >= 0; read_only--) {
    onefold_record *record = open_warned(&f, read_only, 0, "");
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
  destroy(&f);
}

// ------------------------------------------------------- no file can be had

static void expect_in_memory(fixture *f, const char *path, int read_only, const char *says) {
  snprintf(f->place.path, sizeof f->place.path, "%s", path);
  onefold_record *record = open_warned(f, read_only, 1, says);
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
  fixture f;
  create(&f);
  char path[192];
  snprintf(path, sizeof path, "%s/none/tilings.db", f.place.directory);
  expect_in_memory(&f, path, 0, "none/tilings.db");
  expect_in_memory(&f, path, 1, "is not there");
  expect_in_memory(&f, f.place.directory, 0, "is no file");
  expect_in_memory(&f, "/dev/null", 1, "is no file");
  assert_int_equal(test_place_files(&f.place, ""), 0);
  destroy(&f);
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
  fixture f;
  create(&f);
  write_record(&f);
  assert_int_equal(chmod(f.place.path, 0444), 0);
  assert_int_equal(chmod(f.place.directory, 0555), 0);
  const pid_t reader = fork();
  assert_true(reader >= 0);
  if (!reader) _exit(open_as_reader(f.place.path));
  int status = -1;
  assert_int_equal(waitpid(reader, &status, 0), reader);
  assert_int_equal(test_place_files(&f.place, ""), 1);
  destroy(&f);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
  assert_int_equal(status, 0);
}

/// A file system without shared memory: the rows are kept all the same.
static void test_no_log(void **state) {
  (void)state;
  fixture f;
  create(&f);
  onefold_store *store = NULL;
  char why[512];
  const onefold_store_options options = {.path = f.place.path, .vfs = "unix-dotfile"};
  int written = 0;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(onefold_store_open(&options, &store, why, sizeof why), ONEFOLD_OK);
    assert_non_null(strstr(why, "no write-ahead log"));
    assert_int_equal(onefold_store_put(store, &f.row, ONEFOLD_RECORD_REPLACE, &written),
                     ONEFOLD_OK);
    onefold_store_close(store);
  }
  onefold_record *record = open_warned(&f, 0, 0, "");
  assert_int_equal(test_record_count(record), 1);
  onefold_record_close(record);
  destroy(&f);
}

// ------------------------------------------------------------------- damage

/// The file is moved aside, unless it is to be read only, and a new record begun.
static void expect_aside(fixture *f, const char *says) {
  onefold_record *record = open_warned(f, 1, 1, says);
  assert_int_equal(test_record_count(record), 0);
  onefold_record_close(record);
  assert_int_equal(test_place_files(&f->place, ".damaged-"), 0);

  record = open_warned(f, 0, 1, ".damaged-");
  assert_non_null(strstr(f->warnings.last, says));
  assert_string_equal(onefold_record_path(record), f->place.path);
  assert_int_equal(test_record_count(record), 0);
  test_record_ok(record, onefold_record_put(record, &f->row, ONEFOLD_RECORD_REPLACE, NULL));
  onefold_record_close(record);
  assert_int_equal(test_place_files(&f->place, ".damaged-"), 1);
  record = open_warned(f, 0, 0, "");
  assert_int_equal(test_record_count(record), 1);
  onefold_record_close(record);
}

static void test_foreign_files(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    fixture f;
    create(&f);
    if (i == 0)
      write_text(f.place.path, "no database, but a text of more than a hundred bytes "
                               "that somebody may still want to have ............\n");
    if (i == 1) write_text(f.place.path, "short");
    if (i == 2) run_sql(f.place.path, "CREATE TABLE mine (x)");
    if (i == 3) run_sql(f.place.path, "PRAGMA application_id = 7; CREATE TABLE tiling (x)");
    expect_aside(&f, i < 2 ? "not a database" : "of another program");
    destroy(&f);
  }
}

/// What says that it is a record, and has not its table.
static void test_no_table(void **state) {
  (void)state;
  fixture f;
  create(&f);
  write_record(&f);
  run_sql(f.place.path, "DROP TABLE tiling");
  expect_aside(&f, "no table of tilings");
  destroy(&f);
}

static void test_damaged_pages(void **state) {
  (void)state;
  fixture f;
  create(&f);
  write_record(&f);
  struct stat facts;
  assert_int_equal(stat(f.place.path, &facts), 0);
  assert_true(facts.st_size > 3 * 4096);
  const int file = open(f.place.path, O_WRONLY);
  char rubbish[4096];
  memset(rubbish, 0x5a, sizeof rubbish);
  for (off_t at = facts.st_size / 8192 * 4096; at < facts.st_size; at += 4096)
    assert_int_equal(pwrite(file, rubbish, sizeof rubbish, at), sizeof rubbish);
  close(file);
  onefold_record *record = open_warned(&f, 1, 0, "");
  onefold_context_options options = {.struct_size = sizeof options, .threads = 1, .has_max_isa = 1};
  onefold_tilings *tilings = NULL;
  test_record_fails(record,
                    onefold_record_attach(record, ONEFOLD_COLD, &test_machine, &options, &tilings),
                    ONEFOLD_FORMAT);
  assert_null(tilings);
  onefold_record_close(record);
  record = open_warned(&f, 0, 1, ".damaged-");
  assert_int_equal(test_record_count(record), 0);
  onefold_record_close(record);
  assert_int_equal(test_place_files(&f.place, ".damaged-"), 1);
  destroy(&f);
}

/// Cut anywhere, or with any byte of its beginning changed, a file is used or moved aside.
static void test_any_damage(void **state) {
  (void)state;
  test_rng rng = {17};
  const int cases = test_scaled(60);
  for (int i = 0; i < cases; i++) {
    fixture f;
    create(&f);
    write_record(&f);
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
    destroy(&f);
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
  fixture f;
  create(&f);
  write_record(&f);
  const pid_t writer = fork();
  assert_true(writer >= 0);
  if (!writer) _exit(write_until_full(f.place.path, f.row));
  int status = -1;
  assert_int_equal(waitpid(writer, &status, 0), writer);
  assert_int_equal(status, 0);
  onefold_record *record = open_warned(&f, 0, 0, "");
  assert_true(test_record_count(record) > 200);
  onefold_record_close(record);
  destroy(&f);
}

// ------------------------------------------------------------------- schema

/// Rows that this version does not understand are skipped, and stay.
static void test_rows_of_the_future(void **state) {
  (void)state;
  fixture f;
  create(&f);
  write_record(&f);
  run_sql(f.place.path, "UPDATE tiling SET tiling = 'colour=blue' WHERE threads = 7;"
                        "UPDATE tiling SET situation = 'frozen' WHERE threads = 8;"
                        "UPDATE tiling SET median_ns = 'fast' WHERE threads = 9;"
                        "UPDATE tiling SET problem = 'mb1ic64' WHERE threads = 10;"
                        "UPDATE tiling SET machine = hex(zeroblob(200)) WHERE threads = 11");
  onefold_record *record = open_warned(&f, 0, 0, "");
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
  assert_int_equal(ask_number(f.place.path, "SELECT count(*) FROM tiling"), 200);
  destroy(&f);
}

static void test_newer_schema(void **state) {
  (void)state;
  fixture f;
  create(&f);
  write_record(&f);
  run_sql(f.place.path, "PRAGMA user_version = 1000");
  for (int read_only = 0; read_only < 2; read_only++) {
    onefold_record *record = open_warned(&f, read_only, 1, "version 1000");
    assert_string_equal(onefold_record_path(record), "");
    onefold_record_close(record);
  }
  assert_int_equal(ask_number(f.place.path, "SELECT count(*) FROM tiling"), 200);
  assert_int_equal(test_place_files(&f.place, ".damaged-"), 0);
  destroy(&f);
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
  fixture f;
  create(&f);
  run_sql(f.place.path, first_version);
  onefold_record *record = open_warned(&f, 0, 0, "");
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
  assert_int_equal(ask_number(f.place.path, "PRAGMA user_version"), onefold_schema_version);
  destroy(&f);
}

/// An older file takes the steps that it has not seen, all or none, and keeps its rows.
static void test_migration(void **state) {
  (void)state;
  fixture f;
  create(&f);
  const int32_t next = onefold_schema_version + 2;
  const char *steps[16], *broken[16];
  assert_in_range(next, 3, 16);
  memcpy(steps, onefold_schema_steps, (size_t)onefold_schema_version * sizeof *steps);
  steps[next - 2] = "ALTER TABLE tiling ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";
  steps[next - 1] = "UPDATE tiling SET note = 'old'";
  memcpy(broken, steps, sizeof broken);
  broken[next - 1] = "UPDATE tiling SET nothing = 1";
  write_record(&f);

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
  destroy(&f);
}

/// An empty file, as one that was killed before its first step leaves it.
static void test_empty_file(void **state) {
  (void)state;
  fixture f;
  create(&f);
  write_text(f.place.path, "");
  onefold_record *record = open_warned(&f, 1, 1, "is empty");
  onefold_record_close(record);
  write_record(&f);
  destroy(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_default_path),
      cmocka_unit_test(test_chosen_path),
      cmocka_unit_test(test_kept),
      cmocka_unit_test(test_no_directory),
      cmocka_unit_test(test_read_only_directory),
      cmocka_unit_test(test_no_log),
      cmocka_unit_test(test_foreign_files),
      cmocka_unit_test(test_no_table),
      cmocka_unit_test(test_damaged_pages),
      cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_any_damage),
      cmocka_unit_test(test_rows_of_the_future),
      cmocka_unit_test(test_newer_schema),
      cmocka_unit_test(test_first_version),
      cmocka_unit_test(test_migration),
      cmocka_unit_test(test_empty_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
