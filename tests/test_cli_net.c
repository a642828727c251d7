// SPDX-License-Identifier: BSD-3-Clause
// The built program's `net` and `bench net`: layers of networks, rows, counters and mistakes.
#include "tests/cli_support.h"

#include <onefold/onefold.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/// The steps of the JSON add up to its totals; the table has a line for each.
static void test_net(void **state) {
  (void)state;
  json_t *root = test_report("net repvgg-a0 --json --size 32x64 --batch 2 --threads 1");
  const json_t *input = json_object_get(root, "input"), *steps = json_object_get(root, "steps");
  static const int want[] = {2, 3, 32, 64};
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(json_integer_value(json_array_get(input, i)), want[i]);
  assert_true(test_number(json_object_get(root, "training"), "parameters") == 9108968);
  assert_true(test_number(json_object_get(root, "runs"), "parameters") == 8309384);
  assert_true(test_number(root, "tensor_bytes") > 0 && test_number(root, "arena_bytes") > 0);
  double macs = 0, packed = 0;
  size_t i, convs = 0, pieces = 0, blocks = 0;
  const json_t *step;
  json_array_foreach(steps, i, step) {
    const json_t *conv = json_array_get(json_object_get(step, "convs"), 0);
    macs += test_number(step, "macs");
    packed += test_number(step, "packed_bytes");
    assert_true(test_number(step, "read_bytes") > 0 && test_number(step, "written_bytes") > 0);
    if (!conv) continue;
    convs++;
    assert_string_equal(json_string_value(json_object_get(conv, "source")), "default");
    assert_non_null(json_string_value(json_object_get(conv, "kernel")));
    assert_non_null(json_string_value(json_object_get(conv, "algorithm")));
    const char *tiling = json_string_value(json_object_get(conv, "tiling"));
    assert_true(tiling && strstr(tiling, "threads=1"));
    pieces += strstr(tiling, "piece=") != NULL;
    blocks += strstr(tiling, "block_in=") != NULL;
  }
  assert_int_equal(convs, 23);
  assert_true(pieces > 0 && blocks > 0);
  assert_true(macs == test_number(json_object_get(root, "runs"), "macs"));
  assert_true(packed == test_number(root, "packed_bytes"));
  json_decref(root);

  test_run run = test_program("net repghostnet-0.5x --form=branches --size 32 --isa ref");
  test_exits(&run, "net repghostnet-0.5x", 0);
  static const char *const parts[] = {"1x3x32x32; ref", "branches", "blocks.8.3.ghost2",
                                      "3x3 s2 +relu",   "total",    "one by one",
                                      "block_in="};
  for (i = 0; i < sizeof parts / sizeof parts[0]; i++) test_has_words(run.out, parts[i]);
  test_run_free(&run);
  run = test_program("net");
  test_exits(&run, "net", 0);
  for (i = 0; onefold_network_name(i); i++)
    assert_non_null(strstr(run.out, onefold_network_name(i)));
  test_run_free(&run);
}

/// Every form and rewrite of a network with several outputs, against each other.
static void test_bench_forms(void **state) {
  (void)state;
  static const char *const forms[] = {"eager",    "branches",  "folded",  "unpaired", "paired",
                                      "siblings", "unchained", "unmoved", "copied",   "unfused"};
  static const char *const counters[] = {"gflops", "percent_peak", "arena_bytes", "tensor_bytes",
                                         NULL};
  json_t *report =
      test_report("bench net yolov7-tiny --json - --rewrites --batch 2 --size 32x64 " TEST_QUICK);
  double copied = 0, placed = 0;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    char name[160];
    snprintf(name, sizeof name, "net/yolov7-tiny/mb2ih32iw64/%s/threads:1", forms[i]);
    const json_t *row = test_row_of_report(report, name, counters);
    const json_t *error = json_object_get(row, "max_error"); // of what the first is compared with
    assert_int_equal(error != NULL, i > 0);
    if (error) assert_true(json_number_value(error) > 0 && json_number_value(error) <= 1e-4);
    if (strcmp(forms[i], "copied") == 0) copied = test_number(row, "tensor_bytes");
    if (strcmp(forms[i], "folded") == 0) placed = test_number(row, "tensor_bytes");
    assert_true(test_number(row, "tensor_bytes") > test_number(row, "arena_bytes"));
  }
  assert_true(copied > placed);
  static const char *const steps[] = {"fold", "plan", "pack", "first_run"};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    char name[160];
    snprintf(name, sizeof name, "net/yolov7-tiny/mb2ih32iw64/folded/%s/threads:1", steps[i]);
    test_row_of_report(report, name, (const char *const[]){NULL});
  }
  assert_non_null(strstr(test_fact(report, "onefold_weights"), "seed 1"));
  json_decref(report);
}

