// SPDX-License-Identifier: BSD-3-Clause
// `onefold bench conv` and `bench accuracy` of the built program: rows, options and named problems.
#include "tests/cli_support.h"

#include <onefold/onefold.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_conv(void **state) {
  (void)state;
  json_t *report =
      test_report("bench conv --json - " TEST_QUICK "mb1ic17ih9oc33kh3ph1 g8ic8ih6oc8kh3sh2");
#define A "conv/mb1ic17ih9oc33oh9kh3ph1/"
  test_row_of_report(report, A "run/threads:1", test_work_counters);
  test_row_of_report(report, A "plan/threads:1", test_none_counters);
  test_row_of_report(report, A "pack/threads:1", test_none_counters);
  test_row_of_report(report, A "reorder_in/threads:1", test_copy_counters);
  test_row_of_report(report, A "reorder_out/threads:1", test_copy_counters);
  test_row_of_report(report, A "first_run/threads:1", test_none_counters);
  test_row_of_report(report, "conv/g8mb1ic8ih6oc8oh2kh3sh2/run/threads:1", test_work_counters);
  assert_true(test_number(test_entry(report, A "run/threads:1_median"), "max_error") <= 1e-4);
  // Packed weights are at least the weights.
  assert_true(test_number(test_entry(report, A "run/threads:1_median"), "memory_bytes") >=
              4.0 * 33 * 17 * 9);
  const char *label =
      json_string_value(json_object_get(test_entry(report, A "run/threads:1_median"), "label"));
  assert_non_null(label);
  if (strncmp(label, "winograd", 8)) assert_string_equal(label, "direct");
#undef A
  assert_string_equal(test_fact(report, "onefold_version"), onefold_version());
  assert_string_equal(test_fact(report, "onefold_cold_cache"), "none");
  assert_string_equal(test_fact(report, "onefold_threads"), "1");
  assert_true(atof(test_fact(report, "onefold_peak_gflops")) > 0.0);
  json_decref(report);
}

