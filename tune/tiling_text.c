// SPDX-License-Identifier: BSD-3-Clause
// A tiling as text, both ways, by the table of its fields.
#include <onefold/record.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Texts have letters, digits, '_', '-' and '.'.
#define ALPHABET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

size_t onefold_tiling_print(const onefold_tiling *tiling, char *text, size_t size) {
  size_t length = 0;
  if (text && size) text[0] = '\0';
  if (!tiling) return 0;
  size_t count = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  for (size_t i = 0; i < count; i++) {
    const onefold_tiling_field *f = &fields[i];
    const char *value = (const char *)tiling + f->offset;
    char digits[16];
    if (f->size == 0) {
      int32_t number;
      memcpy(&number, value, sizeof number);
      snprintf(digits, sizeof digits, "%" PRId32, number);
      value = number ? digits : "";
    }
    if (!*value) continue;
    const size_t left = text && length < size ? size - length : 0;
    const int n = snprintf(left ? text + length : NULL, left, "%s%s=%.*s", length ? "," : "",
                           f->name, (int)(f->size ? f->size : sizeof digits), value);
    if (n > 0) length += (size_t)n;
  }
  return length;
}

/// Reads `length` characters at `value` into the field; zero where they are none of its values.
static int read_field(const onefold_tiling_field *f, const char *value, size_t length,
                      onefold_tiling *tiling) {
  char *target = (char *)tiling + f->offset;
  if (length == 0) return 0;
  if (f->size > 0) {
    if (length >= f->size || strspn(value, ALPHABET) < length) return 0;
    memcpy(target, value, length);
    return 1;
  }
  if (length > 10 || strspn(value, "0123456789") < length) return 0;
  const long long number = strtoll(value, NULL, 10);
  const int32_t narrow = (int32_t)number;
  if (number < 1 || number > INT32_MAX) return 0;
  memcpy(target, &narrow, sizeof narrow);
  return 1;
}

onefold_status onefold_tiling_parse(const char *text, onefold_tiling *tiling) {
  onefold_tiling made;
  uint32_t seen = 0;
  size_t count = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  if (!text || !tiling) return ONEFOLD_INVALID_ARGUMENT;
  memset(&made, 0, sizeof made);
  for (const char *at = text; *at;) {
    const size_t name = strcspn(at, "=,");
    if (name == 0 || at[name] != '=') return ONEFOLD_FORMAT;
    const char *value = at + name + 1;
    const size_t length = strcspn(value, ",");
    size_t i = 0;
    while (i < count && (strlen(fields[i].name) != name || memcmp(fields[i].name, at, name) != 0))
      i++;
    if (i == count) return ONEFOLD_UNSUPPORTED;
    if (seen >> i & 1 || !read_field(&fields[i], value, length, &made)) return ONEFOLD_FORMAT;
    seen |= UINT32_C(1) << i;
    at = value + length;
    if (*at == ',' && !*++at) return ONEFOLD_FORMAT;
  }
  *tiling = made;
  return ONEFOLD_OK;
}
