// SPDX-License-Identifier: BSD-3-Clause
// `onefold bench block` of the built program: its forms, steps and parameters.
#include "tests/cli_support.h"

#include <stdio.h>

/// A form that only one block has, by itself.
static void test_generated(void **state) {
  (void)state;
  static const char arguments[] = "bench block orepa ic8ih7oc8kh3ph1 --form generated " TEST_QUICK;
  test_expect_words(arguments, "TG generated");
  test_expect_mistake("bench block repvgg ic8ih7oc8kh3ph1 --form generated", 2,
                      "repvgg: --form=generated: it is a form of orepa");
  test_expect_mistake("bench net mobileone-s0 --size 32 --form generated", 2, "a form of orepa");
}

static void test_block(void **state) {
  (void)state;
  json_t *report = test_report("bench block --json - " TEST_QUICK "repvgg ic24ih7oc24kh3ph1");
#define A "block/repvgg/mb1ic24ih7oc24oh7kh3ph1/"
  test_row_of_report(report, A "eager/threads:1", test_first_counters);
  test_row_of_report(report, A "branches/threads:1", test_work_counters);
  test_row_of_report(report, A "folded/threads:1", test_work_counters);
  test_row_of_report(report, A "folded/fold/threads:1", test_none_counters);
  test_row_of_report(report, A "folded/plan/threads:1", test_none_counters);
  test_row_of_report(report, A "folded/pack/threads:1", test_none_counters);
  test_row_of_report(report, A "folded/first_run/threads:1", test_none_counters);
  test_row_of_report(report, A "folded/reorder_in/threads:1", test_copy_counters);
  test_row_of_report(report, A "folded/reorder_out/threads:1", test_copy_counters);
  assert_true(test_number(test_entry(report, A "folded/threads:1_median"), "max_error") <= 1e-4);
  json_decref(report);
  report = test_report("bench block --json - " TEST_QUICK "--form=eager ic24ih7oc24kh3ph1");
  test_row_of_report(report, A "eager/threads:1", test_first_counters);
  test_row_of_report(report, A "eager/plan/threads:1", test_none_counters);
  assert_null(test_entry(report, A "folded/threads:1"));
  assert_null(test_entry(report, A "eager/fold/threads:1"));
  json_decref(report);
#undef A
}

/// Parameters instead of a convolution; the form that generates its weight; what did not fold.
static void test_block_parameters(void **state) {
  (void)state;
  json_t *report = test_report("bench block --json - " TEST_QUICK
                               "orepa input=1x8x6x5,out_channels=12,groups=2");
#define A "block/orepa/input=1x8x6x5,out_channels=12,groups=2/"
  static const char *const forms[] = {A "eager", A "branches", A "folded", A "generated"};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    char name[160];
    snprintf(name, sizeof name, "%s/threads:1", forms[i]);
    test_row_of_report(report, name, i ? test_work_counters : test_first_counters);
    snprintf(name, sizeof name, "%s/threads:1_median", forms[i]);
    if (i) assert_true(test_number(test_entry(report, name), "max_error") <= 1e-4);
    if (!i) assert_null(json_object_get(test_entry(report, name), "max_error"));
  }
#undef A
  json_decref(report);
  const struct {
    const char *arguments, *says;
  } cases[] = {
      {"repvgg_orepa input=1x8x6x5,out_channels=8,orepa_inner_activation=1", "nonlinear inside"},
      {"mpc_n input=1x8x6x4,out_channels=16,route_channels=4", "folded exactly: 3 of 3 parts"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "bench block " TEST_QUICK "%s", cases[i].arguments);
    test_run run = test_program(arguments);
    test_exits(&run, arguments, 0);
    test_has_words(run.out, cases[i].says);
    test_run_free(&run);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_generated),
      cmocka_unit_test(test_block),
      cmocka_unit_test(test_block_parameters),
  };
  return cmocka_run_group_tests_name("cli_bench_blocks", tests, NULL, NULL);
}
