// SPDX-License-Identifier: BSD-3-Clause
// onefold report: from what onefold bench writes to pages, charts, tables and comparisons.
#include "tests/cli_support.h"
#include "tests/report_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUICK "--benchmark_min_time=0.001 --benchmark_repetitions=5 "

static char *contents(const char *path) {
  char *text = NULL;
  size_t room = 0;
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_true(getdelim(&text, &room, '\0', file) > 0);
  fclose(file);
  return text;
}

static void run_well(const char *format, const char *a, const char *b, const char *says) {
  char arguments[1024];
  snprintf(arguments, sizeof arguments, format, a, b);
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  if (says && !strstr(run.out, says))
    fail_msg("onefold %s: no \"%s\" in %s", arguments, says, run.out);
  test_run_free(&run);
}

/// The suites' own files, in one report.
static void test_suites(void **state) {
  (void)state;
  char *block = test_path(), *conv = test_path(), *page = test_path(), *charts = test_path();
  run_well("bench block " QUICK "--json=%s repvgg ic24ih7oc24kh3ph1%s", block, "", "T2 folded");
  run_well("bench conv " QUICK "--json=%s ic17ih9oc33kh3ph1%s", conv, "", "conv/");
  char both[512], path[512];
  snprintf(both, sizeof both, "%s %s", block, conv);
  unlink(charts);
  run_well("report %s -o %s", both, page, NULL);
  char *text = contents(page);
  test_expect_xml(text);
  assert_int_equal(test_count(text, "<figure id=\"blocks\">"), 1);
  assert_int_equal(test_count(text, "<figure id=\"convolutions\">"), 1);
  assert_int_equal(test_count(text, "<figure id=\"roofline\">"), 1);
  assert_int_equal(test_count(text, "<figure id=\"errors\">"), 1);
  // Networks, their layers, pairs, and tuning are missing; three forms are explained.
  assert_int_equal(test_count(text, "<dt>"), 4 + 3);
  assert_true(test_count(text, "FMA peak") > 0);
  // Charts by themselves name machine and day; on the page its header does, for each file.
  char day[32];
  json_t *root = json_load_file(block, 0, NULL);
  snprintf(day, sizeof day, "%.10s",
           json_string_value(json_object_get(json_object_get(root, "context"), "date")));
  json_decref(root);
  assert_int_equal(strlen(day), 10);
  assert_int_equal(test_count(text, day), 2);
  free(text);
  run_well("report %s --svg %s", both, charts, NULL);
  static const char *const files[] = {"blocks", "roofline", "errors"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    snprintf(path, sizeof path, "%s/%s.svg", charts, files[i]);
    text = contents(path);
    test_expect_xml(text);
    assert_int_equal(test_count(text, "<svg "), 1);
    assert_int_equal(test_count(text, "<style>"), 1);
    assert_int_equal(test_count(text, day), 1);
    free(text);
    unlink(path);
  }
  rmdir(charts);
  run_well("report %s --title=Mine%s", both, "", "# Mine\n");
  run_well("report %s -o - --md%s", both, "", "<!DOCTYPE html>");
  run_well("report --compare %s %s", block, block, "| no difference |");
  free(charts);
  test_path_free(page);
  test_path_free(conv);
  test_path_free(block);
}

