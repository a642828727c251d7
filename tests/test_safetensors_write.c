// SPDX-License-Identifier: BSD-3-Clause
// The writer of safetensors files: what it writes is read again, and a failure leaves nothing.
#include "models/safetensors_write.h"
#include "tests/file_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef onefold_safetensors_entry entry;
typedef onefold_safetensors_text text;
typedef onefold_safetensors_writer writer;

/// Types of every width, one that is not known, one that is empty, and a scalar.
static const entry entries[] = {
    {"stage1.0.weight", "F32", {2, 3}, 2, 24},
    {"counter", "I64", {0}, 0, 8},
    {"half", "F16", {3}, 1, 6},
    {"none", "F32", {0, 5}, 2, 0},
    {"quoted \"\\ \xc3\xa9", "F4_X", {7}, 1, 5},
    {"mask", "BOOL", {1, 1, 1, 1, 1, 1, 1, 3}, 8, 3},
};
#define ENTRIES (sizeof entries / sizeof *entries)
enum { DATA = 24 + 8 + 6 + 5 + 3 };

static void fill(unsigned char data[DATA]) {
  for (int i = 0; i < DATA; i++) data[i] = (unsigned char)(37 * i + 11);
}

/// Writes the entries in pieces of `piece` bytes.
static onefold_status write_all(const test_file_place *p, size_t piece,
                                const onefold_safetensors *source, const text *texts,
                                size_t text_count) {
  unsigned char data[DATA];
  fill(data);
  writer w;
  onefold_status status = onefold_safetensors_begin(p->context, p->path, entries, ENTRIES, source,
                                                    texts, text_count, &w);
  if (status != ONEFOLD_OK) return status;
  for (size_t at = 0; at < DATA && status == ONEFOLD_OK; at += piece)
    status = onefold_safetensors_append(&w, data + at, at + piece < DATA ? piece : DATA - at);
  if (status == ONEFOLD_OK) return onefold_safetensors_finish(&w);
  onefold_safetensors_abort(&w);
  return status;
}

static void test_round_trip(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  unsigned char data[DATA];
  fill(data);
  for (size_t piece = 1; piece <= DATA; piece += 9) {
    test_case("pieces of %zu", piece);
    test_ok(p.context, write_all(&p, piece, NULL, NULL, 0));
    assert_int_equal(test_directory_files(&p.directory), 1);
    onefold_weights *weights;
    test_ok(p.context, onefold_weights_open(p.context, p.path, &weights));
    const onefold_safetensors *file = onefold_weights_file(weights);
    assert_non_null(file);
    assert_int_equal((uintptr_t)file->data % 8, 0);
    assert_int_equal(file->count, ENTRIES);
    size_t at = 0;
    for (size_t i = 0; i < ENTRIES; i++) {
      const onefold_tensor *t = onefold_safetensors_find(file, entries[i].name);
      assert_non_null(t);
      assert_string_equal(t->dtype_name, entries[i].dtype);
      assert_int_equal(t->rank, entries[i].rank);
      assert_memory_equal(t->dims, entries[i].dims, sizeof t->dims);
      assert_int_equal(t->end - t->begin, entries[i].bytes);
      assert_memory_equal(onefold_safetensors_bytes(file, t), data + at, entries[i].bytes);
      at += entries[i].bytes;
    }
    assert_null(onefold_weights_metadata(weights, "format"));
    onefold_weights_close(weights);
  }
  test_file_place_free(&p);
}

/// The very bytes of a small file: length, header, blanks to a multiple of 8, data.
static void test_bytes(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"U8\","
                               "\"shape\":[2,1],\"data_offsets\":[0,2]}}";
  const text texts[] = {{"format", "pt"}};
  const entry a = {"a", "U8", {2, 1}, 2, 2};
  writer w;
  test_ok(p.context, onefold_safetensors_begin(p.context, p.path, &a, 1, NULL, texts, 1, &w));
  test_ok(p.context, onefold_safetensors_append(&w, "xy", 2));
  test_ok(p.context, onefold_safetensors_finish(&w));
  unsigned char want[128] = {0};
  const size_t length = (sizeof header - 1 + 7) / 8 * 8;
  want[0] = (unsigned char)length;
  memset(want + 8, ' ', length);
  memcpy(want + 8, header, sizeof header - 1);
  memcpy(want + 8 + length, "xy", 2);
  test_file_is(p.path, want, 8 + length + 2);

  test_ok(p.context, onefold_safetensors_begin(p.context, p.path, NULL, 0, NULL, NULL, 0, &w));
  test_ok(p.context, onefold_safetensors_finish(&w));
  test_file_is(p.path, "\10\0\0\0\0\0\0\0{}      ", 16);
  test_file_place_free(&p);
}

