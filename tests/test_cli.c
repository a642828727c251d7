// SPDX-License-Identifier: BSD-3-Clause
// The built program: help, mistakes and `info`: exit codes, sentences, JSON.
#include "tests/cli_support.h"

#include <onefold/onefold.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ------------------------------------------------------------------ commands

static void test_help(void **state) {
  (void)state;
  static const char *const asked[] = {"help",
                                      "--help",
                                      "bench help",
                                      "bench main --help",
                                      "bench block --help",
                                      "bench conv --help",
                                      "info --help",
                                      "net --help"};
  for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
    test_run run = test_program(asked[i]);
    test_exits(&run, asked[i], 0);
    assert_non_null(strstr(run.out, "Usage: onefold"));
    assert_non_null(strstr(run.out, "Exit codes"));
    test_run_free(&run);
  }
  test_run run = test_program("--version");
  test_exits(&run, "--version", 0);
  char want[64];
  snprintf(want, sizeof want, "onefold %s\n", onefold_version());
  assert_string_equal(run.out, want);
  test_run_free(&run);
}

/// Each mistake gives its exit code and a sentence that names it.
static void test_mistakes(void **state) {
  (void)state;
  static const test_mistake mistakes[] = {
      {"", 2, "Commands:"},
      {"nonsense", 2, "nonsense: no such command"},
      {"bench nonsense", 2, "nonsense: no such command"},
      {"info extra", 2, "extra"},
      {"info --threads=0", 2, "--threads=0"},
      {"bench main extra", 2, "extra"},
      {"bench main --weights=/nonexistent/x.safetensors", 1, "/nonexistent/x.safetensors"},
      {"bench conv", 2, "no problem"},
      {"bench conv mb1ic64ih56oc64kh3zz", 2, "zz"},
      {"bench conv mb1ic64ih56oc64oh99kh3ph1", 2, "oh99"},
      {"bench conv g3ic64ih8oc64kh1", 2, "64"},
      {"bench conv ic0ih8oc8kh1", 2, "ic0"},
      {"bench conv ic2147483647ih2147483647oc2147483647kh1", 2, "2147483647"},
      {"bench conv --isa=mmx ic8ih8oc8kh1", 2, "--isa=mmx"},
      {"bench conv --accuracy=exact ic8ih8oc8kh1", 2,
       "--accuracy=exact: not one of standard, strict"},
      {"bench accuracy extra", 2, "extra"},
      {"bench accuracy --isa=mmx", 2, "--isa=mmx"},
      {"bench accuracy --isa=ref --json=/nonexistent/x.json", 1, "/nonexistent/x.json"},
      {"bench conv --act=tanh ic8ih8oc8kh1", 2, "--act=tanh"},
      {"bench conv --layout=chwn ic8ih8oc8kh1", 2, "--layout=chwn"},
      {"bench conv --cold-cache=some ic8ih8oc8kh1", 2, "--cold-cache=some"},
      {"bench conv --threads=none ic8ih8oc8kh1", 2, "--threads=none"},
      {"bench conv --threads=2,2 ic8ih8oc8kh1", 2, "--threads=2,2: twice the same number"},
      {"bench conv --threads=1,2,4 ic8ih8oc8kh1", 2, "--threads=2,4: not a number"},
      {"bench conv --threads=,2 ic8ih8oc8kh1", 2, "--threads=: not a number"},
      {"bench conv --threads=1, ic8ih8oc8kh1", 2, "--threads=: not a number"},
      {"bench main --threads=1,2", 2, "--threads=1,2: not a number"},
      {"bench block --threads=1,2 --form eager repvgg", 2, "--threads: that on fewer is"},
      {"bench net --threads=1,2 --form eager mobileone-s0", 2, "--threads: that on fewer is"},
      {"bench conv --seed=-1 ic8ih8oc8kh1", 2, "--seed=-1"},
      {"bench conv --benchmark_nonsense=1 ic8ih8oc8kh1", 2, "--benchmark_nonsense"},
      {"bench conv --benchmark_format=csv ic8ih8oc8kh1", 2, "only json"},
      {"bench conv '--benchmark_filter=(' ic8ih8oc8kh1", 2, "regular expression"},
      {"bench conv --benchmark_filter=nothing ic8ih8oc8kh1", 2, "--benchmark_filter"},
      {"bench conv --json=/nonexistent/x.json ic8ih8oc8kh1", 1, "/nonexistent/x.json"},
      {"bench conv --batch=/nonexistent/problems", 1, "/nonexistent/problems"},
      {"bench conv --batch=/tmp", 1, "/tmp: Is a directory"},
      {"bench conv ic8ih8oc8kh1/act:tanh", 2, "\"act:tanh\" is not act:ACTIVATION"},
      {"bench conv ic8ih8oc8kh1/act:relu+residual_after", 2, "not timed"},
      {"bench block nonsense", 2, "the blocks are repvgg"},
      {"bench block --form=half ic8ih8oc8kh3ph1", 2, "--form=half"},
      {"bench block ic8ih8oc8kh3", 2, "padding of"},
      {"bench block orepa kernels=3", 2, "kernels"},
      {"bench block orepa kernel=4", 2, "kernel is 4"},
      {"bench block all ic8ih8oc8kh3ph1", 2, "typically"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof *mistakes);
}

// ---------------------------------------------------------------------- info

static void test_info(void **state) {
  (void)state;
  json_t *root = test_report("info --json --threads=1");
  assert_string_equal(json_string_value(json_object_get(root, "version")), onefold_version());
  const json_t *machine = json_object_get(root, "machine"), *peak = json_object_get(root, "peak");
  assert_true(test_number(machine, "usable_cores") >= 1);
  assert_true(test_number(peak, "core_gflops") > 0.0);
  assert_true(test_number(peak, "handover_ns") == 0.0); // one thread
  assert_true(test_number(json_object_get(peak, "dram"), "read_gbs") > 0.0);
  const json_t *kernels = json_object_get(root, "kernels");
  static const char *const ops[] = {"conv_s1", "pointwise", "depthwise_s1", "add", "peak_fma"};
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
    const json_t *row = json_array_get(json_object_get(kernels, ops[i]), 0);
    const char *name = json_string_value(json_object_get(row, "kernel"));
    assert_non_null(name);
    assert_int_equal(strncmp(name, "onefold_uk_", 11), 0);
  }
  json_decref(root);
  root = test_report("info --json --no-measure");
  assert_null(json_object_get(root, "peak"));
  json_decref(root);
  test_run run = test_program("info --no-measure");
  test_exits(&run, "info", 0);
  assert_non_null(strstr(run.out, "onefold_uk_"));
  test_run_free(&run);
}

static double usable_cores(void) {
  json_t *root = test_report("info --json --no-measure");
  const double cores = test_number(json_object_get(root, "machine"), "usable_cores");
  json_decref(root);
  return cores;
}

/// OpenMP then binds the first thread to one core, among threads that have the others.
static void test_bound_by_openmp(void **state) {
  (void)state;
  const double cores = usable_cores();
  assert_int_equal(setenv("OMP_PROC_BIND", "true", 1), 0);
  assert_true(usable_cores() == cores);
  assert_int_equal(unsetenv("OMP_PROC_BIND"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_help),
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_info),
      cmocka_unit_test(test_bound_by_openmp),
  };
  return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
