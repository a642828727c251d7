// SPDX-License-Identifier: BSD-3-Clause
// onefold tune run: rows, resuming, lists and logs of problems, and who uses
// the rows afterwards.
#include "tests/cli_child.h"
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEMS "ic16ih9oc16oh9kh3ph1 ic16ih9oc32oh9kh1"

/// The gains have so many lines, the last of which is of that list and so many shapes.
static void expect_gains(json_t *root, size_t lines, const char *list, double shapes) {
  json_t *gains = json_object_get(root, "gains");
  assert_int_equal(json_array_size(gains), lines);
  json_t *last = json_array_get(gains, lines - 1);
  assert_string_equal(json_string_value(json_object_get(last, "list")), list);
  test_expect_number(last, "shapes", shapes);
  const double median = test_number(last, "median"), high = test_number(last, "percentile_95");
  const double largest = test_number(last, "largest"), mean = test_number(last, "geometric_mean");
  assert_true(median >= 1 && high >= median && largest >= high && mean >= 1 && mean <= largest);
  assert_true(strncmp(json_string_value(json_object_get(last, "largest_problem")), "mb1ic", 5) ==
              0);
}

/// Rows come once; again they are left out, and tuned only when asked.
static void test_run_and_resume(void **state) {
  (void)state;
  json_t *root = test_report("tune run --budget=60s --per-shape=60ms --threads=1 --json " PROBLEMS);
  test_expect_number(root, "tuned", 2);
  test_expect_number(root, "left", 0);
  const json_t *shape = json_array_get(json_object_get(root, "shapes"), 1);
  const json_t *row = json_object_get(shape, "row");
  assert_string_equal(json_string_value(json_object_get(row, "problem")), "mb1ic16ih9oc32oh9kh1");
  assert_true(test_number(shape, "samples") >= 5);
  expect_gains(root, 1, "all", 2);
  json_decref(root);

  root = test_report("tune --budget=60s --per-shape=60ms --threads=1 --json " PROBLEMS);
  expect_gains(root, 1, "all", 2); // of what is recorded, too
  test_expect_number(root, "tuned", 0);
  test_expect_number(root, "recorded_before", 2);
  json_decref(root);
  test_expect_words("tune ic16ih9oc32oh9kh1 --threads=1 --again --per-shape=20ms", "1 tuned in ");
  test_expect_words("tune ic16ih9oc32oh9kh1 --threads=1 --cold-cache=wei --per-shape=20ms",
                    "1 tuned in ");
  test_expect_words("tune ic16ih9oc32oh9kh1 --threads=1 --act=relu --per-shape=20ms",
                    "1 tuned in ");
  test_expect_words("tune show", "4 rows of ");
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void test_lists_and_logs(void **state) {
  (void)state;
  char arguments[512];
  char *list = test_path(), *log = test_path();
  write_file(list, "# two\n  ic16ih9oc16oh9kh3ph1\n\nic16ih9oc32oh9kh1 # the second\n");
  snprintf(
      arguments, sizeof arguments,
      "tune run --batch %s ic16ih9oc16oh9kh3ph1 --threads=1 --budget=60s --per-shape=60ms --json",
      list);
  json_t *root = test_report(arguments);
  test_expect_number(root, "tuned", 2); // one is named twice
  json_decref(root);
  char *second = test_path();
  write_file(second, "ic16ih9oc16oh9kh3ph1\n");
  snprintf(arguments, sizeof arguments, "tune run --batch %s --batch %s --threads=1 --json", list,
           second);
  root = test_report(arguments);
  expect_gains(root, 3, "all", 2); // a shape of both lists counts once
  json_t *of_second = json_array_get(json_object_get(root, "gains"), 1);
  assert_string_equal(json_string_value(json_object_get(of_second, "list")), second);
  test_expect_number(of_second, "shapes", 1);
  json_decref(root);
  snprintf(arguments, sizeof arguments, "tune run --batch %s --batch %s --threads=1", list, second);
  test_expect_words(arguments, "all ");
  test_path_free(second);

  setenv("ONEFOLD_VERBOSE", "1", 1);
  test_run r = test_program("bench conv ic24ih9oc16oh9kh3ph1 --act=relu --benchmark_min_time=0.001 "
                            "--benchmark_repetitions=1");
  unsetenv("ONEFOLD_VERBOSE");
  test_exits(&r, "bench conv", 0);
  assert_non_null(strstr(r.err, "onefold plan conv2d mb1ic24ih9oc16oh9kh3ph1 "));
  write_file(log, r.err);
  test_run_free(&r);
  snprintf(arguments, sizeof arguments,
           "tune --from %s --threads=1 --budget=60s --per-shape=60ms --json", log);
  root = test_report(arguments);
  test_expect_number(root, "tuned", 1);
  const json_t *row = json_object_get(json_array_get(json_object_get(root, "shapes"), 0), "row");
  assert_string_equal(json_string_value(json_object_get(row, "epilogue")), "relu");
  json_decref(root);
  // Labels tell rows apart.
  write_file(log, "onefold plan conv2d mb1ic24ih9oc16oh9kh1 blocked:blocked none threads:1 "
                  "standard algorithm=direct from default\n"
                  "onefold plan conv2d mb1ic24ih9oc16oh9kh1 nchw:blocked relu threads:1 "
                  "standard algorithm=direct from default\n");
  snprintf(arguments, sizeof arguments, "tune --from %s --budget=60s --per-shape=20ms", log);
  test_run labels = test_program(arguments);
  test_exits(&labels, arguments, 0);
  assert_non_null(strstr(labels.out, "\nmb1ic24ih9oc16oh9kh1 "));
  assert_non_null(strstr(labels.out, "\nmb1ic24ih9oc16oh9kh1/act:relu/nchw:blocked "));
  test_run_free(&labels);
  write_file(list, "ic8oc8ih4kh1\nnonsense # a mistake\n");
  snprintf(arguments, sizeof arguments, "tune --batch %s", list);
  char says[256];
  snprintf(says, sizeof says, "%s:2: ", list);
  test_expect_mistake(arguments, 2, says);
  write_file(log, "onefold plan conv2d nonsense\n");
  snprintf(arguments, sizeof arguments, "tune --from %s", log);
  test_expect_mistake(arguments, 1, ":1: not a line that ONEFOLD_VERBOSE=1 writes");
  test_path_free(list);
  test_path_free(log);
}

/// What a program logs is tuned for its threads and its class, and the program then finds it; what
/// the options name comes before the log.
static void test_logged_contexts(void **state) {
  (void)state;
#define BENCH "bench conv ic24ih9oc16oh9kh1 --benchmark_min_time=0.001 --benchmark_repetitions=1"
  onefold_machine machine;
  assert_int_equal(onefold_machine_query(&machine), ONEFOLD_OK);
  if (machine.usable_cores < 2) skip(); // two threads are refused
  char arguments[512];
  char *log = test_path();
  setenv("ONEFOLD_VERBOSE", "1", 1);
  test_run strict = test_program(BENCH " --threads=1 --accuracy=strict");
  test_run fast = test_program(BENCH " --threads=2 --accuracy=fast");
  unsetenv("ONEFOLD_VERBOSE");
  test_exits(&strict, BENCH, 0);
  test_exits(&fast, BENCH, 0);
  FILE *file = fopen(log, "w");
  assert_non_null(file);
  assert_true(fprintf(file, "%s%s%s", strict.err, fast.err, strict.err) > 0);
  assert_int_equal(fclose(file), 0);
  test_run_free(&strict);
  test_run_free(&fast);
  snprintf(arguments, sizeof arguments, "tune --from %s --budget=60s --per-shape=60ms", log);
  test_expect_words(arguments, "2 tuned in ");
  test_expect_words("tune show --threads=1 --accuracy=strict", "1 rows of ");
  test_expect_words("tune show --threads=2 --accuracy=fast", "1 rows of ");
  test_expect_words(BENCH " --threads=1 --accuracy=strict", "tiling from record");
  test_expect_words(BENCH " --threads=2 --accuracy=fast", "tiling from record");
  test_expect_words(BENCH " --threads=1", "tiling from default");
  snprintf(arguments, sizeof arguments,
           "tune --from %s --threads=1 --accuracy=standard --budget=60s --per-shape=60ms", log);
  test_expect_words(arguments, "1 tuned in "); // both are one problem then
  test_expect_words(BENCH " --threads=1", "tiling from record");
  snprintf(arguments, sizeof arguments, "tune explain --from %s --estimates", log);
  test_expect_words(arguments, "mb1ic24ih9oc16oh9kh1 threads:2 fast");
  strcat(arguments, " --json");
  json_t *root = test_report(arguments);
  assert_int_equal(json_array_size(root), 2);
  test_expect_number(json_array_get(root, 1), "threads", 2);
  assert_string_equal(json_string_value(json_object_get(json_array_get(root, 1), "accuracy")),
                      "fast");
  json_decref(root);
  test_path_free(log);
#undef BENCH
}

/// A log's level comes before the best one, and --isa before the log; one that this machine has not
/// is refused, and a line without a level is of the best one.
static void test_logged_levels(void **state) {
  (void)state;
#define BENCH "bench conv ic24ih9oc16oh9kh1 --benchmark_min_time=0.001 --benchmark_repetitions=1"
  char arguments[512], line[512];
  char *log = test_path();
  setenv("ONEFOLD_VERBOSE", "1", 1);
  test_run bench = test_program(BENCH " --threads=1 --isa=ref");
  unsetenv("ONEFOLD_VERBOSE");
  test_exits(&bench, BENCH, 0);
  assert_non_null(strstr(bench.err, " threads:1 standard isa:ref "));
  write_file(log, bench.err);
  test_run_free(&bench);
  snprintf(arguments, sizeof arguments, "tune --from %s --per-shape=60ms", log);
  test_expect_words(arguments, "1 tuned in ");
  test_expect_words("tune export", ",ref,l1d=");
  test_expect_words(BENCH " --threads=1 --isa=ref", "tiling from record");
  test_expect_words(arguments, "1 recorded before");

  const onefold_isa missing = test_isa_runs(ONEFOLD_ISA_NEON) ? ONEFOLD_ISA_AVX2 : ONEFOLD_ISA_NEON;
  snprintf(line, sizeof line,
           "onefold plan conv2d mb1ic24ih9oc16oh9kh1 blocked:blocked none threads:1 standard "
           "isa:%s algorithm=direct from default\n",
           onefold_isa_name(missing));
  write_file(log, line);
  snprintf(line, sizeof line, ":1: isa:%s does not run here; --isa names another level",
           onefold_isa_name(missing));
  test_expect_mistake(arguments, 1, line);
  strcat(arguments, " --isa=ref");
  test_expect_words(arguments, "1 recorded before");

  write_file(log, "onefold plan conv2d mb1ic24ih9oc16oh9kh1 blocked:blocked none threads:4000 "
                  "standard algorithm=direct from default\n");
  snprintf(arguments, sizeof arguments, "tune --from %s --per-shape=60ms", log);
  test_expect_mistake(arguments, 2, "a log has a problem of 4000 threads, and this process has ");

  write_file(log, "onefold plan conv2d mb1ic24ih9oc16oh9kh1 blocked:blocked none threads:1 "
                  "standard algorithm=direct from default\n");
  snprintf(arguments, sizeof arguments, "tune --from %s --per-shape=60ms --again", log);
  test_expect_words(arguments, "1 tuned in ");
  test_expect_words(BENCH " --threads=1", "tiling from record");
  test_path_free(log);
#undef BENCH
}

/// A record that cannot grow: what was written is kept, and the time is not what was lacking.
static void test_full_disk(void **state) {
  (void)state;
  char *list = test_path();
  FILE *file = fopen(list, "w");
  assert_non_null(file);
  for (int i = 1; i <= 40; i++) fprintf(file, "ic8ih%doc8kh1\n", i);
  assert_int_equal(fclose(file), 0);
  test_expect_words("tune run ic8ih50oc8kh1 --threads=1 --per-shape=20ms", "1 tuned in ");
  char *line = NULL;
  assert_true(asprintf(&line,
                       "trap '' XFSZ; ulimit -f 128; '%s' tune run --batch '%s' --threads=1 "
                       "--budget=300s --per-shape=5ms",
                       ONEFOLD_PROGRAM, list) > 0);
  test_run r = test_command(line);
  test_exits(&r, line, 1);
  if (!strstr(r.out, " left: failed; ")) fail_msg("not failed:\n%s%s", r.out, r.err);
  assert_non_null(strstr(r.err, "(io)"));
  test_run_free(&r);
  free(line);
  test_path_free(list);
}

/// SIGINT while the second problem is timed: the first is recorded, and the exit code tells.
static void test_interrupt(void **state) {
  (void)state;
  char line[512];
  test_child child = test_child_start(
      (const char *const[]){ONEFOLD_PROGRAM, "tune", "--threads=1", "--budget=900s", "--isa=ref",
                            "ic4ih4oc4oh4kh1", "ic64ih112oc64oh112kh3ph1", NULL});
  test_child_read(&child, "mb1ic4ih4oc4oh4kh1/", line);
  assert_int_equal(kill(child.id, SIGINT), 0);
  assert_int_equal(test_child_end(&child, line), 1);
  assert_non_null(strstr(line, "1 tuned in "));
  assert_non_null(strstr(line, "; 1 left: stopped; "));
  test_expect_words("tune show", "1 rows of ");
}

/// Rows in place, of which a network's plans are.
static void test_graph(void **state) {
  (void)state;
  json_t *root = test_report("tune graph repghostnet-0.5x --size=32x32 --threads=1 --budget=60s "
                             "--candidates=2 --json");
  const size_t rows = json_array_size(json_object_get(root, "rows"));
  assert_true(rows > 2);
  assert_true(json_is_true(json_object_get(root, "finished")));
  assert_true(test_number(root, "default_ns") > 0);
  json_decref(root);
  test_expect_words("net repghostnet-0.5x --size=32x32 --threads=1", "record");
  test_expect_words(
      "tune block repvgg --set 'input=1x16x9x9 out_channels=16' --threads=1 --budget=60s",
      "whole runs: ");
  test_expect_words("tune show --situation=in_place --problem mb1ic16ih9oc16oh9kh3ph1", "relu");
}

/// A level that does not run here is refused, and not another one tuned.
static void test_graph_level(void **state) {
  (void)state;
  const char *const missing = test_isa_runs(ONEFOLD_ISA_NEON) ? "avx2" : "neon";
  char arguments[256];
  snprintf(arguments, sizeof arguments, "tune graph repghostnet-0.5x --size=32x32 --isa=%s",
           missing);
  test_expect_mistake(arguments, 1, "does not run on this machine");
  snprintf(arguments, sizeof arguments, "tune block repvgg --isa=%s", missing);
  test_expect_mistake(arguments, 1, "does not run on this machine");
  test_expect_words("tune show", "0 rows of ");
}

static void test_mistakes(void **state) {
  (void)state;
  static const test_mistake mistakes[] = {
      {"tune run", 2, "no problem is given"},
      {"tune run nonsense", 2, "nonsense"},
      {"tune --budget=soon ic8oc8ih4kh1", 2, "--budget=soon: not a time"},
      {"tune run ic8oc8ih4kh1 --per-shape=0s", 2, "--per-shape=0s: not a time"},
      {"tune run ic8oc8ih4kh1 --cold-cache=all", 2, "--cold-cache=all"},
      {"tune run --batch /nonexistent/x", 1, "/nonexistent/x"},
      {"tune run ic8oc8ih4kh1 --record /nonexistent/x.db", 1, "no record to write to"},
      {"tune explain", 2, "no problem is given"},
      {"tune graph", 2, "no network is given"},
      {"tune block", 2, "no block is given"},
      {"tune graph nonsense --budget=1s", 2, "nonsense"},
      {"tune block nonsense --budget=1s", 2, "nonsense"},
      {"tune graph repvgg-a0 --set stride=2", 2, "--set is of blocks"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_run_and_resume, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_lists_and_logs, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_logged_contexts, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_logged_levels, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_full_disk, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_interrupt, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_graph, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_graph_level, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_mistakes, test_record_here, test_record_gone),
  };
  return cmocka_run_group_tests_name("onefold tune run", tests, NULL, NULL);
}
