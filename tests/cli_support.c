// SPDX-License-Identifier: BSD-3-Clause
// Runs the built program and keeps what it wrote.
#include "tests/cli_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *contents(const char *path) {
  FILE *file = fopen(path, "r");
  char *text = NULL;
  size_t capacity = 0;
  assert_non_null(file);
  if (getdelim(&text, &capacity, '\0', file) < 0) {
    free(text);
    text = calloc(1, 1);
  }
  fclose(file);
  assert_non_null(text);
  return text;
}

char *test_path(void) {
  const char *directory = getenv("TMPDIR");
  char *path = NULL;
  assert_true(asprintf(&path, "%s/onefold-XXXXXX", directory ? directory : "/tmp") > 0);
  const int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  return path;
}

void test_path_free(char *path) {
  unlink(path);
  free(path);
}

test_run test_command(const char *line) {
  char *out = test_path(), *err = test_path(), *command = NULL;
  assert_true(asprintf(&command, "%s >'%s' 2>'%s' </dev/null", line, out, err) > 0);
  const int status = system(command);
  test_run run = {.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
                  .out = contents(out),
                  .err = contents(err)};
  free(command);
  test_path_free(out);
  test_path_free(err);
  return run;
}

test_run test_program(const char *arguments) {
  char *line = NULL;
  assert_true(asprintf(&line, "'%s' %s", ONEFOLD_PROGRAM, arguments) > 0);
  const test_run run = test_command(line);
  free(line);
  return run;
}

void test_run_free(test_run *run) {
  free(run->out);
  free(run->err);
}

void test_exits(const test_run *run, const char *arguments, int code) {
  if (run->code == code) return;
  fail_msg("onefold %s: exit code %d, not %d; it wrote:\n%s", arguments, run->code, code, run->err);
}

void test_expect_mistake(const char *arguments, int code, const char *says) {
  test_run run = test_program(arguments);
  test_exits(&run, arguments, code);
  if (!strstr(run.err, says)) fail_msg("onefold %s: no \"%s\" in:\n%s", arguments, says, run.err);
  test_run_free(&run);
}

void test_expect_mistakes(const test_mistake *mistakes, size_t count) {
  for (size_t i = 0; i < count; i++)
    test_expect_mistake(mistakes[i].arguments, mistakes[i].code, mistakes[i].says);
}

int test_entries(const json_t *report, const char *name) {
  int count = 0;
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(report, "benchmarks"), i, entry) {
    const char *got = json_string_value(json_object_get(entry, "name"));
    count += got && strcmp(got, name) == 0;
  }
  return count;
}

const json_t *test_entry(const json_t *report, const char *name) {
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(report, "benchmarks"), i, entry) {
    const char *got = json_string_value(json_object_get(entry, "name"));
    if (got && strcmp(got, name) == 0) return entry;
  }
  return NULL;
}

const char *const test_first_counters[] = {
    "flops", "bytes", "gflops", "percent_peak", "percent_bandwidth", "memory_bytes", NULL};
const char *const test_work_counters[] = {
    "flops",     "bytes",        "gflops", "percent_peak", "percent_bandwidth",
    "max_error", "memory_bytes", NULL};
const char *const test_copy_counters[] = {"percent_bandwidth", NULL};
const char *const test_none_counters[] = {NULL};

const json_t *test_row_of_report(const json_t *report, const char *name,
                                 const char *const *counters) {
  char median[256];
  if (test_entries(report, name) != 3)
    fail_msg("%d entries %s, not 3", test_entries(report, name), name);
  snprintf(median, sizeof median, "%s_median", name);
  const json_t *entry = test_entry(report, median);
  if (!entry) fail_msg("no entry %s", median);
  assert_true(test_number(entry, "real_time") > 0);
  for (; *counters; counters++) {
    const double value = test_number(entry, *counters);
    if (!isfinite(value) || value < 0) fail_msg("%s: %s is %g", name, *counters, value);
  }
  return entry;
}

json_t *test_report_of(test_run *run, const char *arguments) {
  test_exits(run, arguments, 0);
  json_error_t error;
  json_t *root = json_loads(run->out, JSON_REJECT_DUPLICATES, &error);
  if (!root) fail_msg("onefold %s: line %d: %s", arguments, error.line, error.text);
  test_run_free(run);
  return root;
}

json_t *test_report(const char *arguments) {
  test_run run = test_program(arguments);
  return test_report_of(&run, arguments);
}

test_run test_peer_run(const char *suite, const char *peer, const char *arguments) {
  char line[1024], missing[64];
  snprintf(line, sizeof line, "bench %s --peers %s %s", suite, peer, arguments);
  snprintf(missing, sizeof missing, "onefold bench %s: --peers", suite);
  test_run run = test_program(line);
  const char *why = run.code == 1 ? strstr(run.err, missing) : NULL;
  if (why) {
    print_message("%s", why);
    test_run_free(&run);
    skip();
  }
  test_exits(&run, line, 0);
  return run;
}

json_t *test_peer_report(const char *suite, const char *peer, const char *arguments) {
  char all[1024];
  snprintf(all, sizeof all, "--json - --benchmark_min_time=0.0001 --benchmark_repetitions=2 %s",
           arguments);
  test_run run = test_peer_run(suite, peer, all);
  return test_report_of(&run, all);
}

double test_number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_number(value)) fail_msg("no number %s", key);
  return json_number_value(value);
}

void test_expect_number(const json_t *object, const char *key, double want) {
  const double got = test_number(object, key);
  if (got < want || got > want) fail_msg("%s is %g, not %g", key, got, want);
}

void test_expect_words(const char *arguments, const char *words) {
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  if (!strstr(run.out, words)) fail_msg("onefold %s: no \"%s\" in:\n%s", arguments, words, run.out);
  test_run_free(&run);
}

void test_has_words(const char *text, const char *words) {
  if (!strstr(text, words)) fail_msg("no \"%s\" in:\n%s", words, text);
}

const char *test_fact(const json_t *report, const char *key) {
  const char *text = json_string_value(json_object_get(json_object_get(report, "context"), key));
  return text ? text : "";
}
