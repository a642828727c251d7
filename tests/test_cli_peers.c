// SPDX-License-Identifier: BSD-3-Clause
// The comparison with other libraries: by a stand-in for a peer's process, whose times and results
// are known, and with the peers that are here.
#include "tests/cli_support.h"
#include "tests/file_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/// Speaks the protocol of bench/peers/child.h as two variants of 1 and 0.1 ms, whose results are
/// zeros. It refuses silu, fails for relu6 and ends for sigmoid and for a network, or refuses that
/// where NETWORKS=refused.
static const char stand_in[] =
    "#!/bin/sh\n"
    "echo 'a library may say something'\n"
    "while read -r request a b c d e f g h i j k l m n o p q r act rest; do\n"
    "  case $request in\n"
    "  open) echo \"ok stand-in for $a\" ;;\n"
    "  make)\n"
    "    head -c $((4 * (a * b * c * d + e * (b / r) * h * i + e))) >/dev/null\n"
    "    outputs=$((a * e * f * g))\n"
    "    case $act in\n"
    "    silu) echo 'refused silu is not for it' ;;\n"
    "    relu6) echo 'error it broke' ;;\n"
    "    sigmoid) exit 1 ;;\n"
    "    *) echo 'ok slow fast' ;;\n"
    "    esac ;;\n"
    "  net)\n"
    "    [ \"$NETWORKS\" = refused ] || exit 1\n"
    "    echo 'refused it knows no networks'\n"
    "    cat >/dev/null ;;\n"
    "  run) if [ $a = 0 ]; then echo \"ok ${b}e-3\"; else echo \"ok ${b}e-4\"; fi ;;\n"
    "  output) echo \"ok $outputs\"; head -c $((4 * outputs)) /dev/zero ;;\n"
    "  esac\n"
    "done >&3\n";

static int set_up(void **state) {
  char *path = test_path();
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(stand_in, file);
  fclose(file);
  assert_int_equal(chmod(path, 0700), 0);
  *state = path;
  return 0;
}

static int tear_down(void **state) {
  test_path_free(*state);
  return 0;
}

/// Runs with the stand-in as torch.
static test_run run_stand_in(const char *path, const char *arguments) {
  const char *set = getenv("ONEFOLD_PYTHON");
  char *before = set ? strdup(set) : NULL;
  assert_int_equal(setenv("ONEFOLD_PYTHON", path, 1), 0);
  const test_run run = test_program(arguments);
  before ? setenv("ONEFOLD_PYTHON", before, 1) : unsetenv("ONEFOLD_PYTHON");
  free(before);
  return run;
}

/// The faster variant is the peer's time; the ratio is of medians, and in every row of ours.
static void test_counters(void **state) {
  static const struct {
    const char *arguments, *ours, *slow;
  } cases[] = {
      {"bench conv --json - --no-check --peers torch " TEST_QUICK "mb2g2ic6ih5oc4kh3ph1",
       "conv/g2mb2ic6ih5oc4oh5kh3ph1/run/threads:1",
       "conv/g2mb2ic6ih5oc4oh5kh3ph1/torch_slow/threads:1"},
      {"bench block --json - --no-check --peers torch,torch " TEST_QUICK "ic24ih7oc24kh3ph1",
       "block/repvgg/mb1ic24ih7oc24oh7kh3ph1/folded/threads:1",
       "block/repvgg/mb1ic24ih7oc24oh7kh3ph1/torch_slow/threads:1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    test_run run = run_stand_in(*state, cases[i].arguments);
    json_t *report = test_report_of(&run, cases[i].arguments);
    char median[160], slow[160];
    snprintf(median, sizeof median, "%s_median", cases[i].ours);
    snprintf(slow, sizeof slow, "%s_median", cases[i].slow);
    const double ours = 1e3 * test_number(test_entry(report, median), "real_time"); // in us
    assert_true(fabs(test_number(test_entry(report, median), "peer_torch_ns") - 1e5) < 1.0);
    assert_true(
        fabs(test_number(test_entry(report, median), "ratio_best_peer") * ours / 1e5 - 1.0) < 1e-3);
    assert_true(test_number(test_entry(report, cases[i].ours), "ratio_best_peer") ==
                test_number(test_entry(report, median), "ratio_best_peer"));
    assert_true(fabs(1e3 * test_number(test_entry(report, slow), "real_time") - 1e6) < 1.0);
    assert_int_equal(test_entries(report, cases[i].slow), 3);
    json_decref(report);
  }
}

static void test_table(void **state) {
  const char *arguments =
      "bench conv --no-check --peers torch " TEST_QUICK "ic8ih8oc8kh1 ic8ih9oc8kh1";
  test_run run = run_stand_in(*state, arguments);
  test_exits(&run, arguments, 0);
  static const char *const parts[] = {"stand-in for 1", "100 us fast", "best / ours", "2 problems"};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) test_has_words(run.out, parts[i]);
  test_run_free(&run);
}

