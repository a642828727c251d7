// SPDX-License-Identifier: BSD-3-Clause
// What the name of a row says: SUITE/SUBJECT.../ROLE[/PART]/threads:N.
#include "report/role.h"

#include <stdlib.h>
#include <string.h>

#define MOST_WORDS 32

static const struct {
  const char *key, *title, *about;
} roles[REPORT_ROLES] = {
#define ONEFOLD_REPORT_ROLE(name, key, title, about) {key, title, about},
#include "report/role_list.def"
    {"", "", ""},
};

static const struct {
  const char *key, *title;
} rivals[] = {
    {"onednn", "oneDNN"}, {"xnnpack", "XNNPACK"}, {"ort", "ONNX Runtime"},  {"torch", "PyTorch"},
    {"ncnn", "ncnn"},     {"tvm", "TVM"},         {"openvino", "OpenVINO"},
};

const char *onefold_report_role_title(report_role role) {
  return roles[role].title;
}

const char *onefold_report_role_about(report_role role) {
  return roles[role].about;
}

const char *onefold_report_rival_way(const char *word) {
  const char *bar = strchr(word, '_');
  return bar ? bar + 1 : "";
}

const char *onefold_report_rival_title(report_arena *arena, const char *word) {
  const size_t length = strcspn(word, "_");
  for (size_t i = 0; i < sizeof rivals / sizeof rivals[0]; i++) {
    if (strlen(rivals[i].key) == length && strncmp(word, rivals[i].key, length) == 0) {
      return rivals[i].title;
    }
  }
  return onefold_report_format(arena, "%.*s", (int)length, word);
}

static report_role role_of(const char *word) {
  for (int i = 0; i < REPORT_RIVAL; i++) {
    if (strcmp(word, roles[i].key) == 0) return (report_role)i;
  }
  return REPORT_RIVAL;
}

/// Words [first, last), with `separator` between them.
static const char *joined(report_arena *arena, char *const *words, size_t first, size_t last,
                          const char *separator) {
  size_t length = 1;
  for (size_t i = first; i < last; i++) length += strlen(words[i]) + strlen(separator);
  char *text = onefold_report_alloc(arena, length, 1), *at = text;
  for (size_t i = first; text && i < last; i++) {
    if (i > first) at = stpcpy(at, separator);
    at = stpcpy(at, words[i]);
  }
  return text ? text : "";
}

/// Removes a last word "threads:N" and returns N, or 0.
static int take_threads(char *const *words, size_t *count) {
  static const char prefix[] = "threads:";
  if (*count == 0 || strncmp(words[*count - 1], prefix, sizeof prefix - 1) != 0) return 0;
  const long threads = strtol(words[*count - 1] + sizeof prefix - 1, NULL, 10);
  --*count;
  return threads > 0 && threads < 100000 ? (int)threads : 0;
}

report_name onefold_report_name(report_arena *arena, const char *text) {
  report_name name = {NULL, "", "", "", "", "", REPORT_RIVAL, 0};
  char *words[MOST_WORDS], *rest = (char *)onefold_report_format(arena, "%s", text);
  size_t count = 0;
  if (arena->failed) return name;
  while (rest && count < MOST_WORDS) words[count++] = strsep(&rest, "/");
  if (rest) return name; // more words than any suite writes
  name.threads = take_threads(words, &count);
  if (count < 3) return name;
  size_t at = 2; // of the role
  if (strcmp(words[0], "accuracy") != 0) {
    while (at < count && role_of(words[at]) == REPORT_RIVAL) at++;
    if (at == count) at = count - 1;
  }
  const size_t kinds = strcmp(words[0], "block") == 0 || strcmp(words[0], "net") == 0;
  name.suite = words[0];
  name.subject = joined(arena, words, 0, at, "/");
  name.kind = kinds ? words[1] : "";
  name.problem = joined(arena, words, 1 + kinds, at, ", ");
  name.word = words[at];
  name.role = role_of(words[at]);
  name.part = joined(arena, words, at + 1, count, "/");
  return name;
}
