// SPDX-License-Identifier: BSD-3-Clause
// Files of the tests.
#include "tests/file_support.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void test_directory_make(test_directory *directory) {
  const char *parent = getenv("TMPDIR");
  snprintf(directory->path, sizeof directory->path, "%s/onefold-XXXXXX", parent ? parent : "/tmp");
  assert_non_null(mkdtemp(directory->path));
}

const char *test_file(const test_directory *directory, const char *name, test_file_path path) {
  snprintf(path, sizeof(test_file_path), "%s/%s", directory->path, name);
  return path;
}

static int each_file(const test_directory *directory, int remove_them) {
  DIR *listing = opendir(directory->path);
  assert_non_null(listing);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(listing));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    count++;
    char path[sizeof directory->path + sizeof entry->d_name + 1];
    snprintf(path, sizeof path, "%s/%s", directory->path, entry->d_name);
    if (remove_them) unlink(path);
  }
  closedir(listing);
  return count;
}

int test_directory_files(const test_directory *directory) {
  return each_file(directory, 0);
}

void test_directory_remove(test_directory *directory) {
  each_file(directory, 1);
  assert_int_equal(rmdir(directory->path), 0);
}

test_file_place test_file_place_make(const char *name) {
  test_file_place place = {.context = test_context(ONEFOLD_ISA_REF, 1)};
  test_directory_make(&place.directory);
  test_file(&place.directory, name, place.path);
  return place;
}

void test_file_place_free(test_file_place *place) {
  test_directory_remove(&place->directory);
  onefold_context_destroy(place->context);
}

void test_file_write(const char *path, const void *bytes, size_t length) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
}

void test_file_is(const char *path, const void *bytes, size_t length) {
  FILE *file = fopen(path, "rb");
  if (!file) test_failed("%s is not there", path);
  unsigned char *content = malloc(length + 1);
  assert_non_null(content);
  const size_t got = fread(content, 1, length + 1, file);
  fclose(file);
  if (got != length) test_failed("%s has %zu bytes or more, not %zu", path, got, length);
  assert_memory_equal(content, bytes, length);
  free(content);
}

static void set_limit(rlim_t bytes, void (*handler)(int)) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  assert_true(signal(SIGXFSZ, handler) != SIG_ERR);
}

void test_file_limit(size_t bytes) {
  set_limit(bytes, SIG_IGN);
}

void test_file_unlimit(void) {
  set_limit(RLIM_INFINITY, SIG_DFL);
}