/// Blocks of a list, each in a row, and the mean of all.
static void test_block_list(void **state) {
  char *list = test_path(), arguments[512];
  FILE *file = fopen(list, "w");
  assert_non_null(file);
  fputs("# blocks\nic8ih8oc8kh3ph1\nic16ih9oc8kh3sh2ph1  # another\n", file);
  fclose(file);
  snprintf(arguments, sizeof arguments,
           "bench block repvgg --batch %s --no-check --peers torch " TEST_QUICK, list);
  test_run run = run_stand_in(*state, arguments);
  test_exits(&run, arguments, 0);
  static const char *const parts[] = {"\nrepvgg/mb1ic8ih8oc8oh8kh3ph1 ",
                                      "\nrepvgg/mb1ic16ih9oc8oh5kh3sh2ph1 ", "100 us fast",
                                      "best peer / ours, geometric mean over 2 problems"};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) test_has_words(run.out, parts[i]);
  test_run_free(&run);
  test_path_free(list);
}

/// Rewrites and a cache have their rows beside the peers', too.
static void test_network_rows(void **state) {
  static const char *const rows[] = {"folded/map", "folded/prepare", "unfused", "unpaired"};
  test_directory cache;
  char arguments[512];
  test_directory_make(&cache);
  snprintf(arguments, sizeof arguments,
           "bench net repghostnet-0.5x --size 32 --form folded --rewrites --cache=%s --peers torch "
           "--json - " TEST_QUICK,
           cache.path);
  assert_int_equal(setenv("NETWORKS", "refused", 1), 0);
  test_run run = run_stand_in(*state, arguments);
  json_t *report = test_report_of(&run, arguments);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char name[128];
    snprintf(name, sizeof name, "net/repghostnet-0.5x/mb1ih32/%s/threads:1_median", rows[i]);
    assert_true(test_number(test_entry(report, name), "real_time") > 0);
  }
  json_decref(report);
  assert_int_equal(test_directory_files(&cache), 1);
  test_directory_remove(&cache);
  static const char table[] =
      "bench net repghostnet-0.5x --size 32 --form folded --rewrites --peers torch " TEST_QUICK;
  run = run_stand_in(*state, table);
  unsetenv("NETWORKS");
  test_exits(&run, table, 0);
  static const char *const parts[] = {"it knows no networks", "T2 unfused", "at its peak",
                                      "before the first run"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) test_has_words(run.out, parts[i]);
  test_run_free(&run);
}