static void test_metadata(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  static const char header[] = "{\"__metadata__\":{\"format\":\"pt\",\"author\":\"\xc3\xa9\","
                               "\"number\":7,\"list\":[\"x\"]}}";
  unsigned char bytes[8 + sizeof header - 1] = {sizeof header - 1};
  memcpy(bytes + 8, header, sizeof header - 1);
  onefold_safetensors source;
  test_ok(p.context, onefold_safetensors_parse(p.context, "source", bytes, sizeof bytes, &source));
  const text texts[] = {{"format", "np"}, {"onefold", "folded"}};
  test_ok(p.context, write_all(&p, DATA, &source, texts, 2));
  onefold_safetensors_clear(p.context, &source);
  onefold_weights *weights;
  test_ok(p.context, onefold_weights_open(p.context, p.path, &weights));
  assert_string_equal(onefold_weights_metadata(weights, "format"), "np");
  assert_string_equal(onefold_weights_metadata(weights, "onefold"), "folded");
  assert_string_equal(onefold_weights_metadata(weights, "author"), "\xc3\xa9");
  assert_null(onefold_weights_metadata(weights, "number"));
  assert_null(onefold_weights_metadata(weights, "list"));
  assert_null(onefold_weights_metadata(weights, "none"));
  assert_null(onefold_weights_metadata(weights, NULL));
  assert_int_equal(onefold_weights_file(weights)->count, ENTRIES);
  onefold_weights_close(weights);
  test_ok(p.context, onefold_weights_seeded(p.context, 1, &weights));
  assert_null(onefold_weights_metadata(weights, "format"));
  assert_null(onefold_weights_file(weights));
  onefold_weights_close(weights);
  assert_null(onefold_weights_metadata(NULL, "format"));
  assert_null(onefold_weights_file(NULL));
  test_file_place_free(&p);
}

// ------------------------------------------------------------------ failures

/// Nothing but the old file is in the directory.
static void expect_untouched(const test_file_place *p) {
  test_file_is(p->path, "old", 3);
  assert_int_equal(test_directory_files(&p->directory), 1);
}

