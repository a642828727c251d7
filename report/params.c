// SPDX-License-Identifier: BSD-3-Clause
// Parameters of blocks, "input=1x64x56x56,out_channels=64,stride=2", as people write them.
#include "report/role.h"

#include <stdlib.h>
#include <string.h>

/// The parameter behind one; NULL where there is none.
static const char *next_param(const char *at) {
  const char *comma = strchr(at, ',');
  return comma ? comma + 1 : NULL;
}

/// The value of a key and its length; NULL where it is not there.
static const char *value_of(const char *params, const char *key, size_t *length) {
  const size_t n = strlen(key);
  for (const char *at = params; at; at = next_param(at)) {
    if (strncmp(at, key, n) != 0 || at[n] != '=') continue;
    *length = strcspn(at + n + 1, ",");
    return at + n + 1;
  }
  return NULL;
}

/// Four sizes of "1x64x56x56", as long as the text is to be. Zero where it is something else.
static int read_sizes(const char *text, size_t length, long sizes[4]) {
  char *end = NULL;
  for (int i = 0; i < 4; i++) {
    const char *at = i ? end + 1 : text;
    if ((i && *end != 'x') || *at < '0' || *at > '9') return 0;
    sizes[i] = strtol(at, &end, 10);
  }
  return end == text + length;
}

/// "64→64 s2, 56×56" of input, out_channels and stride; NULL where there is no input.
static const char *shape_text(report_arena *arena, const char *params) {
  size_t length;
  long sizes[4]; // images, channels, height, width
  const char *value = value_of(params, "input", &length);
  if (!value || !read_sizes(value, length, sizes)) return NULL;
  const char *text = onefold_report_format(arena, "%ld", sizes[1]);
  if ((value = value_of(params, "out_channels", &length)))
    text = onefold_report_format(arena, "%s→%.*s", text, (int)length, value);
  if ((value = value_of(params, "stride", &length)))
    text = onefold_report_format(arena, "%s s%.*s", text, (int)length, value);
  text = onefold_report_format(arena, "%s, %ld×%ld", text, sizes[2], sizes[3]);
  return sizes[0] > 1 ? onefold_report_format(arena, "%s, batch %ld", text, sizes[0]) : text;
}

const char *onefold_report_params(report_arena *arena, const char *params) {
  static const char *const in_shape[] = {"input=", "out_channels=", "stride="};
  const char *text = shape_text(arena, params);
  if (!text) return params;
  for (const char *at = params; at && *at; at = next_param(at)) {
    size_t i = 0;
    while (i < 3 && strncmp(at, in_shape[i], strlen(in_shape[i])) != 0) i++;
    const int length = (int)strcspn(at, ","), name = (int)strcspn(at, "=,");
    if (i < 3) continue;
    text =
        onefold_report_format(arena, "%s, %.*s%s%.*s", text, name, at, name < length ? " " : "",
                              name < length ? length - name - 1 : 0, at + name + (name < length));
  }
  return text;
}
