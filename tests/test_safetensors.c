// SPDX-License-Identifier: BSD-3-Clause
// The reader of safetensors files: conversions, and every way in which a file can lie.
#include "models/safetensors.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// A file in memory: header text and data.
typedef struct image {
  unsigned char *bytes;
  size_t length;
} image;

static image make_image(const char *header, const void *data, size_t data_length) {
  const size_t text = strlen(header);
  image file = {malloc(8 + text + data_length + 1), 8 + text + data_length};
  assert_non_null(file.bytes);
  for (int i = 0; i < 8; i++) file.bytes[i] = (unsigned char)((uint64_t)text >> (8 * i));
  memcpy(file.bytes + 8, header, text);
  if (data_length) memcpy(file.bytes + 8 + text, data, data_length);
  return file;
}

/// Writes a temporary file and opens it; the status goes to `status`.
static onefold_weights *open_bytes(onefold_context *context, const void *bytes, size_t length,
                                   onefold_status *status) {
  char path[] = "/tmp/onefold-safetensors-XXXXXX";
  const int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_true(write(descriptor, bytes, length) == (ssize_t)length);
  close(descriptor);
  onefold_weights *weights = NULL;
  *status = onefold_weights_open(context, path, &weights);
  unlink(path);
  return weights;
}

static void expect_format(onefold_context *context, const char *header, size_t data_length,
                          onefold_status want, const char *says) {
  unsigned char data[64] = {0};
  assert_true(data_length <= sizeof data);
  test_case("%.200s", header);
  image file = make_image(header, data, data_length);
  onefold_status status;
  onefold_weights *weights = open_bytes(context, file.bytes, file.length, &status);
  test_fails(context, status, want);
  test_says(context, says);
  assert_null(weights);
  free(file.bytes);
}

#define ENTRY(dtype, shape, offsets)                                                               \
  "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const char good_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},\"a\":" ENTRY("F32", "[2,2]", "[0,16]") ",\"b\":" ENTRY(
        "F16", "[3]", "[16,22]") ",\"c\":" ENTRY("I64", "[]", "[22,30]") "}";

static void test_truncations(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const unsigned char data[30] = {0};
  image file = make_image(good_header, data, sizeof data);
  test_guard guard;
  test_guard_create(&guard, file.length + 64);
  for (size_t length = 0; length < file.length; length++) {
    test_case("%zu of %zu bytes", length, file.length);
    unsigned char *end = guard.end; // the page after it cannot be touched
    memcpy(end - length, file.bytes, length);
    onefold_safetensors parsed;
    test_fails(context, onefold_safetensors_parse(context, "t", end - length, length, &parsed),
               ONEFOLD_FORMAT);
    onefold_status status;
    open_bytes(context, file.bytes, length, &status);
    test_fails(context, status, ONEFOLD_FORMAT);
  }
  onefold_status status;
  onefold_weights *weights = open_bytes(context, file.bytes, file.length, &status);
  test_ok(context, status);
  onefold_weights_close(weights);
  file.bytes[file.length] = 0;
  open_bytes(context, file.bytes, file.length + 1, &status);
  test_fails(context, status, ONEFOLD_FORMAT);
  test_says(context, "the file at 31");
  test_guard_destroy(&guard);
  free(file.bytes);
  onefold_context_destroy(context);
}

/// Any byte of a small file may be wrong: the reader answers with a status and nothing else.
static void test_flipped_bytes(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const unsigned char data[30] = {0};
  image file = make_image(good_header, data, sizeof data);
  int refused = 0;
  for (size_t i = 0; i < file.length - sizeof data; i++)
    for (int bit = 0; bit < 8; bit++) {
      file.bytes[i] ^= (unsigned char)(1 << bit);
      onefold_safetensors parsed;
      const onefold_status status =
          onefold_safetensors_parse(context, "t", file.bytes, file.length, &parsed);
      if (status == ONEFOLD_OK)
        onefold_safetensors_clear(context, &parsed);
      else
        refused++;
      assert_true(status == ONEFOLD_OK || status == ONEFOLD_FORMAT);
      file.bytes[i] ^= (unsigned char)(1 << bit);
    }
  assert_true(refused > 500);
  free(file.bytes);
  onefold_context_destroy(context);
}

