// SPDX-License-Identifier: BSD-3-Clause
// Arrays in .npy files: round trips, bytes as numpy writes them, and everything that is refused.
#include "models/npy.h"
#include "tests/file_support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DICT(descr, order, shape)                                                                  \
  "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

/// A file of the given version in `bytes`: the text, a line feed, and `data` bytes, which count
/// up from 0. Returns its length.
static size_t make_file(int version, const char *text, size_t data, unsigned char bytes[1024]) {
  const size_t length = strlen(text) + 1, start = version == 1 ? 10 : 12;
  assert_true(start + length + data <= 1024);
  memcpy(bytes, "\x93NUMPY", 6);
  bytes[6] = (unsigned char)version;
  bytes[7] = 0;
  for (size_t i = 8; i < start; i++) bytes[i] = (unsigned char)(length >> (8 * (i - 8)));
  memcpy(bytes + start, text, length - 1);
  bytes[start + length - 1] = '\n';
  for (size_t i = 0; i < data; i++) bytes[start + length + i] = (unsigned char)i;
  return start + length + data;
}

/// Parses a copy that ends where memory ends.
static onefold_status parse(onefold_context *context, test_guard *guard, const void *bytes,
                            size_t length, onefold_npy *array) {
  unsigned char *at = guard->end - length;
  memcpy(at, bytes, length);
  return onefold_npy_parse(context, "t.npy", at, length, array);
}

static void test_accepted(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  static const struct {
    const char *text;
    int32_t rank;
    int64_t dims[8];
  } cases[] = {
      {DICT("'<f4'", "False", "()"), 0, {0}},
      {DICT("'<f4'", "False", "(3,)"), 1, {3}},
      {DICT("'<f4'", "False", "(2, 3)"), 2, {2, 3}},
      {DICT("'<f4'", "False", "(2, 3,)"), 2, {2, 3}},
      {DICT("'<f4'", "False", "(0, 7)"), 2, {0, 7}},
      {DICT("'<f4'", "False", "(1, 2, 1, 3, 1, 2, 1, 2)") "      ", 8, {1, 2, 1, 3, 1, 2, 1, 2}},
      {"{\"shape\":(4,),\"descr\":\"<f4\",\"fortran_order\":False}", 1, {4}},
      {" {\n'fortran_order' : False\t, 'shape' : ( 2 , 2 ) , 'descr' : '<f4' } \n ", 2, {2, 2}},
  };
  test_guard guard;
  test_guard_create(&guard, 1024);
  for (int version = 1; version <= 3; version++)
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      test_case("version %d: %s", version, cases[i].text);
      size_t count = 1;
      for (int32_t k = 0; k < cases[i].rank; k++) count *= (size_t)cases[i].dims[k];
      unsigned char bytes[1024];
      const size_t length = make_file(version, cases[i].text, 4 * count, bytes);
      onefold_npy array;
      test_ok(context, parse(context, &guard, bytes, length, &array));
      assert_int_equal(array.rank, cases[i].rank);
      assert_memory_equal(array.dims, cases[i].dims, sizeof array.dims);
      assert_int_equal(array.count, count);
      assert_ptr_equal(array.data + 4 * count, guard.end);
    }
  test_guard_destroy(&guard);
  onefold_context_destroy(context);
}

