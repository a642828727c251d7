// SPDX-License-Identifier: BSD-3-Clause
// Files of the tests: a directory of their own, whole contents, and a limit on their size.
#ifndef ONEFOLD_TESTS_FILE_SUPPORT_H
#define ONEFOLD_TESTS_FILE_SUPPORT_H

#include "tests/support.h"

typedef struct test_directory {
  char path[256];
} test_directory;

/// An empty directory.
void test_directory_make(test_directory *directory);
/// How many files are in it.
int test_directory_files(const test_directory *directory);
/// Removes it with its files.
void test_directory_remove(test_directory *directory);

/// <directory>/<name>, in `path`, which is returned.
typedef char test_file_path[320];
const char *test_file(const test_directory *directory, const char *name, test_file_path path);

/// A directory for one file, and a context of level ref to read and write it with.
typedef struct test_file_place {
  onefold_context *context;
  test_directory directory;
  test_file_path path;
} test_file_place;
test_file_place test_file_place_make(const char *name);
void test_file_place_free(test_file_place *place);

void test_file_write(const char *path, const void *bytes, size_t length);
/// Fails unless the file is exactly these bytes.
void test_file_is(const char *path, const void *bytes, size_t length);

/// From here on, writing past `bytes` of any file fails with EFBIG; SIGXFSZ is ignored.
void test_file_limit(size_t bytes);
void test_file_unlimit(void);

#endif
