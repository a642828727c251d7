// SPDX-License-Identifier: BSD-3-Clause
// Reading the header of a .npy file: a Python dictionary of three entries, in any order.
#include "models/npy.h"

#include <stdio.h>
#include <string.h>

#define MAGIC       "\x93NUMPY"
#define MAGIC_BYTES 6

// Bytes of the longest text between quotes that is kept.
#define MAX_WORD 32

enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };

/// A place in the header's text, and what was read of it.
typedef struct reader {
  const onefold_context *context;
  const char *label;
  const unsigned char *begin, *at, *end;
  onefold_npy *array;
} reader;

static onefold_status fail_syntax(const reader *r, const char *expected) {
  return onefold_fail(r->context, ONEFOLD_FORMAT, "%s: header, byte %zu: %s is expected", r->label,
                      (size_t)(r->at - r->begin), expected);
}

static void skip_blanks(reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
    r->at++;
}

/// Takes `c`, after blanks, if it is next.
static int take(reader *r, unsigned char c) {
  skip_blanks(r);
  if (r->at == r->end || *r->at != c) return 0;
  r->at++;
  return 1;
}

/// Takes a word of letters if it is next.
static int take_word(reader *r, const char *word) {
  const size_t length = strlen(word);
  skip_blanks(r);
  if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return 0;
  r->at += length;
  return 1;
}

/// A text of printable ASCII between single or double quotes, without escapes.
static onefold_status read_text(reader *r, char word[MAX_WORD]) {
  skip_blanks(r);
  const unsigned char quote = r->at < r->end ? *r->at : 0;
  if (quote != '\'' && quote != '"') return fail_syntax(r, "a text in quotes");
  r->at++;
  size_t n = 0;
  for (; r->at < r->end && *r->at != quote; r->at++) {
    if (*r->at < ' ' || *r->at > '~' || *r->at == '\\' || n + 1 == MAX_WORD)
      return fail_syntax(r, "a closing quote");
    word[n++] = (char)*r->at;
  }
  word[n] = '\0';
  return take(r, quote) ? ONEFOLD_OK : fail_syntax(r, "a closing quote");
}

static onefold_status read_descr(reader *r) {
  char type[MAX_WORD] = "";
  skip_blanks(r);
  if (r->at < r->end && *r->at == '[')
    return onefold_fail(r->context, ONEFOLD_UNSUPPORTED,
                        "%s: a structured element type; only '<f4' is read", r->label);
  const onefold_status status = read_text(r, type);
  if (status != ONEFOLD_OK) return status;
  if (strcmp(type, "<f4") == 0) return ONEFOLD_OK;
  return onefold_fail(r->context, ONEFOLD_UNSUPPORTED,
                      "%s: the element type is '%s'%s; only '<f4' (float32) is read", r->label,
                      type, type[0] == '>' ? ", big-endian" : "");
}

static onefold_status read_order(reader *r) {
  if (take_word(r, "False")) return ONEFOLD_OK;
  if (!take_word(r, "True")) return fail_syntax(r, "True or False");
  return onefold_fail(r->context, ONEFOLD_UNSUPPORTED,
                      "%s: fortran_order is True; only C order is read", r->label);
}

static onefold_status read_size(reader *r, int64_t *size) {
  skip_blanks(r);
  const unsigned char *first = r->at;
  *size = 0;
  for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
    if (__builtin_mul_overflow(*size, 10, size) ||
        __builtin_add_overflow(*size, *r->at - '0', size))
      return onefold_fail(r->context, ONEFOLD_FORMAT, "%s: dimension %d does not fit in 64 bits",
                          r->label, (int)r->array->rank);
  return r->at > first ? ONEFOLD_OK : fail_syntax(r, "a whole number from 0 on");
}

/// A tuple: (), (3,), (3, 4), (3, 4,).
static onefold_status read_shape(reader *r) {
  onefold_npy *array = r->array;
  if (!take(r, '(')) return fail_syntax(r, "(");
  int comma = 1;
  while (!take(r, ')')) {
    int64_t size;
    if (!comma) return fail_syntax(r, "a comma or )");
    const onefold_status status = read_size(r, &size);
    if (status != ONEFOLD_OK) return status;
    if (array->rank == ONEFOLD_ARRAY_MAX_RANK)
      return onefold_fail(r->context, ONEFOLD_UNSUPPORTED, "%s: at most %d dimensions are read",
                          r->label, ONEFOLD_ARRAY_MAX_RANK);
    array->dims[array->rank++] = size;
    comma = take(r, ',');
  }
  // In Python, (3) is a number.
  if (array->rank == 1 && !comma) return fail_syntax(r, "a comma in a shape of one number");
  return ONEFOLD_OK;
}