static void test_refused(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  static const struct {
    const char *text;
    size_t data;
    onefold_status status;
    const char *says;
  } cases[] = {
      {DICT("'<f8'", "False", "(1,)"), 8, ONEFOLD_UNSUPPORTED, "'<f8'"},
      {DICT("'<f2'", "False", "(1,)"), 2, ONEFOLD_UNSUPPORTED, "'<f2'"},
      {DICT("'>f4'", "False", "(1,)"), 4, ONEFOLD_UNSUPPORTED, "'>f4', big-endian"},
      {DICT("'|u1'", "False", "(1,)"), 1, ONEFOLD_UNSUPPORTED, "'|u1'"},
      {DICT("'<i8'", "False", "(1,)"), 8, ONEFOLD_UNSUPPORTED, "'<i8'"},
      {DICT("'|O'", "False", "(1,)"), 8, ONEFOLD_UNSUPPORTED, "'|O'"},
      {DICT("''", "False", "(1,)"), 4, ONEFOLD_UNSUPPORTED, "''"},
      {DICT("[('a', '<f4')]", "False", "(1,)"), 4, ONEFOLD_UNSUPPORTED, "structured"},
      {DICT("'<f4'", "True", "(1,)"), 4, ONEFOLD_UNSUPPORTED, "fortran_order is True"},
      {DICT("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), 4, ONEFOLD_UNSUPPORTED, "at most 8"},
      {DICT("'<f4'", "False", "(2,)"), 4, ONEFOLD_FORMAT, "4 bytes of data, its shape takes 8"},
      {DICT("'<f4'", "False", "(2,)"), 9, ONEFOLD_FORMAT, "9 bytes of data, its shape takes 8"},
      {DICT("'<f4'", "False", "(2, 0)"), 1, ONEFOLD_FORMAT, "its shape takes 0"},
      {DICT("'<f4'", "False", "()"), 0, ONEFOLD_FORMAT, "its shape takes 4"},
      {DICT("'<f4'", "False", "(-1,)"), 4, ONEFOLD_FORMAT, "a whole number"},
      {DICT("'<f4'", "False", "(1.0,)"), 4, ONEFOLD_FORMAT, "a comma or )"},
      {DICT("'<f4'", "False", "(1L,)"), 4, ONEFOLD_FORMAT, "a comma or )"},
      {DICT("'<f4'", "False", "(1 1)"), 4, ONEFOLD_FORMAT, "a comma or )"},
      {DICT("'<f4'", "False", "(1)"), 4, ONEFOLD_FORMAT, "a comma in a shape"},
      {DICT("'<f4'", "False", "(,)"), 4, ONEFOLD_FORMAT, "a whole number"},
      {DICT("'<f4'", "False", "(1,,1)"), 4, ONEFOLD_FORMAT, "a whole number"},
      {DICT("'<f4'", "False", "[1]"), 4, ONEFOLD_FORMAT, "( is expected"},
      {DICT("'<f4'", "False", "(9223372036854775808,)"), 4, ONEFOLD_FORMAT, "64 bits"},
      {DICT("'<f4'", "False", "(9223372036854775807,)"), 4, ONEFOLD_FORMAT, "overflows"},
      {DICT("'<f4'", "False", "(4294967296, 4294967296)"), 4, ONEFOLD_FORMAT, "overflows"},
      {DICT("'<f4'", "False", "(4611686018427387904,)"), 0, ONEFOLD_FORMAT, "overflows"},
      {DICT("'<f4'", "Falsey", "(1,)"), 4, ONEFOLD_FORMAT, "a comma or }"},
      {DICT("'<f4'", "0", "(1,)"), 4, ONEFOLD_FORMAT, "True or False"},
      {DICT("f4", "False", "(1,)"), 4, ONEFOLD_FORMAT, "a text in quotes"},
      {"{'descr': '<f4}", 4, ONEFOLD_FORMAT, "a closing quote"},
      {DICT("'\\x3cf4'", "False", "(1,)"), 4, ONEFOLD_FORMAT, "a closing quote"},
      {DICT("'a type whose name is much too long'", "False", "(1,)"), 4, ONEFOLD_FORMAT,
       "a closing quote"},
      {"", 4, ONEFOLD_FORMAT, "{ is expected"},
      {"[]", 4, ONEFOLD_FORMAT, "{ is expected"},
      {"{}", 4, ONEFOLD_FORMAT, "no 'descr'"},
      {"{,}", 4, ONEFOLD_FORMAT, "a text in quotes"},
      {"{'descr': '<f4'}", 4, ONEFOLD_FORMAT, "no 'fortran_order'"},
      {"{'descr': '<f4', 'fortran_order': False}", 4, ONEFOLD_FORMAT, "no 'shape'"},
      {"{'descr' '<f4'}", 4, ONEFOLD_FORMAT, "a colon"},
      {"{'descr': '<f4' 'shape': ()}", 4, ONEFOLD_FORMAT, "a comma or }"},
      {"{'descr': '<f4', 'descr': '<f4'}", 4, ONEFOLD_FORMAT, "'descr' is there twice"},
      {"{'order': 1}", 4, ONEFOLD_FORMAT, "'order' is none of"},
      {DICT("'<f4'", "False", "(1,)") " x", 4, ONEFOLD_FORMAT, "nothing more"},
      {DICT("'<f4'", "False", "(1,)") "}", 4, ONEFOLD_FORMAT, "nothing more"},
  };
  test_guard guard;
  test_guard_create(&guard, 1024);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("%s with %zu bytes", cases[i].text, cases[i].data);
    unsigned char bytes[1024];
    const size_t length = make_file(1, cases[i].text, cases[i].data, bytes);
    onefold_npy array;
    test_fails(context, parse(context, &guard, bytes, length, &array), cases[i].status);
    test_says(context, cases[i].says);
    test_says(context, "t.npy");
  }
  test_guard_destroy(&guard);
  onefold_context_destroy(context);
}

/// What stands before the dictionary, and the line feed behind it.
static void test_preamble(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  static const struct {
    size_t at;
    unsigned char value;
    onefold_status status;
    const char *says;
  } cases[] = {
      {0, 0x92, ONEFOLD_FORMAT, "does not begin"},
      {5, 'y', ONEFOLD_FORMAT, "does not begin"},
      {6, 0, ONEFOLD_UNSUPPORTED, "version 0.0"},
      {6, 4, ONEFOLD_UNSUPPORTED, "version 4.0"},
      {6, 255, ONEFOLD_UNSUPPORTED, "version 255.0"},
      {7, 1, ONEFOLD_UNSUPPORTED, "version 1.1"},
      {6, 2, ONEFOLD_FORMAT, "in a file of"},
      {8, 255, ONEFOLD_FORMAT, "a header of 255 bytes"},
      {9, 255, ONEFOLD_FORMAT, "a header of 65"},
  };
  test_guard guard;
  test_guard_create(&guard, 1024);
  unsigned char bytes[1024];
  static const char text[] = DICT("'<f4'", "False", "(1,)");
  onefold_npy array;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const size_t length = make_file(1, text, 4, bytes);
    test_case("byte %zu is %d", cases[i].at, cases[i].value);
    bytes[cases[i].at] = cases[i].value;
    test_fails(context, parse(context, &guard, bytes, length, &array), cases[i].status);
    test_says(context, cases[i].says);
  }
  const size_t length = make_file(2, text, 4, bytes);
  bytes[11] = 255;
  test_fails(context, parse(context, &guard, bytes, length, &array), ONEFOLD_FORMAT);
  test_says(context, "a header of 42781");
  make_file(1, text, 0, bytes);
  bytes[8]--; // the line feed is then data
  test_fails(context, parse(context, &guard, bytes, 10 + sizeof text, &array), ONEFOLD_FORMAT);
  test_says(context, "a line feed is expected");
  test_guard_destroy(&guard);
  onefold_context_destroy(context);
}

