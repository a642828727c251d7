// SPDX-License-Identifier: BSD-3-Clause
// The JSON's file of `onefold bench`: after an interrupt, and where nothing is run.
#include "tests/cli_child.h"
#include "tests/cli_support.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/// SIGINT behind the first problem: the JSON has it, and the last one is not begun.
static void test_interrupt(void **state) {
  (void)state;
  char *path = test_path(), json[512], line[512], part[512];
  snprintf(json, sizeof json, "--json=%s", path);
  test_child child = test_child_start((const char *const[]){
      ONEFOLD_PROGRAM, "bench", "conv", json, "--isa=ref", "--benchmark_min_time=0.05",
      "ic8ih8oc8kh1", "ic8ih9oc8kh1", "ic8ih10oc8kh1", NULL});
  test_child_read(&child, "packed weights ", line);
  assert_int_equal(kill(child.id, SIGINT), 0);
  assert_int_equal(test_child_end(&child, line), 1);
  json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(report);
  assert_non_null(test_entry(report, "conv/mb1ic8ih8oc8oh8kh1/run/threads:1_median"));
  assert_null(test_entry(report, "conv/mb1ic8ih10oc8oh10kh1/run/threads:1_median"));
  json_decref(report);
  snprintf(part, sizeof part, "%s.%d.part", path, (int)child.id);
  assert_int_not_equal(access(part, F_OK), 0);
  test_path_free(path);
}

/// What is not begun leaves an older file alone.
static void test_older_file(void **state) {
  (void)state;
  char *path = test_path(), arguments[256], line[16] = "";
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("older", file);
  fclose(file);
  snprintf(arguments, sizeof arguments,
           "bench conv --json=%s --benchmark_filter=nothing ic8ih8oc8kh1", path);
  test_expect_mistake(arguments, 2, "--benchmark_filter");
  file = fopen(path, "r");
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof line, file));
  fclose(file);
  assert_string_equal(line, "older");
  test_path_free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_interrupt),
      cmocka_unit_test(test_older_file),
  };
  return cmocka_run_group_tests_name("cli_bench_file", tests, NULL, NULL);
}
