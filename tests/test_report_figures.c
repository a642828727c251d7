// SPDX-License-Identifier: BSD-3-Clause
// What stands around charts: names, notes and machines, and how much of a table is printed.
#include "tests/report_support.h"

#include <stdlib.h>
#include <string.h>

static report_document build(report_data *data, const char *text) {
  report_document document;
  test_report_parse(data, "results.json", text);
  assert_int_equal(onefold_report_build(data, &document), 0);
  return document;
}

/// the chart is, at the bars.
static void test_block_names(void **state) {
  (void)state;
  static const double times[] = {10, 11, 12};
  static const char *const forms[] = {"eager", "branches", "folded"};
  test_json json;
  test_json_begin(&json, "cpu");
  for (int i = 2; i >= 0; i--) { // not in their order
    char name[256];
    snprintf(name, sizeof name,
             "block/repghost/input=1x40x28x28,out_channels=80,mid_channels=120,stride=2,kernel=5,"
             "groups=1,activation=leaky_relu/%s/threads:1",
             forms[i]);
    test_json_row(&json, name, "", ", \"flops\": 1e6, \"bytes\": 1e5, \"max_error\": 1e-6", times,
                  3);
  }
  char *text = test_json_end(&json);
  report_data data = {0};
  const report_document document = build(&data, text);
  char *page = test_report_page(&document);
  assert_int_equal(test_count(page, ">repghost 40→80 s2, 28×28</text>"), 3);
  assert_int_equal(test_count(page, "…"), 0);
  assert_int_equal(test_count(page, "40→80 s2, 28×28, mid_channels 120, kernel 5, groups 1, "
                                    "activation leaky_relu</text>"),
                   2); // and on two lines
  assert_int_equal(test_count(page, "activation leaky_relu</text>"), 3);
  // Errors in the order of the forms.
  char *markdown = test_report_markdown(&document);
  const char *errors = strstr(markdown, "## Errors");
  assert_true(strstr(errors, "| T1 branches |") < strstr(errors, "| T2 folded |"));
  free(markdown);
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_block_names),
  };
  return cmocka_run_group_tests_name("report_figures", tests, NULL, NULL);
}
