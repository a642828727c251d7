// SPDX-License-Identifier: BSD-3-Clause
// A row as one line of JSON, both ways, by one table of its members.
#include "tune/row.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 9 };

double onefold_record_round(double value) {
  char text[32];
  snprintf(text, sizeof text, "%.*g", DIGITS, value);
  return strtod(text, NULL);
}

/// How a member is written: a text of the row, a number of it, or what the functions below make.
typedef enum member_kind { TEXT, INT32, INT64, REAL, SITUATION, ACCURACY, TILING, HEX } member_kind;

typedef struct member {
  const char *name;
  member_kind kind;
  size_t offset, size;
} member;

#define AT(field) offsetof(onefold_record_row, field), sizeof((onefold_record_row *)0)->field
static const member members[] = {
    {"machine", TEXT, AT(key.machine)},
    {"kind", TEXT, AT(key.kind)},
    {"problem", TEXT, AT(key.problem)},
    {"layouts", TEXT, AT(key.layouts)},
    {"epilogue", TEXT, AT(key.epilogue)},
    {"threads", INT32, AT(key.threads)},
    {"situation", SITUATION, AT(key.situation)},
    {"accuracy", ACCURACY, AT(key.accuracy)},
    {"tiling", TILING, AT(tiling)},
    {"median_ns", REAL, AT(median_ns)},
    {"spread", REAL, AT(spread)},
    {"default_ns", REAL, AT(default_ns)},
    {"trials", INT64, AT(trials)},
    {"version", TEXT, AT(version)},
    {"kernels", HEX, AT(kernels)},
    {"date", TEXT, AT(date)},
};
#undef AT
enum { MEMBERS = sizeof members / sizeof members[0] };

// -------------------------------------------------------------------- print

static json_t *value_of(const member *m, const onefold_record_row *row) {
  const char *at = (const char *)row + m->offset;
  char text[512];
  int32_t narrow;
  int64_t wide;
  double real;
  switch (m->kind) {
  case INT32:
    memcpy(&narrow, at, sizeof narrow);
    return json_integer(narrow);
  case INT64:
    memcpy(&wide, at, sizeof wide);
    return json_integer(wide);
  case REAL:
    memcpy(&real, at, sizeof real);
    return json_real(real);
  case SITUATION:
    return json_string(onefold_situation_name(row->key.situation));
  case ACCURACY:
    return json_string(onefold_accuracy_name(row->key.accuracy));
  case TILING:
    onefold_tiling_print(&row->tiling, text, sizeof text);
    return json_string(text);
  case HEX:
    snprintf(text, sizeof text, "%016" PRIx64, row->kernels);
    return json_string(text);
  case TEXT:
    break;
  }
  return json_stringn(at, strnlen(at, m->size));
}

size_t onefold_record_row_print(const onefold_record_row *row, char *text, size_t size) {
  if (text && size) text[0] = '\0';
  json_t *object = row ? json_object() : NULL;
  int failed = !object;
  for (int i = 0; i < MEMBERS && !failed; i++)
    failed = json_object_set_new(object, members[i].name, value_of(&members[i], row));
  char *line = failed ? NULL : json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
  const size_t length = line ? strlen(line) : 0;
  if (line && text && size) snprintf(text, size, "%s", line);
  free(line);
  json_decref(object);
  return length;
}

// -------------------------------------------------------------------- parse

static void explain(const member *m, const json_t *value, char *reason, size_t size) {
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
  snprintf(reason, size, "%s is %.200s", m->name, text ? text : "?");
  free(text);
}

/// Sixteen digits; zero where it is none.
static int read_hex(const char *text, uint64_t *value) {
  if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) return 0;
  *value = strtoull(text, NULL, 16);
  return 1;
}

static onefold_status read_text(const member *m, const json_t *value, onefold_record_row *row) {
  const char *text = json_string_value(value);
  const size_t length = json_string_length(value);
  int index = 0;
  if (!text || strlen(text) != length) return ONEFOLD_FORMAT;
  switch (m->kind) {
  case SITUATION:
    index = onefold_situation_parse(text);
    row->key.situation = (onefold_situation)index;
    break;
  case ACCURACY:
    index = onefold_accuracy_parse(text);
    row->key.accuracy = (onefold_accuracy)index;
    break;
  case TILING:
    return onefold_tiling_parse(text, &row->tiling);
  case HEX:
    return read_hex(text, &row->kernels) ? ONEFOLD_OK : ONEFOLD_FORMAT;
  default:
    if (length >= m->size) return ONEFOLD_FORMAT;
    memcpy((char *)row + m->offset, text, length);
  }
  return index < 0 ? ONEFOLD_FORMAT : ONEFOLD_OK;
}

static onefold_status read_value(const member *m, const json_t *value, onefold_record_row *row) {
  char *at = (char *)row + m->offset;
  const int64_t wide = json_integer_value(value);
  const int32_t narrow = (int32_t)wide;
  const double real = json_number_value(value);
  switch (m->kind) {
  case INT32:
    if (!json_is_integer(value) || wide != narrow) return ONEFOLD_FORMAT;
    memcpy(at, &narrow, sizeof narrow);
    return ONEFOLD_OK;
  case INT64:
    if (!json_is_integer(value)) return ONEFOLD_FORMAT;
    memcpy(at, &wide, sizeof wide);
    return ONEFOLD_OK;
  case REAL:
    if (!json_is_number(value)) return ONEFOLD_FORMAT;
    memcpy(at, &real, sizeof real);
    return ONEFOLD_OK;
  default:
    return read_text(m, value, row);
  }
}

static int is_member(const char *name) {
  for (int i = 0; i < MEMBERS; i++) {
    if (strcmp(members[i].name, name) == 0) return 1;
  }
  return 0;
}

static onefold_status read_object(json_t *object, onefold_record_row *row, char *reason,
                                  size_t size) {
  const char *name;
  json_t *value;
  onefold_status worst = ONEFOLD_OK;
  if (!json_is_object(object)) {
    snprintf(reason, size, "this is no JSON object");
    return ONEFOLD_FORMAT;
  }
  json_object_foreach(object, name, value) {
    if (is_member(name)) continue;
    snprintf(reason, size, "a row has no \"%.100s\"", name);
    return ONEFOLD_FORMAT;
  }
  for (int i = 0; i < MEMBERS; i++) {
    value = json_object_get(object, members[i].name);
    if (!value) {
      snprintf(reason, size, "there is no \"%s\"", members[i].name);
      return ONEFOLD_FORMAT;
    }
    const onefold_status status = read_value(&members[i], value, row);
    if (status == ONEFOLD_OK) continue;
    explain(&members[i], value, reason, size);
    if (status == ONEFOLD_FORMAT) return status;
    worst = status;
  }
  return worst;
}

onefold_status onefold_record_row_parse(const char *text, size_t length, onefold_record_row *row,
                                        char *reason, size_t size) {
  json_error_t error;
  memset(row, 0, sizeof *row);
  json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  if (!object) {
    snprintf(reason, size, "%s", error.text);
    return json_error_code(&error) == json_error_out_of_memory ? ONEFOLD_OUT_OF_MEMORY
                                                               : ONEFOLD_FORMAT;
  }
  const onefold_status status = read_object(object, row, reason, size);
  json_decref(object);
  return status;
}