static void test_truncated(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  test_guard guard;
  test_guard_create(&guard, 1024);
  for (int version = 1; version <= 3; version++) {
    unsigned char bytes[1024];
    const size_t length = make_file(version, DICT("'<f4'", "False", "(2, 3)"), 24, bytes);
    onefold_npy array;
    for (size_t n = 0; n < length; n++) {
      test_case("version %d, %zu of %zu bytes", version, n, length);
      test_fails(context, parse(context, &guard, bytes, n, &array), ONEFOLD_FORMAT);
    }
    // The header too ends early: its length says so.
    const size_t start = version == 1 ? 10 : 12;
    for (size_t n = start; n + 24 < length; n++) {
      test_case("version %d, a header of %zu bytes", version, n - start);
      bytes[8] = (unsigned char)(n - start);
      test_fails(context, parse(context, &guard, bytes, n, &array), ONEFOLD_FORMAT);
    }
  }
  test_guard_destroy(&guard);
  onefold_context_destroy(context);
}

/// Any bit of the header may be wrong: the answer is a status, and what is accepted is whole.
static void test_flipped(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  test_guard guard;
  test_guard_create(&guard, 1024);
  unsigned char bytes[1024];
  const size_t length = make_file(1, DICT("'<f4'", "False", "(2, 3)"), 24, bytes);
  int refused = 0;
  for (size_t bit = 0; bit < 8 * (length - 24); bit++) {
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    onefold_npy array;
    const onefold_status status = parse(context, &guard, bytes, length, &array);
    if (status == ONEFOLD_OK) {
      assert_int_equal(array.count, 6);
      assert_ptr_equal(array.data + 24, guard.end);
    } else {
      assert_true(status == ONEFOLD_FORMAT || status == ONEFOLD_UNSUPPORTED);
      refused++;
    }
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  assert_true(refused > 400);
  test_guard_destroy(&guard);
  onefold_context_destroy(context);
}

// --------------------------------------------------------------------- files

static void test_round_trip(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("array.npy");
  float values[384];
  for (int i = 0; i < 384; i++) values[i] = (float)i * 0.37f - 11;
  values[0] = -0.0f;
  static const onefold_array arrays[] = {
      {.rank = 0},
      {.rank = 1, .dims = {5}},
      {.rank = 1, .dims = {0}},
      {.rank = 2, .dims = {17, 3}},
      {.rank = 3, .dims = {2, 0, 4}},
      {.rank = 4, .dims = {1, 3, 7, 5}},
      {.rank = 8, .dims = {2, 1, 2, 3, 4, 1, 4, 2}},
  };
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    onefold_array array = arrays[i], back;
    size_t count = 1;
    for (int32_t k = 0; k < array.rank; k++) count *= (size_t)array.dims[k];
    test_case("rank %d, %zu elements", (int)array.rank, count);
    assert_true(count <= 384);
    array.values = count > 0 ? values : NULL;
    test_ok(p.context, onefold_array_write(p.context, p.path, &array));
    test_ok(p.context, onefold_array_read(p.context, p.path, &back));
    assert_int_equal(back.rank, array.rank);
    assert_memory_equal(back.dims, array.dims, sizeof back.dims);
    if (count > 0) assert_memory_equal(back.values, values, count * sizeof *values);
    onefold_array_release(p.context, &back);
    assert_null(back.values);
  }
  assert_int_equal(test_directory_files(&p.directory), 1);
  test_file_place_free(&p);
}