static void test_conv_options(void **state) {
  (void)state;
  char *path = test_path(), *json = test_path();
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("# a comment\n\n  ic8ih5oc8kh1   # another\nic8ih6oc8kh1n\"named\"\n", file);
  fclose(file);
  char arguments[512];
  snprintf(arguments, sizeof arguments,
           "bench conv " TEST_QUICK
           "--batch=%s --benchmark_out=%s --threads=2 --layout=nchw --act=silu "
           "--cold-cache=wei --benchmark_report_aggregates_only",
           path, json);
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  assert_non_null(strstr(run.out, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw"));
  assert_non_null(strstr(run.out, "\npacked weights "));
  assert_non_null(strstr(run.out, ", workspace "));
  test_run_free(&run);
  json_error_t error;
  json_t *report = json_load_file(json, JSON_REJECT_DUPLICATES, &error);
  assert_non_null(report);
  assert_non_null(
      test_entry(report, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw/run/threads:2_median"));
  assert_null(test_entry(report, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw/run/threads:2"));
  assert_null(test_entry(
      report, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw/reorder_in/threads:2_median"));
  assert_string_equal(test_fact(report, "onefold_cold_cache"), "wei");
  json_decref(report);
  test_path_free(path);
  test_path_free(json);
}

/// Problems with what rows say of them, whatever the options; and the line that is none of a list.
static void test_named_problems(void **state) {
  (void)state;
  static const struct {
    const char *problem, *options, *name;
  } cases[] = {
      {"ic8ih5oc8kh1/act:silu/layout:nchw", "", "/act:silu/layout:nchw"},
      {"mb1ic8ih5oc8oh5kh1/act:relu", "--act=silu --layout=nhwc", "/act:relu/layout:nhwc"},
      {"ic8ih5oc8kh1/nchw:blocked", "", "/nchw:blocked"},
      {"ic8ih5oc8kh1/blocked:blocked", "", ""},
      {"'ic8ih5oc8kh1n\"a/b\"/act:relu6'", "", "/act:relu6"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char arguments[256], name[128];
    snprintf(arguments, sizeof arguments, "bench conv --benchmark_list_tests %s %s",
             cases[i].options, cases[i].problem);
    snprintf(name, sizeof name, "conv/mb1ic8ih5oc8oh5kh1%s/run/threads:1\n", cases[i].name);
    test_expect_words(arguments, name);
  }
  static const char *const commands[] = {"bench conv", "bench pair", "bench block repvgg"};
  char *path = test_path(), arguments[512], says[512];
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("# a comment\n\n  mb1ic8ih8oc8oh8kh1/act:tanh  # another\n", file);
  fclose(file);
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    snprintf(arguments, sizeof arguments, "%s --batch=%s", commands[i], path);
    snprintf(says, sizeof says, "%s:3: mb1ic8ih8oc8oh8kh1/act:tanh: ", path);
    test_expect_mistake(arguments, 2, says);
  }
  file = fopen(path, "w"); // nothing in it
  assert_non_null(file);
  fclose(file);
  snprintf(arguments, sizeof arguments, "bench conv --batch=%s", path);
  test_expect_mistake(arguments, 2, "no problem is given");
  test_path_free(path);
}

/// --isa gives the level that was asked for, or fails and says so.
static void test_isa(void **state) {
  (void)state;
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    const char *name = onefold_isa_name((onefold_isa)i);
    char arguments[128];
    snprintf(arguments, sizeof arguments,
             "bench conv --json - " TEST_QUICK "--isa=%s --benchmark_filter=run ic8ih5oc8kh1",
             name);
    if (test_isa_runs((onefold_isa)i)) {
      json_t *report = test_report(arguments);
      assert_string_equal(test_fact(report, "onefold_isa"), name);
      json_decref(report);
    } else {
      test_run run = test_program(arguments);
      test_exits(&run, arguments, 1);
      assert_non_null(strstr(run.err, name));
      test_run_free(&run);
    }
  }
}

/// --accuracy reaches the context, and `bench accuracy` prints errors that grow with the tile.
static void test_accuracy(void **state) {
  (void)state;
  for (int i = 0; i <= ONEFOLD_ACCURACY_FAST; i++) {
    const char *name = onefold_accuracy_name((onefold_accuracy)i);
    char arguments[192];
    snprintf(arguments, sizeof arguments,
             "bench conv --json - " TEST_QUICK "--accuracy=%s --benchmark_filter=run ic8ih5oc8kh1",
             name);
    json_t *report = test_report(arguments);
    assert_string_equal(test_fact(report, "onefold_accuracy"), name);
    json_decref(report);
  }
  char *path = test_path(), command[512];
  snprintf(command, sizeof command, "bench accuracy --json=%s", path);
  test_run run = test_program(command);
  test_exits(&run, command, 0);
  json_t *errors = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(errors);
  int lines = 0;
  for (const char *line = strstr(run.out, "\n16 "); line; line = strchr(line + 1, '\n')) {
    double e[8];
    int channels;
    if (sscanf(line, "%d %lf %lf %lf %lf %lf %lf %lf %lf", &channels, e, e + 1, e + 2, e + 3, e + 4,
               e + 5, e + 6, e + 7) != 9) {
      continue;
    }
    assert_int_equal(channels, 16 << lines++);
    assert_true(e[2] > 0 && e[2] < e[4] && e[4] < e[6] && e[6] < 1e-4); // F(2), F(4), F(6)
    for (int k = 0; k < 8; k += 2) assert_true(e[k] < 10 * e[k + 1] && e[k + 1] < 10 * e[k]);
    char name[64];
    snprintf(name, sizeof name, "accuracy/conv3x3s1/winograd2/ic:%d", channels);
    const json_t *row = test_entry(errors, name);
    assert_non_null(row);
    assert_true(fabs(test_number(row, "relative_error") - e[2]) < 0.01 * e[2]);
    assert_true(fabs(test_number(row, "largest_error") - e[3]) < 0.01 * e[3]);
  }
  assert_int_equal(json_array_size(json_object_get(errors, "benchmarks")), 6 * 6);
  json_decref(errors);
  test_path_free(path);
  assert_int_equal(lines, 6);
  test_run_free(&run);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_conv),           cmocka_unit_test(test_conv_options),
      cmocka_unit_test(test_named_problems), cmocka_unit_test(test_isa),
      cmocka_unit_test(test_accuracy),
  };
  return cmocka_run_group_tests_name("cli_bench", tests, NULL, NULL);
}