/// Wrong results, a refusal, a failure, an end: exit codes and sentences.
static void test_peer_goes_wrong(void **state) {
  static const struct {
    const char *arguments;
    int code;
    const char *says; // in the output for 0, else in the errors
  } cases[] = {
      {"bench conv --peers torch " TEST_QUICK "ic8ih8oc8kh1", 3,
       "against torch slow: largest error"},
      {"bench conv --peers torch " TEST_QUICK "--act=silu ic8ih8oc8kh1", 0,
       "[torch: silu is not for it]"},
      {"bench conv --peers torch " TEST_QUICK "--act=relu6 ic8ih8oc8kh1", 1, "torch: it broke"},
      {"bench conv --peers torch " TEST_QUICK "--act=sigmoid ic8ih8oc8kh1", 1, "no answer"},
      {"bench block --peers torch " TEST_QUICK "repvgg ic8ih8oc8kh3ph1", 3, "against torch slow"},
      {"bench net mobileone-s0 --size 32 --form folded --peers torch " TEST_QUICK, 1, "no answer"},
      {"bench block --peers torch " TEST_QUICK "c3 input=1x8x8x8,out_channels=8", 0,
       "not one convolution"},
      {"bench block --threads 1,2 --peers torch " TEST_QUICK "c3 input=1x8x8x8,out_channels=8", 0,
       "[torch: folded, it is not one convolution]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    test_run run = run_stand_in(*state, cases[i].arguments);
    test_exits(&run, cases[i].arguments, cases[i].code);
    const char *said = cases[i].code ? run.err : run.out;
    if (!strstr(said, cases[i].says)) {
      fail_msg("onefold %s: no \"%s\" in:\n%s", cases[i].arguments, cases[i].says, said);
    }
    test_run_free(&run);
  }
}

/// A problem that fails leaves the others; a process that is gone does not, but the JSON is
/// whole.
static void test_problem_fails(void **state) {
  static const struct {
    const char *middle;
    int behind; // repetitions of the problem that follows
  } cases[] = {{"relu6", 3}, {"sigmoid", 0}};
  char *path = test_path();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char arguments[512];
    snprintf(arguments, sizeof arguments,
             "bench conv --json %s --no-check --peers torch " TEST_QUICK
             "ic8ih8oc8kh1 ic8ih9oc8kh1/act:%s ic8ih10oc8kh1",
             path, cases[i].middle);
    test_run run = run_stand_in(*state, arguments);
    test_exits(&run, arguments, 1);
    json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (!report) fail_msg("onefold %s: no JSON", arguments);
    assert_int_equal(test_entries(report, "conv/mb1ic8ih8oc8oh8kh1/run/threads:1"), 3);
    assert_int_equal(test_entries(report, "conv/mb1ic8ih10oc8oh10kh1/run/threads:1"),
                     cases[i].behind);
    json_decref(report);
    test_run_free(&run);
  }
  test_path_free(path);
}

static void test_mistakes(void **state) {
  (void)state;
  static const test_mistake mistakes[] = {
      {"bench conv --peers=mkl ic8ih8oc8kh1", 2,
       "--peers=mkl: not one of onednn, xnnpack, ort, torch"},
      {"bench conv --peers=torch, ic8ih8oc8kh1", 2, "--peers=: not one of"},
      {"bench conv --peers=torch --cold-cache=wei ic8ih8oc8kh1", 2, "a process of its own"},
      {"bench block --peers=torch --form=eager", 2, "--form leaves out"},
      {"bench net repvgg-a0 --peers=torch --form=eager", 2, "--form leaves out"},
      {"bench net repvgg-a0 --peers=torch --cold-cache=all", 2, "a process of its own"},
      {"bench main --peers=torch", 2, "--peers"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0]);
  test_run run = run_stand_in("/nonexistent/python", "bench conv --peers torch ic8ih8oc8kh1");
  test_exits(&run, "without python", 1);
  assert_non_null(strstr(run.err, "/nonexistent/python cannot be started"));
  test_run_free(&run);
}

// Every way in which a problem can differ, small; each checked against ours by the program.
#define PROBLEMS                                                                                   \
  "mb1ic17ih9oc33kh3ph1 mb2ic16ih14oc32kh3ph1 g4ic16ih9oc32kh3sh2ph1 g24ic24ih10oc24kh5ph2 "       \
  "g8ic8ih9oc16kh3ph1 ic3ih21oc16kh6sh2ph2 ic8ih13iw7oc24oh7ow4kh5kw3sh2sw2ph2pw1 "                \
  "ic16ih15oc16kh3ph2dh1 ic48ih7oc20kh1"