/// The bytes that are written: a header of 128 bytes, the data little-endian.
static void test_bytes(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("array.npy");
  static const char text[] = DICT("'<f4'", "False", "(1, 2)");
  float values[2] = {1.0f, -2.5f};
  const onefold_array array = {.rank = 2, .dims = {1, 2}, .values = values};
  unsigned char want[136];
  memset(want, ' ', sizeof want);
  memcpy(want, "\x93NUMPY\1\0\x76\0", 10);
  memcpy(want + 10, text, sizeof text - 1);
  want[127] = '\n';
  memcpy(want + 128, "\0\0\x80\x3f\0\0\x20\xc0", 8);
  test_ok(p.context, onefold_array_write(p.context, p.path, &array));
  test_file_is(p.path, want, sizeof want);

  // Every header fits, ends in a line feed and fills 64 bytes.
  int64_t dims[8];
  for (int digits = 1; digits <= 19; digits++)
    for (int32_t rank = 0; rank <= 8; rank++) {
      for (int i = 0; i < 8; i++) dims[i] = digits == 19 ? INT64_MAX : (int64_t)pow(10, digits - 1);
      char header[ONEFOLD_NPY_HEADER];
      const size_t length = onefold_npy_header(dims, rank, header);
      assert_true(length <= sizeof header && length % 64 == 0);
      assert_int_equal(header[length - 1], '\n');
      const char *brace = memchr(header, '}', length);
      assert_non_null(brace);
      for (const char *at = brace + 1; at < header + length - 1; at++) assert_int_equal(*at, ' ');
    }
  test_file_place_free(&p);
}

