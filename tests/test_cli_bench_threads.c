// SPDX-License-Identifier: BSD-3-Clause
// `onefold bench` with two numbers of threads: both are rows, and that on more has the other's time
// and their ratio.
#include "tests/cli_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// The rows `name`1 and `name`2, that on 2 threads with the counters and with what tells of 1.
static void expect_both(const json_t *report, const char *name, const char *const *counters) {
  static const char *const fewer[] = {"flops", "bytes", "gflops", "memory_bytes", NULL};
  char rows[2][256];
  for (int i = 0; i < 2; i++) snprintf(rows[i], sizeof rows[i], "%s%d", name, i + 1);
  const json_t *one = test_row_of_report(report, rows[0], fewer);
  const json_t *two = test_row_of_report(report, rows[1], counters);
  const double ns = 1e3 * test_number(one, "real_time");
  const double times = test_number(one, "real_time") / test_number(two, "real_time");
  assert_true(fabs(test_number(two, "threads_1_ns") / ns - 1) < 1e-3);
  assert_true(fabs(test_number(two, "ratio_threads_1") / times - 1) < 1e-3);
  assert_null(json_object_get(one, "percent_peak")); // that is of 2 threads
  assert_string_equal(test_fact(report, "onefold_threads"), "2");
}

static void expect_words(const char *arguments, const char *const *words, size_t count) {
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  for (size_t i = 0; i < count; i++) test_has_words(run.out, words[i]);
  assert_null(strstr(run.out, "chosen"));
  test_run_free(&run);
}

static void test_conv(void **state) {
  (void)state;
  static const char *const options[] = {"", "--cold-cache=wei "};
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "bench conv --json - --threads 2,1 %s" TEST_QUICK "%s",
             options[i], "ic32ih20oc32kh3ph1");
    json_t *report = test_report(arguments);
    expect_both(report, "conv/mb1ic32ih20oc32oh20kh3ph1/run/threads:", test_work_counters);
    json_decref(report);
  }
  static const char *const words[] = {
      "threads_1: ours on 1 thread, and its time by that on 2.",
      "threads_1 / ours, geometric mean over 1 problem of 20 MFLOP and more: ",
      "threads_1 / ours, geometric mean over 2 problems of less: "};
  expect_words("bench conv --threads 1,2 --no-check " TEST_QUICK
               "ic8ih8oc8kh1 ic9ih8oc8kh1 ic64ih40oc64kh3ph1",
               words, sizeof words / sizeof words[0]);
}

/// Of the folded form alone, whether it is one convolution or several.
static void test_block(void **state) {
  (void)state;
  static const char *const options[] = {"", "--cold-cache=wei "};
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "bench block --json - --threads 2,1 %s" TEST_QUICK "%s",
             options[i], "repvgg ic24ih7oc24kh3ph1");
    json_t *report = test_report(arguments);
    expect_both(report, "block/repvgg/mb1ic24ih7oc24oh7kh3ph1/folded/threads:", test_work_counters);
    assert_null(test_entry(report, "block/repvgg/mb1ic24ih7oc24oh7kh3ph1/branches/threads:2"));
    json_decref(report);
  }
  json_t *report = test_report("bench block --json - --threads 1,2 --form folded " TEST_QUICK
                               "c3 input=1x8x8x8,out_channels=8");
  static const char *const counters[] = {"gflops", "percent_peak", NULL}; // nothing to compare with
  expect_both(report, "block/c3/input=1x8x8x8,out_channels=8/folded/threads:", counters);
  json_decref(report);
  static const char *const words[] = {
      "threads_1: ours on 1 thread, and its time by that on 2.",
      "threads_1 / ours, geometric mean over 2 problems: ",
      "; lowest ",
      " at repvgg/mb1ic",
  };
  expect_words("bench block --threads 1,2 --no-check " TEST_QUICK
               "repvgg ic8ih8oc8kh3ph1 ic16ih8oc8kh3ph1",
               words, sizeof words / sizeof words[0]);
}

/// Beside the pair as two calls, which keeps its own counters.
static void test_pair(void **state) {
  (void)state;
  static const char *const options[] = {"", "--cold-cache=all "};
#define PAIR "g17ic17ih9oc17kh3ph1+ic17ih9oc33kh1"
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "bench pair --json - --threads 2,1 %s" TEST_QUICK PAIR,
             options[i]);
    json_t *report = test_report(arguments);
#define A "pair/g17mb1ic17ih9oc17oh9kh3ph1+mb1ic17ih9oc33oh9kh1/"
    expect_both(report, A "fused/threads:", test_work_counters);
    const json_t *two = test_entry(report, A "fused/threads:2_median");
    const json_t *separate = test_entry(report, A "separate/threads:2_median");
    assert_non_null(separate);
    const double ns = 1e3 * test_number(separate, "real_time");
    assert_true(fabs(test_number(two, "separate_ns") / ns - 1) < 1e-3);
#undef A
    json_decref(report);
  }
  test_run run = test_program("bench pair --threads 1,2 --no-check " TEST_QUICK PAIR);
  test_exits(&run, "bench pair --threads 1,2", 0);
  test_has_words(run.out, "separate: as two");
  test_has_words(run.out, "threads_1: ours on 1 thread, and its time by that on 2.");
  test_has_words(run.out, "separate / ours, geometric mean over 1 problem: ");
  test_has_words(run.out, "threads_1 / ours, geometric mean over 1 problem: ");
  test_run_free(&run);
#undef PAIR
}

/// Of the folded form.
static void test_net(void **state) {
  (void)state;
  static const char *const counters[] = {"flops", "bytes", "gflops", "memory_bytes", NULL};
  json_t *report = test_report("bench net mobileone-s0 --json - --size 32 --form folded "
                               "--threads 1,2 " TEST_QUICK);
  expect_both(report, "net/mobileone-s0/mb1ih32/folded/threads:", counters);
  json_decref(report);
  test_expect_words("bench net mobileone-s0 --form folded --size 32 --threads 1,2 " TEST_QUICK,
                    "threads_1 / ours, geometric mean over 1 problem: ");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_conv), cmocka_unit_test(test_block),
                                     cmocka_unit_test(test_pair), cmocka_unit_test(test_net)};
  return cmocka_run_group_tests_name("cli_bench_threads", tests, NULL, NULL);
}
