// SPDX-License-Identifier: BSD-3-Clause
// What is said of the files in a directory of saved executions, and which files are left alone.
#include "tests/cache_support.h"

#include <onefold/cache.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/// What a visit has told: how many files, and the last of them.
typedef struct told {
  int count, ends; // the visit, after so many; 0: not
  char name[64];
  onefold_cache_entry entry;
} told;

static int tell(void *user, const onefold_cache_entry *entry) {
  told *t = user;
  snprintf(t->name, sizeof t->name, "%s", entry->name);
  t->entry = *entry;
  return ++t->count == t->ends;
}

static told visit(const cache_saved *f) {
  told t = {0};
  test_ok(f->context, onefold_cache_visit(f->context, f->directory.path, tell, &t));
  return t;
}

/// A file of these bytes is one that does or does not fit, for that reason; then it is removed.
static void expect(const cache_saved *f, const unsigned char *bytes, size_t length,
                   const char *reason) {
  static const char name[] = "0123456789abcdef.onefold";
  test_file_path path;
  test_file(&f->directory, name, path);
  test_file_write(path, bytes, length);
  const told t = visit(f);
  assert_int_equal(t.count, 1);
  assert_string_equal(t.name, name);
  assert_int_equal(t.entry.bytes, length);
  assert_int_equal(t.entry.fits, !*reason);
  if (*reason ? !strstr(t.entry.reason, reason) : *t.entry.reason)
    test_failed("no \"%s\" in: %s", reason, t.entry.reason);
  assert_null(strstr(t.entry.reason, name)); // the caller has it
  assert_int_equal(unlink(path), 0);
}

static void test_reasons(void **state) {
  cache_saved *f = *state;
  char *key = (char *)f->bytes + sizeof(onefold_cache_header);
  char *machine = key + strlen(key) + 1;
  expect(f, f->bytes, f->length, "");
  expect(f, f->bytes, f->length - 1, "its bytes are");
  expect(f, f->bytes, 8, "8 bytes are too few");
  f->bytes[f->length - 1] ^= 1; // of the weights, which nobody reads here
  expect(f, f->bytes, f->length, "");
  f->bytes[12]++;
  expect(f, f->bytes, f->length, "the format is 2, not 1");
  f->bytes[12]--;
  key[0]++;
  expect(f, f->bytes, f->length, "the checksum of its first");
  cache_seal(f->bytes);
  expect(f, f->bytes, f->length, "its library is '");
  key[0]--;
  machine[2] = 'x';
  cache_seal(f->bytes);
  expect(f, f->bytes, f->length, "its machine is 'rex, blocks of 8");
  machine[2] = '\033'; // goes to no terminal
  cache_seal(f->bytes);
  expect(f, f->bytes, f->length, "its machine is 're?, blocks of 8");
}

static onefold_status make(void *user, onefold_context *context, onefold_graph **graph) {
  (void)user;
  *graph = cache_graph(context);
  return ONEFOLD_OK;
}

/// What onefold_exec_cached makes fits at every level that runs here, whichever the visitor's is.
static void test_levels(void **state) {
  cache_saved *f = *state;
  const onefold_cache_options cache = {.struct_size = sizeof cache, .directory = f->directory.path};
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int count = test_isa_levels(levels);
  for (int i = 0; i < count; i++) {
    onefold_context *context = test_context(levels[i], 1);
    onefold_exec *exec = NULL;
    test_ok(context, onefold_exec_cached(context, &cache, CACHE_CONTENT, make, NULL, NULL, &exec));
    onefold_exec_destroy(exec);
    onefold_context_destroy(context);
    char what[64];
    snprintf(what, sizeof what, "%s, standard: " CACHE_CONTENT, onefold_isa_name(levels[i]));
    const told t = visit(f);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.entry.fits, 1);
    assert_string_equal(t.entry.what, what);
    test_file_path path;
    assert_int_equal(unlink(test_file(&f->directory, t.name, path)), 0);
  }
}

/// Names and contents that are not a cache's, and what is no regular file.
static void test_foreign(void **state) {
  cache_saved *f = *state;
  static const char *const names[] = {"notes.txt",
                                      "0123456789abcdef",
                                      "0123456789ABCDEF.onefold",
                                      "0123456789abcdef.onefold.bak",
                                      "0123456789abcde.onefold",
                                      ".onefold-12",
                                      ".onefold-12-x"};
  test_file_path path, link;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    test_file_write(test_file(&f->directory, names[i], path), f->bytes, f->length);
  test_file_write(test_file(&f->directory, "1111111111111111.onefold", path), "onefold, notes", 14);
  test_file(&f->directory, "2222222222222222.onefold", link);
  assert_int_equal(symlink("notes.txt", link), 0);
  assert_int_equal(mkdir(test_file(&f->directory, "3333333333333333.onefold", path), 0777), 0);
  assert_int_equal(visit(f).count, 0);
  assert_int_equal(rmdir(path), 0);
}

/// What is being written is left alone for an hour.
static void test_unfinished(void **state) {
  cache_saved *f = *state;
  test_file_path path;
  test_file(&f->directory, ".onefold-12-0", path);
  for (int filled = 0; filled < 2; filled++) {
    test_file_write(path, f->bytes, filled ? f->length / 2 : 0);
    assert_int_equal(visit(f).count, 0);
    const struct timespec then = {.tv_sec = time(NULL) - 7200}, times[] = {then, then};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    const told t = visit(f);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.entry.fits, 0);
    assert_string_equal(t.entry.reason, "it was never finished");
    test_file_write(path, "something else", 14);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(visit(f).count, 0);
  }
}

static void test_order_and_mistakes(void **state) {
  cache_saved *f = *state;
  test_file_path path;
  for (int i = 3; i > 0; i--) {
    char name[64];
    snprintf(name, sizeof name, "000000000000000%d.onefold", i);
    test_file_write(test_file(&f->directory, name, path), f->bytes, f->length);
  }
  told t = {.ends = 2};
  test_ok(f->context, onefold_cache_visit(f->context, f->directory.path, tell, &t));
  assert_int_equal(t.count, 2);
  assert_string_equal(t.name, "0000000000000002.onefold");
  test_fails(f->context, onefold_cache_visit(f->context, NULL, tell, &t), ONEFOLD_INVALID_ARGUMENT);
  test_fails(f->context, onefold_cache_visit(f->context, f->directory.path, NULL, NULL),
             ONEFOLD_INVALID_ARGUMENT);
  test_fails(f->context, onefold_cache_visit(f->context, "/nonexistent", tell, &t),
             ONEFOLD_NOT_FOUND);
  test_says(f->context, "/nonexistent: No such file or directory");
  test_fails(f->context, onefold_cache_visit(f->context, path, tell, &t), ONEFOLD_IO);
  assert_int_equal(onefold_cache_visit(NULL, path, tell, &t), ONEFOLD_INVALID_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_reasons, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_levels, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_foreign, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_unfinished, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_order_and_mistakes, cache_saved_make, cache_saved_free),
  };
  return cmocka_run_group_tests_name("cache visit", tests, NULL, NULL);
}