static void test_lies(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const struct {
    const char *header;
    size_t data;
    onefold_status status;
    const char *says;
  } cases[] = {
      {"", 0, ONEFOLD_FORMAT, "header"},
      {"[]", 0, ONEFOLD_FORMAT, "not a JSON object"},
      {"{", 0, ONEFOLD_FORMAT, "header"},
      {"{} x", 0, ONEFOLD_FORMAT, "header"},
      {"{}", 1, ONEFOLD_FORMAT, "the file at 1"},
      {"{\"a\":1}", 0, ONEFOLD_FORMAT, "not an object"},
      {"{\"\":" ENTRY("F32", "[1]", "[0,4]") "}", 4, ONEFOLD_FORMAT, "empty name"},
      {"{\"a\\u0000b\":" ENTRY("F32", "[1]", "[0,4]") "}", 4, ONEFOLD_FORMAT, "header"},
      {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, ONEFOLD_FORMAT, "dtype"},
      {"{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, ONEFOLD_FORMAT, "dtype"},
      {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, ONEFOLD_FORMAT, "shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, ONEFOLD_FORMAT, "data_offsets"},
      {"{\"a\":" ENTRY("F32", "{}", "[0,4]") "}", 4, ONEFOLD_FORMAT, "not an array"},
      {"{\"a\":" ENTRY("F32", "[-1]", "[0,4]") "}", 4, ONEFOLD_FORMAT, "dimension 0"},
      {"{\"a\":" ENTRY("F32", "[1.5]", "[0,4]") "}", 4, ONEFOLD_FORMAT, "dimension 0"},
      {"{\"a\":" ENTRY("F32", "[1]", "[0]") "}", 4, ONEFOLD_FORMAT, "two whole numbers"},
      {"{\"a\":" ENTRY("F32", "[1]", "[0,4,8]") "}", 4, ONEFOLD_FORMAT, "two whole numbers"},
      {"{\"a\":" ENTRY("F32", "[1]", "[4,0]") "}", 4, ONEFOLD_FORMAT, "do not lie"},
      {"{\"a\":" ENTRY("F32", "[1]", "[-4,0]") "}", 4, ONEFOLD_FORMAT, "do not lie"},
      {"{\"a\":" ENTRY("F32", "[1]", "[0,8]") "}", 4, ONEFOLD_FORMAT, "do not lie"},
      {"{\"a\":" ENTRY("F32", "[2]", "[0,4]") "}", 4, ONEFOLD_FORMAT, "do not fill"},
      {"{\"a\":" ENTRY("F64", "[1]", "[0,4]") "}", 4, ONEFOLD_FORMAT, "do not fill"},
      {"{\"a\":" ENTRY("F32", "[4611686018427387904,4611686018427387904]", "[0,4]") "}", 4,
       ONEFOLD_FORMAT, "overflow"},
      {"{\"a\":" ENTRY("F32", "[4611686018427387905]", "[0,4]") "}", 4, ONEFOLD_FORMAT,
       "do not fill"},
      {"{\"a\":" ENTRY("F32", "[99999999999999999999]", "[0,4]") "}", 4, ONEFOLD_FORMAT, "header"},
      {"{\"a\":" ENTRY("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, ONEFOLD_UNSUPPORTED,
       "9 dimensions"},
      {"{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"a\":" ENTRY("F32", "[1]", "[4,8]") "}", 8,
       ONEFOLD_FORMAT, "duplicate"},
      {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") ",\"b\":" ENTRY("F32", "[2]", "[4,12]") "}", 12,
       ONEFOLD_FORMAT, "inside that of 'a'"},
      {"{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"b\":" ENTRY("F32", "[1]", "[0,4]") "}", 4,
       ONEFOLD_FORMAT, "inside that of"},
      {"{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"b\":" ENTRY("F32", "[1]", "[8,12]") "}", 12,
       ONEFOLD_FORMAT, "belong to no tensor"},
      {"{\"a\":" ENTRY("F32", "[1]", "[4,8]") "}", 8, ONEFOLD_FORMAT, "belong to no tensor"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_format(context, cases[i].header, cases[i].data, cases[i].status, cases[i].says);
  onefold_context_destroy(context);
}

static void test_header_length(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63, 100000001, 3};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    unsigned char bytes[10] = {0};
    for (int k = 0; k < 8; k++) bytes[k] = (unsigned char)(lengths[i] >> (8 * k));
    memcpy(bytes + 8, "{}", 2);
    onefold_status status;
    open_bytes(context, bytes, sizeof bytes, &status);
    test_fails(context, status, ONEFOLD_FORMAT);
    test_says(context, "in a file of 10 bytes");
  }
  // Deeper than any JSON reader needs to go.
  char *deep = malloc(100001);
  assert_non_null(deep);
  memset(deep, '[', 100000);
  deep[100000] = '\0';
  expect_format(context, deep, 0, ONEFOLD_FORMAT, "header");
  free(deep);
  onefold_context_destroy(context);
}

static void test_conversions(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  static const char header[] = "{\"f64\":" ENTRY("F64", "[2]", "[0,16]") ",\"f32\":" ENTRY(
      "F32", "[2]",
      "[16,24]") ","
                 "\"f16\":" ENTRY("F16", "[2,3]", "[24,36]") ",\"bf16\":" ENTRY(
                     "BF16", "[2]",
                     "[36,40]") ","
                                "\"i64\":" ENTRY("I64", "[]", "[40,48]") ",\"odd\":" ENTRY(
                                    "F4_X", "[3]", "[48,50]") ","
                                                              "\"none\":" ENTRY("F32", "[0,7]",
                                                                                "[50,50]") "}";
  unsigned char data[50] = {0};
  const double f64[2] = {-1.0 / 3, 0x1p-30};
  const float f32[2] = {1.1f, -0.0f};
  // 1, -2, 65504 (the largest), 2^-24 (the smallest), infinity, 1 + 2^-10
  const uint16_t f16[6] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x3c01};
  const uint16_t bf16[2] = {0x3fc0, 0xff80}; // 1.5, -infinity
  memcpy(data, f64, 16);
  memcpy(data + 16, f32, 8);
  memcpy(data + 24, f16, 12);
  memcpy(data + 36, bf16, 4);
  image file = make_image(header, data, sizeof data);
  onefold_status status;
  onefold_weights *weights = open_bytes(context, file.bytes, file.length, &status);
  test_ok(context, status);
  free(file.bytes);

  float v[6];
  const int64_t two = 2, six[2] = {2, 3}, three = 3, empty[2] = {0, 7};
  test_ok(context, onefold_weights_read(weights, "f64", &two, 1, v));
  assert_true(v[0] == (float)(-1.0 / 3) && v[1] == 0x1p-30f);
  test_ok(context, onefold_weights_read(weights, "f32", &two, 1, v));
  assert_true(v[0] == 1.1f && v[1] == 0 && signbit(v[1]));
  test_ok(context, onefold_weights_read(weights, "f16", six, 2, v));
  assert_true(v[0] == 1 && v[1] == -2 && v[2] == 65504 && v[3] == 0x1p-24f && isinf(v[4]) &&
              v[5] == 1 + 0x1p-10f);
  test_ok(context, onefold_weights_read(weights, "bf16", &two, 1, v));
  assert_true(v[0] == 1.5f && isinf(v[1]) && v[1] < 0);
  test_ok(context, onefold_weights_read(weights, "none", empty, 2, v));

  test_fails(context, onefold_weights_read(weights, "i64", NULL, 0, v), ONEFOLD_UNSUPPORTED);
  test_says(context, "I64");
  test_fails(context, onefold_weights_read(weights, "odd", &three, 1, v), ONEFOLD_UNSUPPORTED);
  test_says(context, "F4_X");
  test_fails(context, onefold_weights_read(weights, "f16", &two, 1, v), ONEFOLD_SHAPE_MISMATCH);
  test_says(context, "'f16' is 2x3, 2 is needed");
  test_fails(context, onefold_weights_read(weights, "i64", &two, 1, v), ONEFOLD_SHAPE_MISMATCH);
  test_says(context, "scalar");
  test_fails(context, onefold_weights_read(weights, "g", &two, 1, v), ONEFOLD_NOT_FOUND);
  test_says(context, "'g'");
  int64_t dims[8];
  int32_t rank;
  test_ok(context, onefold_weights_shape(weights, "f16", dims, &rank));
  assert_int_equal(rank, 2);
  assert_int_equal(dims[1], 3);
  test_fails(context, onefold_weights_shape(weights, "g", dims, &rank), ONEFOLD_NOT_FOUND);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

static void append_name(void *user, const char *name, const char *dtype, const int64_t *dims,
                        int32_t rank) {
  (void)dims;
  char *text = user;
  snprintf(text + strlen(text), 64 - strlen(text), "%s:%s:%d ", name, dtype, (int)rank);
}

static void test_visit(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  // In the order of the data, not of the header or the names.
  static const char header[] = "{\"b\":" ENTRY("F32", "[1]", "[4,8]") ",\"z\":" ENTRY(
      "F32", "[]", "[0,4]") ","
                            "\"a\":" ENTRY("F16", "[1,1]", "[8,10]") "}";
  unsigned char data[10] = {0};
  image file = make_image(header, data, sizeof data);
  onefold_status status;
  onefold_weights *weights = open_bytes(context, file.bytes, file.length, &status);
  test_ok(context, status);
  char text[64] = "";
  onefold_weights_visit(weights, append_name, text);
  assert_string_equal(text, "z:F32:0 b:F32:1 a:F16:2 ");
  onefold_weights_close(weights);
  free(file.bytes);
  onefold_context_destroy(context);
}

static void test_files(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_weights *weights = NULL;
  test_fails(context, onefold_weights_open(context, "/nonexistent/x", &weights), ONEFOLD_IO);
  test_says(context, "/nonexistent/x");
  test_fails(context, onefold_weights_open(context, "/", &weights), ONEFOLD_IO);
  test_says(context, "regular file");
  test_fails(context, onefold_weights_open(context, NULL, &weights), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_weights_open(NULL, "x", &weights), ONEFOLD_INVALID_ARGUMENT);
  onefold_weights_close(NULL);
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_truncations), cmocka_unit_test(test_flipped_bytes),
      cmocka_unit_test(test_lies),        cmocka_unit_test(test_header_length),
      cmocka_unit_test(test_conversions), cmocka_unit_test(test_visit),
      cmocka_unit_test(test_files),
  };
  return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