static void test_refusals(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  test_file_write(p.path, "old", 3);
  static const struct {
    entry entries[2];
    onefold_status status;
    const char *says;
  } cases[] = {
      {{{"", "F32", {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "name ''"},
      {{{NULL, "F32", {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "name '(null)'"},
      {{{"__metadata__", "F32", {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "'__metadata__'"},
      {{{"\xff", "F32", {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "not UTF-8"},
      {{{"a", NULL, {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "no element type"},
      {{{"a", "", {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "no element type"},
      {{{"a", "\xff", {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "cannot be written"},
      {{{"a", "F32", {1}, 9, 4}}, ONEFOLD_INVALID_ARGUMENT, "rank 9"},
      {{{"a", "F32", {1}, -1, 4}}, ONEFOLD_INVALID_ARGUMENT, "rank -1"},
      {{{"a", "F32", {3, -1}, 2, 4}}, ONEFOLD_INVALID_ARGUMENT, "dimension 1 is -1"},
      {{{"a", "F32", {INT64_MAX, 2}, 2, 4}}, ONEFOLD_INVALID_ARGUMENT, "dimension 0 is"},
      {{{"a", "F32", {3}, 1, 11}}, ONEFOLD_INVALID_ARGUMENT, "takes 12 bytes of F32, not 11"},
      {{{"a", "F32", {1}, 1, 4}, {"a", "F32", {1}, 1, 4}}, ONEFOLD_INVALID_ARGUMENT, "twice"},
      {{{"a", "F4_X", {1}, 1, SIZE_MAX}}, ONEFOLD_OVERFLOW, "do not fit"},
      {{{"a", "F4_X", {1}, 1, PTRDIFF_MAX}, {"b", "F32", {1}, 1, 4}}, ONEFOLD_OVERFLOW, "'b'"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("%s", cases[i].says);
    const size_t count = cases[i].entries[1].name ? 2 : 1;
    writer w;
    test_fails(
        p.context,
        onefold_safetensors_begin(p.context, p.path, cases[i].entries, count, NULL, NULL, 0, &w),
        cases[i].status);
    test_says(p.context, cases[i].says);
    test_says(p.context, p.path);
    onefold_safetensors_abort(&w); // closed already
    expect_untouched(&p);
  }
  const text bad = {"key", "\xff"};
  test_fails(p.context, write_all(&p, DATA, NULL, &bad, 1), ONEFOLD_INVALID_ARGUMENT);
  test_says(p.context, "metadata 'key'");
  expect_untouched(&p);
  test_file_place_free(&p);
}

static void test_wrong_amount(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  test_file_write(p.path, "old", 3);
  const entry a = {"a", "F32", {1}, 1, 4};
  writer w;
  test_ok(p.context, onefold_safetensors_begin(p.context, p.path, &a, 1, NULL, NULL, 0, &w));
  assert_int_equal(test_directory_files(&p.directory), 2);
  test_ok(p.context, onefold_safetensors_append(&w, "abc", 3));
  test_fails(p.context, onefold_safetensors_append(&w, "de", 2), ONEFOLD_INVALID_ARGUMENT);
  test_says(p.context, "2 bytes after 3");
  test_fails(p.context, onefold_safetensors_finish(&w), ONEFOLD_INVALID_ARGUMENT);
  test_says(p.context, "3 bytes of data, its tensors have 4");
  expect_untouched(&p);

  test_ok(p.context, onefold_safetensors_begin(p.context, p.path, &a, 1, NULL, NULL, 0, &w));
  onefold_safetensors_abort(&w);
  onefold_safetensors_abort(&w);
  expect_untouched(&p);
  test_file_place_free(&p);
}

/// The file system refuses: in the header, in the data, at the first byte.
static void test_full(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  test_file_write(p.path, "old", 3);
  test_ok(p.context, write_all(&p, DATA, NULL, NULL, 0));
  struct stat info;
  assert_int_equal(stat(p.path, &info), 0);
  test_file_write(p.path, "old", 3);
  const size_t length = (size_t)info.st_size, limits[] = {0, 5, 100, length - DATA, length - 1};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    test_case("room for %zu of %zu bytes", limits[i], length);
    test_file_limit(limits[i]);
    const onefold_status status = write_all(&p, 7, NULL, NULL, 0);
    test_file_unlimit();
    test_fails(p.context, status, ONEFOLD_IO);
    test_says(p.context, strerror(EFBIG));
    test_says(p.context, p.path);
    expect_untouched(&p);
  }
  test_file_limit(length);
  const onefold_status status = write_all(&p, 7, NULL, NULL, 0);
  test_file_unlimit();
  test_ok(p.context, status);
  test_file_place_free(&p);
}

static void test_places(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  writer w;
  const struct {
    const char *path, *says;
  } cases[] = {{"/nonexistent/x.safetensors", "No such file"},
               {"/dev/null", "not a regular file"},
               {"", "No such file"},
               {p.directory.path, "not a regular file"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("'%s'", cases[i].path);
    onefold_status status =
        onefold_safetensors_begin(p.context, cases[i].path, NULL, 0, NULL, NULL, 0, &w);
    if (status == ONEFOLD_OK) status = onefold_safetensors_finish(&w);
    test_fails(p.context, status, ONEFOLD_IO);
    test_says(p.context, cases[i].says);
    test_says(p.context, cases[i].path);
  }
  // The place is taken by a directory while the file is written.
  test_ok(p.context, onefold_safetensors_begin(p.context, p.path, NULL, 0, NULL, NULL, 0, &w));
  assert_int_equal(mkdir(p.path, 0700), 0);
  test_fails(p.context, onefold_safetensors_finish(&w), ONEFOLD_IO);
  assert_int_equal(test_directory_files(&p.directory), 1);
  assert_int_equal(rmdir(p.path), 0);
  test_file_place_free(&p);
}

/// Two at a time, the umask's mode, and a symbolic link that stays one.
static void test_files(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("model.safetensors");
  test_file_path other, link;
  writer a, b;
  const mode_t mask = umask(027);
  test_ok(p.context, onefold_safetensors_begin(p.context, p.path, NULL, 0, NULL, NULL, 0, &a));
  umask(mask);
  test_ok(p.context, onefold_safetensors_begin(p.context, test_file(&p.directory, "other", other),
                                               NULL, 0, NULL, NULL, 0, &b));
  test_ok(p.context, onefold_safetensors_finish(&b));
  test_ok(p.context, onefold_safetensors_finish(&a));
  assert_int_equal(test_directory_files(&p.directory), 2);
  struct stat info;
  assert_int_equal(stat(p.path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640);

  test_file_write(p.path, "old", 3);
  assert_int_equal(symlink(p.path, test_file(&p.directory, "link", link)), 0);
  test_ok(p.context, onefold_safetensors_begin(p.context, link, NULL, 0, NULL, NULL, 0, &a));
  test_ok(p.context, onefold_safetensors_finish(&a));
  assert_int_equal(lstat(link, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  test_file_is(p.path, "\10\0\0\0\0\0\0\0{}      ", 16);
  test_file_place_free(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_metadata),     cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_wrong_amount), cmocka_unit_test(test_full),
      cmocka_unit_test(test_places),       cmocka_unit_test(test_files),
  };
  return cmocka_run_group_tests_name("safetensors_write", tests, NULL, NULL);
}