/// What the tuner finds, as its own command writes it: of a list, and of a network.
static void test_tuned(void **state) {
  (void)state;
#ifdef ONEFOLD_HAVE_TUNE
  static const struct {
    const char *command, *rows[2], *title;
    size_t times; // that the title is there, at least
  } cases[] = {
      {"tune run ic17ih9oc33kh3ph1 ic16ih9oc32oh9kh1 --per-shape=60ms --threads=1 --json",
       {"tune/mb1ic16ih9oc32oh9kh1/default/threads:1", "tune/mb1ic16ih9oc32oh9kh1/tuned/threads:1"},
       "16→32 1×1, 9×9",
       2},
      {"tune graph repghostnet-0.5x --size=32x32 --budget=1s --threads=1 --json",
       {"tune/repghostnet-0.5x/default/threads:1", "tune/repghostnet-0.5x/tuned/threads:1"},
       "repghostnet-0.5x",
       3},
  };
  char *record = test_path(), *json = test_path(), *page = test_path();
  assert_int_equal(setenv("ONEFOLD_RECORD", record, 1), 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    json_t *root = test_report(cases[i].command);
    for (int r = 0; r < 2; r++) {
      int n = 0;
      size_t k;
      const json_t *row;
      json_array_foreach(json_object_get(root, "benchmarks"), k, row) {
        const char *name = json_string_value(json_object_get(row, "run_name"));
        if (!name || strcmp(name, cases[i].rows[r]) != 0) continue;
        n++;
        assert_true(test_number(row, "real_time") > 0);
      }
      assert_int_equal(n, 1);
    }
    assert_true(test_fact(root, "onefold_cpu")[0] && test_fact(root, "onefold_isa")[0]);
    assert_string_equal(test_fact(root, "onefold_threads"), "1");
    assert_true(strtod(test_fact(root, "onefold_peak_gflops"), NULL) > 0);
    assert_int_equal(json_dump_file(root, json, 0), 0);
    json_decref(root);
    run_well("report %s -o %s", json, page, NULL);
    char *text = contents(page);
    test_expect_xml(text);
    assert_int_equal(test_count(text, "<figure id=\"tuned\">"), 1);
    assert_true(test_count(text, cases[i].title) >= cases[i].times);
    assert_int_equal(test_count(text, "Tuned against default</dt>"), 0);
    free(text);
  }
  unsetenv("ONEFOLD_RECORD");
  test_path_free(page);
  test_path_free(json);
  test_path_free(record);
#else
  skip();
#endif
}

static void test_mistakes(void **state) {
  (void)state;
  char *path = test_path(), *good = test_path(), arguments[512];
  FILE *file = fopen(path, "w");
  fputs("{\"benchmarks\": [{\"name\": \"a\\u001b[31m\", \"real_time\": \"\\u001b\"}]}", file);
  fclose(file);
  test_json json;
  test_json_begin(&json, "cpu");
  test_json_row(&json, "nothing/known", "", "", (const double[]){1}, 1);
  char *text = test_json_end(&json);
  file = fopen(good, "w");
  fputs(text, file);
  fclose(file);
  free(text);
  static const struct {
    const char *format;
    int code;
    const char *says;
  } mistakes[] = {
      {"report", 2, "no file is given"},
      {"report --nonsense x.json", 2, "nonsense"},
      {"report --all -o x.html x.json", 2, "--all: of --md alone"},
      {"report --compare x.json", 2, "two files are expected, not 1"},
      {"report /nonexistent/x.json", 1, "/nonexistent/x.json: No such file"},
      {"report /", 1, "/: Is a directory"},
      {"report /dev/null", 1, "/dev/null: line 1"},
      {"report %s", 1, "entry 0 of \"benchmarks\""},
      {"report %s -o /nonexistent/x.html", 1, "entry 0"},
  };
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    snprintf(arguments, sizeof arguments, mistakes[i].format, path);
    test_expect_mistake(arguments, mistakes[i].code, mistakes[i].says);
  }
  snprintf(arguments, sizeof arguments, "report %s -o /nonexistent/x.html", good);
  test_expect_mistake(arguments, 1, "/nonexistent/x.html: No such file");
  snprintf(arguments, sizeof arguments, "report %s -o /dev/full", good);
  test_expect_mistake(arguments, 1, "/dev/full: it could not be written");
  snprintf(arguments, sizeof arguments, "report %s --svg /nonexistent/charts", good);
  test_expect_mistake(arguments, 1, "/nonexistent/charts: No such file");
  test_path_free(good);
  test_path_free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_suites),
      cmocka_unit_test(test_tuned),
      cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests_name("cli_report", tests, NULL, NULL);
}