static void test_file_errors(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("array.npy");
  onefold_array array;
  test_fails(p.context, onefold_array_read(p.context, "/nonexistent/x.npy", &array), ONEFOLD_IO);
  test_says(p.context, "/nonexistent/x.npy: No such file");
  test_fails(p.context, onefold_array_read(p.context, p.directory.path, &array), ONEFOLD_IO);
  test_says(p.context, "not a regular file");
  test_file_write(p.path, "", 0);
  test_fails(p.context, onefold_array_read(p.context, p.path, &array), ONEFOLD_FORMAT);
  test_says(p.context, "0 bytes are too few for a .npy file");
  test_file_write(p.path, "\x93NUMPY\1", 7);
  test_fails(p.context, onefold_array_read(p.context, p.path, &array), ONEFOLD_FORMAT);
  test_says(p.context, p.path);
  assert_null(array.values);
  test_fails(p.context, onefold_array_read(p.context, NULL, &array), ONEFOLD_INVALID_ARGUMENT);
  test_fails(p.context, onefold_array_read(p.context, p.path, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_fails(p.context, onefold_array_read(NULL, p.path, &array), ONEFOLD_INVALID_ARGUMENT);
  onefold_array_release(p.context, NULL);
  test_file_place_free(&p);
}

static void test_write_errors(void **state) {
  (void)state;
  test_file_place p = test_file_place_make("array.npy");
  float values[64] = {0};
  const onefold_array good = {.rank = 1, .dims = {64}, .values = values};
  static const struct {
    onefold_array array;
    const char *says;
  } cases[] = {
      {{.rank = -1}, "rank -1"},
      {{.rank = 9}, "rank 9"},
      {{.rank = 2, .dims = {2, -3}}, "dimension 1 is -3"},
      {{.rank = 2, .dims = {INT64_MAX, INT64_MAX}}, "dimension 0 is 9223372036854775807"},
      {{.rank = 0}, "values is NULL"},
  };
  test_file_write(p.path, "old", 3);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("%s", cases[i].says);
    test_fails(p.context, onefold_array_write(p.context, p.path, &cases[i].array),
               ONEFOLD_INVALID_ARGUMENT);
    test_says(p.context, cases[i].says);
  }
  test_fails(p.context, onefold_array_write(p.context, NULL, &good), ONEFOLD_INVALID_ARGUMENT);
  test_fails(p.context, onefold_array_write(p.context, p.path, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_fails(p.context, onefold_array_write(NULL, p.path, &good), ONEFOLD_INVALID_ARGUMENT);
  test_fails(p.context, onefold_array_write(p.context, "/nonexistent/y.npy", &good), ONEFOLD_IO);
  test_says(p.context, "/nonexistent/y.npy: No such file");
  static const size_t limits[] = {0, 127, 128, 128 + 255};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    test_case("room for %zu bytes", limits[i]);
    test_file_limit(limits[i]);
    const onefold_status status = onefold_array_write(p.context, p.path, &good);
    test_file_unlimit();
    test_fails(p.context, status, ONEFOLD_IO);
    test_says(p.context, strerror(EFBIG));
  }
  test_file_is(p.path, "old", 3);
  assert_int_equal(test_directory_files(&p.directory), 1);
  test_file_place_free(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accepted),     cmocka_unit_test(test_refused),
      cmocka_unit_test(test_preamble),     cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_flipped),      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_bytes),        cmocka_unit_test(test_file_errors),
      cmocka_unit_test(test_write_errors),
  };
  return cmocka_run_group_tests_name("npy", tests, NULL, NULL);
}