/// The median of a layer's row, which has the repetitions that its rounds are, whatever the flags.
static const json_t *layer_row(const json_t *report, const char *name,
                               const char *const *counters) {
  char median[192];
  snprintf(median, sizeof median, "%s_median", name);
  assert_int_equal(test_entries(report, name), 11);
  const json_t *row = test_entry(report, median);
  assert_non_null(row);
  assert_true(test_number(row, "real_time") > 0);
  for (; *counters; counters++) assert_true(test_number(row, *counters) >= 0);
  return row;
}

/// Each layer has a share and how it runs, each convolution was timed alone.
static void test_bench_layers(void **state) {
  (void)state;
  static const char *const counters[] = {"flops", "bytes",  "gflops", "packed_bytes",
                                         "share", "run_ns", NULL};
  json_t *report = test_report("bench net repvgg-a0 --json - --form folded --per-layer --size 32 "
                               "--threads 2 " TEST_QUICK);
  double shares = 0, flops = 0;
  for (int i = 1; i <= 25; i++) {
    char name[160];
    snprintf(name, sizeof name, "net/repvgg-a0/mb1ih32/folded/layer:%03d/threads:2", i);
    const json_t *row = layer_row(report, name, counters);
    const char *label = json_string_value(json_object_get(row, "label"));
    assert_non_null(label);
    const int is_conv = strstr(label, "; conv; mb1ic") != NULL;
    assert_int_equal(is_conv, test_number(row, "flops") > 0);
    assert_int_equal(is_conv, json_object_get(row, "alone_ns") != NULL);
    if (i == 3)
      assert_non_null(strstr(label, "stage1.1.rbr_reparam; conv; mb1ic48ih8oc48oh8kh3ph1"));
    if (is_conv) assert_non_null(strstr(label, "; onefold_uk_"));
    const double share = test_number(row, "share");
    assert_true(share >= 0 && share <= 1);
    shares += share;
    flops += test_number(row, "flops");
  }
  // 1 in each round; a median is at most twice its layer's mean, and what disturbs a round is none.
  assert_true(shares > 0.02 && shares <= 2);
  const json_t *whole = test_entry(report, "net/repvgg-a0/mb1ih32/folded/threads:2");
  assert_true(test_number(whole, "flops") == flops);
  test_row_of_report(report,
                     "net/repvgg-a0/mb1ih32/folded/alone:001/mb1ic3ih32oc48oh16kh3sh2ph1/threads:2",
                     (const char *const[]){"gflops", NULL});
  json_decref(report);
}

/// Tables: of one network with its layers, of several with ratios.
static void test_bench_tables(void **state) {
  (void)state;
  static const struct {
    const char *arguments, *says;
  } cases[] = {
      {"bench net repghostnet-0.5x mobileone-s0 --size 32 " TEST_QUICK, "T1/T2"},
      {"bench net repghostnet-0.5x --size 32 --form folded " TEST_QUICK, "unprofitable"},
      {"bench net repghostnet-0.5x --size 32 --form folded " TEST_QUICK, "its tensors one by one"},
      {"bench net mobileone-s0 --form folded --per-layer --size 32 " TEST_QUICK, "alone with cold"},
      {"bench net mobileone-s0 --benchmark_list_tests --size 64 --form folded",
       "net/mobileone-s0/mb1ih64/folded/threads:1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    test_expect_words(cases[i].arguments, cases[i].says);
}

static void test_mistakes(void **state) {
  (void)state;
  static const test_mistake mistakes[] = {
      {"net repvgg-z9", 2, "no network 'repvgg-z9'; there are: repvgg-a0"},
      {"net repvgg-a0 repvgg-a1", 2, "repvgg-a1: one network"},
      {"net repvgg-a0 --size=32by32", 2, "--size=32by32"},
      {"net repvgg-a0 --size=32x", 2, "--size=32x"},
      {"net repvgg-a0 --size=0x32", 2, "--size=0x32"},
      {"net yolov7-tiny --size=100", 2, "input.h is 100, not a multiple of 32"},
      {"net repvgg-a0 --batch=0", 2, "--batch=0"},
      {"net repvgg-a0 --form=all", 2, "--form=all: not one of eager, branches, folded"},
      {"net repvgg-a0 --weights=/nonexistent/w", 1, "/nonexistent/w"},
      {"bench net", 2, "no network is given; the networks are all, repvgg-a0"},
      {"bench net repvgg-z9", 2, "repvgg-z9; the networks are"},
      {"bench net repvgg-a0 --act=relu", 2, "--act"},
      {"bench net repvgg-a0 --batch=0", 2, "--batch=0"},
      {"bench net repvgg-a0 --form=half", 2, "--form=half: not one of eager, branches, folded"},
      {"bench net yolov7 --size=100", 2, "yolov7: yolov7: input.h is 100"},
      {"bench net repvgg-a0 --weights=/nonexistent/w", 1, "/nonexistent/w"},
      {"bench block repvgg --per-layer", 2, "--per-layer"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof *mistakes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_net),          cmocka_unit_test(test_bench_forms),
      cmocka_unit_test(test_bench_layers), cmocka_unit_test(test_bench_tables),
      cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
