// SPDX-License-Identifier: BSD-3-Clause
// `onefold bench pair` of the built program: its rows, its list, its mistakes, and the peers that
// are here.
#include "tests/cli_support.h"
#include "tests/shapes_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Both ways are rows with a median, and the first has the ratio of the two.
static void test_rows(void **state) {
  (void)state;
  json_t *report = test_report("bench pair --json - " TEST_QUICK
                               "--act silu g17ic17ih9oc17kh3ph1+ic17ih9oc33kh1:none");
#define PAIR "pair/g17mb1ic17ih9oc17oh9kh3ph1:silu+mb1ic17ih9oc33oh9kh1/"
  const json_t *fused = test_entry(report, PAIR "fused/threads:1_median");
  const json_t *separate = test_entry(report, PAIR "separate/threads:1_median");
  assert_non_null(fused);
  assert_non_null(separate);
  assert_int_equal(test_entries(report, PAIR "fused/threads:1"), 3);
  assert_int_equal(test_entries(report, PAIR "separate/threads:1"), 3);
#undef PAIR
  // Two operations a multiply-add, and floats of the input, the output, the weights and biases.
  assert_true(test_number(fused, "flops") == 2.0 * 81 * 17 * (9 + 33));
  assert_true(test_number(fused, "max_error") < 1e-5);
  const double ns = test_number(fused, "real_time") * 1e3; // in us
  const double beside = test_number(fused, "separate_ns");
  assert_true(fabs(beside / (test_number(separate, "real_time") * 1e3) - 1) < 1e-3);
  assert_true(fabs(test_number(fused, "ratio_separate") * ns / beside - 1) < 1e-3);
  assert_true(test_number(fused, "chosen") == 0.0); // what is between fits in L2
  json_decref(report);
}

static void test_table(void **state) {
  (void)state;
  const char *arguments =
      "bench pair " TEST_QUICK
      "ic8ih8oc24kh1:relu+g24ic24ih8oc24kh3ph1 g8ic8ih9oc8kh3sh2ph1+ic8ih5oc8kh1";
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  static const char *const parts[] = {"separate / ours, geometric mean over 2 problems", "chosen",
                                      "mb1ic8ih8oc24oh8kh1:relu+g24mb1ic24ih8oc24oh8kh3ph1"};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) test_has_words(run.out, parts[i]);
  assert_null(strstr(run.out, "best peer"));
  test_run_free(&run);
}

/// The list of pairs names two rows for each of its lines.
static void test_list(void **state) {
  (void)state;
  static shapes listed;
  shapes_read("pairs", &listed);
  const char *arguments =
      "bench pair --benchmark_list_tests --batch " ONEFOLD_TEST_SHAPES "/pairs.txt";
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  size_t lines = 0;
  for (const char *c = run.out; *c; c++) lines += *c == '\n';
  assert_int_equal(lines, 2 * listed.count);
  for (size_t i = 0; i < listed.count; i++) {
    char row[SHAPES_LENGTH + 32];
    snprintf(row, sizeof row, "pair/%s/fused/threads:1\n", listed.text[i]);
    if (!strstr(run.out, row)) fail_msg("no %s", row);
  }
  test_run_free(&run);
}

static void test_mistakes(void **state) {
  (void)state;
#define DEPTHWISE "g8ic8ih8oc8kh3ph1"
  static const test_mistake mistakes[] = {
      {"bench pair", 2, "no pair is given"},
      {"bench pair " DEPTHWISE, 2, "a pair is two problems with + between"},
      {"bench pair " DEPTHWISE ":mish+ic8ih8oc8kh1", 2, "mish is no activation"},
      {"bench pair " DEPTHWISE "+ic8ih8oc8khx", 2, "ic8ih8oc8khx"},
      {"bench pair " DEPTHWISE "+ic8ih9oc8kh1", 2, "does not read the shape"},
      {"bench pair " DEPTHWISE "+" DEPTHWISE, 2, "not a depthwise and a pointwise"},
      {"bench pair " DEPTHWISE "+ic8ih8oc8kh3ph1", 2, "not a depthwise and a pointwise"},
      {"bench pair ic8ih8oc8kh1sh2+g8ic8ih4oc8kh3ph1", 2, "not a depthwise and a pointwise"},
      {"bench pair --layout=nchw " DEPTHWISE "+ic8ih8oc8kh1", 2, "--layout"},
      {"bench pair --peers=torch " DEPTHWISE "+ic8ih8oc8kh1", 2,
       "it runs single convolutions only"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

// Every way in which a pair can differ, small; each checked against ours by the program.
#define PAIRS                                                                                      \
  "g17ic17ih9oc17kh3ph1+ic17ih9oc33kh1:none mb2g32ic32ih14oc32kh5sh2ph2+mb2ic32ih7oc16kh1 "        \
  "ic20ih14oc48kh1+g48ic48ih14oc48kh3ph1 ic20ih14oc48kh1:none+g48ic48ih14oc48kh3sh2ph1 "           \
  "mb2ic16ih11oc24kh1+mb2g24ic24ih11oc24kh3ph2dh1 ic9ih13oc9kh1+g9ic9ih13oc9kh7ph3"
#define PAIR_COUNT 6

/// What the peer gives is what ours gives, and the ratio is of its median and ours.
static void check_peer(const char *peer, const char *arguments) {
  json_t *report = test_peer_report("pair", peer, arguments);
  char key[64];
  snprintf(key, sizeof key, "peer_%s_ns", peer);
  size_t i;
  const json_t *entry;
  int compared = 0;
  json_array_foreach(json_object_get(report, "benchmarks"), i, entry) {
    const char *name = json_string_value(json_object_get(entry, "name"));
    if (!strstr(name, "/fused/threads") || !strstr(name, "_median")) continue;
    const double ours = 1e3 * test_number(entry, "real_time");
    const double ratio = test_number(entry, "ratio_best_peer");
    assert_true(ratio > 0 && test_number(entry, "ratio_separate") > 0);
    assert_true(fabs(test_number(entry, key) / ours / ratio - 1) < 1e-3);
    compared++;
  }
  json_decref(report);
  assert_int_equal(compared, PAIR_COUNT);
}

static void test_onednn(void **state) {
  (void)state;
  check_peer("onednn", "--act=relu " PAIRS);
  check_peer("onednn", "--act=silu --threads=2 " PAIRS);
  check_peer("onednn", "--act=relu6 --cold-cache=all " PAIRS);
}

/// With AVX2 it runs a 3x3 behind a 1x1 as one call, at the latest where caches do not hold what
/// is between.
static void test_onednn_fused(void **state) {
  (void)state;
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2")) skip();
  json_t *report = test_peer_report("pair", "onednn",
                                    "ic8ih200oc128kh1:relu+g128ic128ih200oc128kh3sh2ph1:relu6");
  assert_int_equal(test_entries(report, "pair/mb1ic8ih200oc128oh200kh1:relu+g128mb1ic128ih200oc128"
                                        "oh100kh3sh2ph1:relu6/onednn_fused/threads:1"),
                   2);
  json_decref(report);
#else
  skip();
#endif
}

static void test_xnnpack(void **state) {
  (void)state;
  check_peer("xnnpack", "--act=relu6 " PAIRS);
  check_peer("xnnpack", "--act=relu --threads=2 --cold-cache=wei " PAIRS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),    cmocka_unit_test(test_table),
      cmocka_unit_test(test_list),    cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_onednn),  cmocka_unit_test(test_onednn_fused),
      cmocka_unit_test(test_xnnpack),
  };
  return cmocka_run_group_tests_name("cli_pair", tests, NULL, NULL);
}
