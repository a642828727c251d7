// SPDX-License-Identifier: BSD-3-Clause
// What Google Benchmark's flags say.
#include "bench/gbench_flags.h"

#include "bench/gbench.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "--benchmark_"

int onefold_gbench_is_flag(const char *argument) {
  return strncmp(argument, PREFIX, sizeof PREFIX - 1) == 0;
}

/// The value of a flag of that name, "true" where it has none; NULL: it is another flag.
static const char *value_of(const char *text, const char *name) {
  const size_t length = strlen(name);
  const char *flag = text + sizeof PREFIX - 1;
  if (!onefold_gbench_is_flag(text) || strncmp(flag, name, length) != 0) return NULL;
  if (!flag[length]) return "true";
  return flag[length] == '=' ? flag + length + 1 : NULL;
}

static int truth(const char *value) {
  return strcmp(value, "false") != 0 && strcmp(value, "0") != 0 && strcmp(value, "no") != 0;
}

static int set_filter(onefold_gbench_flags *flags, const char *text) {
  if (flags->has_filter) regfree(&flags->filter);
  flags->negative = text[0] == '-';
  flags->has_filter = text[0] && strcmp(text, "all") != 0;
  if (!flags->has_filter) return 0;
  const int failed = regcomp(&flags->filter, text + flags->negative, REG_EXTENDED | REG_NOSUB);
  if (failed) flags->has_filter = 0;
  return failed;
}

/// Why a flag cannot be taken, or NULL.
static const char *take(onefold_gbench_flags *flags, const char *text) {
  const char *value = value_of(text, "out");
  if (value) {
    flags->path = value;
  } else if ((value = value_of(text, "out_format"))) {
    if (strcmp(value, "json") != 0) return "only json is written";
  } else if ((value = value_of(text, "format"))) {
    if (strcmp(value, "json") != 0 && strcmp(value, "console") != 0) return "only json is written";
    if (strcmp(value, "json") == 0) flags->path = "-";
  } else if ((value = value_of(text, "filter"))) {
    if (set_filter(flags, value)) return "not a regular expression";
  } else if ((value = value_of(text, "list_tests"))) {
    flags->listing = truth(value);
  } else if ((value = value_of(text, "report_aggregates_only")) ||
             (value = value_of(text, "display_aggregates_only"))) {
    flags->aggregates_only = truth(value);
  } else {
    flags->has_min_time |= value_of(text, "min_time") != NULL;
    flags->has_repetitions |= value_of(text, "repetitions") != NULL;
    flags->passed[flags->passed_count++] = text;
  }
  return NULL;
}

int onefold_gbench_flags_parse(onefold_gbench_flags *flags, const char *const *texts, size_t count,
                               const char *path, char *error, size_t error_size) {
  *flags = (onefold_gbench_flags){.path = path};
  flags->passed = calloc(count + 2, sizeof *flags->passed);
  if (!flags->passed) {
    snprintf(error, error_size, "out of memory");
    return 1;
  }
  flags->passed[flags->passed_count++] = "onefold";
  flags->passed[flags->passed_count++] = PREFIX "enable_random_interleaving=true";
  for (size_t i = 0; i < count; i++) {
    const char *wrong = take(flags, texts[i]);
    if (!wrong) continue;
    snprintf(error, error_size, "%s: %s", texts[i], wrong);
    return 1;
  }
  return 0;
}

void onefold_gbench_flags_free(onefold_gbench_flags *flags) {
  if (flags->has_filter) regfree(&flags->filter);
  free(flags->passed);
}

int onefold_gbench_wants(const onefold_gbench_flags *flags, const char *name) {
  if (!flags->has_filter) return 1;
  return (regexec(&flags->filter, name, 0, NULL, 0) == 0) != flags->negative;
}