/// A peer that is here gives what ours gives; one that is not is a skip that says so.
static void check_peer(const char *peer, const char *options) {
  char arguments[640], key[64];
  snprintf(arguments, sizeof arguments, "%s " PROBLEMS, options);
  json_t *report = test_peer_report("conv", peer, arguments);
  snprintf(key, sizeof key, "peer_%s_ns", peer);
  size_t i;
  const json_t *entry;
  int compared = 0;
  json_array_foreach(json_object_get(report, "benchmarks"), i, entry) {
    const char *name = json_string_value(json_object_get(entry, "name"));
    if (!strstr(name, "/run/threads") || !strstr(name, "_median")) continue;
    assert_true(test_number(test_entry(report, name), key) > 0 &&
                test_number(test_entry(report, name), "ratio_best_peer") > 0);
    const json_t *bytes = json_object_get(entry, "peer_onednn_bytes"); // the one that tells
    assert_int_equal(bytes != NULL, strcmp(peer, "onednn") == 0);
    if (bytes) {
      const double times =
          test_number(test_entry(report, name), "memory_bytes") / json_number_value(bytes);
      assert_true(fabs(test_number(test_entry(report, name), "ratio_memory_peer") / times - 1) <
                  1e-6);
    }
    compared++;
  }
  json_decref(report);
  assert_int_equal(compared, 9);
}

/// Networks of several outputs, with squeeze-and-excitation, groups, sums and a classifier.
static void check_networks(const char *peer, int batch, const char *options) {
  static const char *const networks[] = {"repghostnet-0.5x", "yolov7-tiny"};
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
    char arguments[256], name[128], key[64];
    snprintf(arguments, sizeof arguments, "%s --size 64x32 --batch %d --form all %s", networks[i],
             batch, options);
    json_t *report = test_peer_report("net", peer, arguments);
    snprintf(key, sizeof key, "peer_%s_ns", peer);
    snprintf(name, sizeof name, "net/%s/mb%dih64iw32/folded/threads:1_median", networks[i], batch);
    assert_true(test_number(test_entry(report, name), key) > 0 &&
                test_number(test_entry(report, name), "ratio_best_peer") > 0);
    snprintf(name, sizeof name, "net/%s/mb%dih64iw32/eager/threads:1_median", networks[i], batch);
    assert_true(test_number(test_entry(report, name), "real_time") > 0);
    json_decref(report);
  }
}

static void test_onednn(void **state) {
  (void)state;
  check_peer("onednn", "--act=relu");
  check_peer("onednn", "--act=silu --threads=2");
  check_peer("onednn", "--act=hard_swish --cold-cache=wei");
  check_networks("onednn", 1, "--cold-cache=wei");
  check_networks("onednn", 2, "--isa avx2");
}

/// At the end, the most memory of each kind by the peer's.
static void test_memory(void **state) {
  (void)state;
  test_run run = test_peer_run("conv", "onednn",
                               "--threads 1 " TEST_QUICK
                               "ic24ih9oc16kh3sh2ph1 ic8ih8oc8kh1 mb1ic128ih28oc128kh3ph1");
  const char *at = strstr(run.out, "\nour memory / peer's, direct: at most ");
  if (!at) fail_msg("no memory in:\n%s", run.out);
  test_run_free(&run);
}

static void test_xnnpack(void **state) {
  (void)state;
  check_peer("xnnpack", "--act=relu6");
  check_peer("xnnpack", "--threads=2 --cold-cache=all");
}

static void test_ort(void **state) {
  (void)state;
  check_peer("ort", "--act=silu");
  check_peer("ort", "--act=relu6 --threads=2");
  check_networks("ort", 2, "");
}

static void test_torch(void **state) {
  (void)state;
  check_peer("torch", "--act=leaky_relu");
  check_peer("torch", "--act=hard_sigmoid --threads=2");
  check_networks("torch", 2, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counters),
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_block_list),
      cmocka_unit_test(test_network_rows),
      cmocka_unit_test(test_peer_goes_wrong),
      cmocka_unit_test(test_problem_fails),
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_onednn),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_xnnpack),
      cmocka_unit_test(test_ort),
      cmocka_unit_test(test_torch),
  };
  return cmocka_run_group_tests_name("peers", tests, set_up, tear_down);
}