static onefold_status read_entry(reader *r, int *seen) {
  static const struct {
    const char *key;
    int bit;
    onefold_status (*read)(reader *r);
  } entries[] = {{"descr", DESCR, read_descr},
                 {"fortran_order", ORDER, read_order},
                 {"shape", SHAPE, read_shape}};
  char key[MAX_WORD] = "";
  onefold_status status = read_text(r, key);
  if (status != ONEFOLD_OK) return status;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
    if (strcmp(key, entries[i].key) != 0) continue;
    if (*seen & entries[i].bit)
      return onefold_fail(r->context, ONEFOLD_FORMAT, "%s: '%s' is there twice", r->label, key);
    *seen |= entries[i].bit;
    return take(r, ':') ? entries[i].read(r) : fail_syntax(r, "a colon");
  }
  return onefold_fail(r->context, ONEFOLD_FORMAT,
                      "%s: '%s' is none of 'descr', 'fortran_order' and 'shape'", r->label, key);
}

static onefold_status read_dictionary(reader *r) {
  int seen = 0, comma = 1;
  if (!take(r, '{')) return fail_syntax(r, "{");
  while (!take(r, '}')) {
    if (!comma) return fail_syntax(r, "a comma or }");
    const onefold_status status = read_entry(r, &seen);
    if (status != ONEFOLD_OK) return status;
    comma = take(r, ',');
  }
  if (seen != ALL)
    return onefold_fail(r->context, ONEFOLD_FORMAT, "%s: the header has no '%s'", r->label,
                        !(seen & DESCR)   ? "descr"
                        : !(seen & ORDER) ? "fortran_order"
                                          : "shape");
  skip_blanks(r);
  if (r->at < r->end) return fail_syntax(r, "nothing more");
  return r->end[-1] == '\n' ? ONEFOLD_OK : fail_syntax(r, "a line feed");
}

/// The bytes between header and end against the shape.
static onefold_status check_data(reader *r, size_t bytes) {
  onefold_npy *array = r->array;
  size_t wanted = sizeof(float);
  for (int32_t i = 0; i < array->rank; i++)
    if (!onefold_mul(wanted, (size_t)array->dims[i], &wanted))
      return onefold_fail(r->context, ONEFOLD_FORMAT, "%s: the number of elements overflows",
                          r->label);
  array->count = wanted / sizeof(float);
  array->data = r->end;
  if (bytes == wanted) return ONEFOLD_OK;
  return onefold_fail(r->context, ONEFOLD_FORMAT, "%s: %zu bytes of data, its shape takes %zu",
                      r->label, bytes, wanted);
}

onefold_status onefold_npy_parse(const onefold_context *context, const char *label,
                                 const unsigned char *bytes, size_t length, onefold_npy *array) {
  *array = (onefold_npy){0};
  if (length < MAGIC_BYTES || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: it does not begin as a .npy file", label);
  const int major = length > MAGIC_BYTES ? bytes[MAGIC_BYTES] : 0;
  const size_t start = MAGIC_BYTES + 2 + (major == 1 ? 2 : 4);
  if (length < start)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: %zu bytes are too few for a .npy file", label,
                        length);
  if (major < 1 || major > 3 || bytes[MAGIC_BYTES + 1] != 0)
    return onefold_fail(context, ONEFOLD_UNSUPPORTED,
                        "%s: version %d.%d; 1.0, 2.0 and 3.0 are read", label, major,
                        (int)bytes[MAGIC_BYTES + 1]);
  size_t header = 0;
  for (size_t i = MAGIC_BYTES + 2; i < start; i++)
    header |= (size_t)bytes[i] << (8 * (i - MAGIC_BYTES - 2));
  if (header > length - start)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: a header of %zu bytes in a file of %zu bytes",
                        label, header, length);
  reader r = {context, label, bytes, bytes + start, bytes + start + header, array};
  const onefold_status status = read_dictionary(&r);
  return status == ONEFOLD_OK ? check_data(&r, length - start - header) : status;
}
