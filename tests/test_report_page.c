// SPDX-License-Identifier: BSD-3-Clause
// Pages, charts and tables: well-formed, whole, and harmless whatever the input says.
#include "tests/report_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE                                                                                    \
  "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\\\"'&amp;<!--]]>"

/// Every section has a figure, and every figure a chart in three widths with its table.
static void test_whole(void **state) {
  (void)state;
  static const char *const ids[] = {"networks", "layers", "blocks", "convolutions", "pairs",
                                    "roofline", "tuned",  "errors", "errors-2"};
  char *text = test_report_everything("");
  report_data data = {0};
  const report_document document = test_report_build(&data, text);
  char *page = test_report_page(&document);
  test_expect_xml(page);
  const size_t count = sizeof ids / sizeof ids[0];
  for (size_t i = 0; i < count; i++) {
    char figure[64];
    snprintf(figure, sizeof figure, "<figure id=\"%s\">", ids[i]);
    if (test_count(page, figure) != 1) fail_msg("no %s", figure);
  }
  assert_int_equal(test_count(page, "<figure "), count);
  assert_int_equal(test_count(page, "<svg "), 3 * count);
  assert_int_equal(test_count(page, "<details>"), count);
  assert_int_equal(test_count(page, "Not in the data"), 0);
  // What bars say: 302 by 200 microseconds, as the rival's.
  assert_true(test_count(page, ">1.51×</text>") >= 3);
  assert_true(test_count(page, ">ONNX Runtime</text>") >= 3);
  assert_true(test_count(page, ">302 µs</text>") >= 3);
  char *markdown = test_report_markdown(&document);
  assert_int_equal(test_count(markdown, "\n## "), 8);
  // A pair: the two ways, the rival by the faster of its own, and what a graph would choose.
  static const char *const pair[] = {
      "| dw 96 3×3 relu6 + 96→24 1×1, 56×56 | two calls | avx2, 1 thread | 302 µs |",
      "| one operator | avx2, 1 thread | 200 µs |",
      "| oneDNN (fused) | avx2, 1 thread | 200 µs |",
      "one operator of 0 of 1, and takes the way that was faster here for 0",
      "Two calls by one operator: geometric mean 1.51× over 1.",
  };
  for (size_t i = 0; i < sizeof pair / sizeof pair[0]; i++)
    if (!strstr(markdown, pair[i])) fail_msg("no \"%s\" in:\n%s", pair[i], markdown);
  assert_non_null(strstr(markdown, "| T0 eager |"));
  free(markdown);
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

/// Nothing from elsewhere, and no script.
static void test_alone(void **state) {
  (void)state;
  static const char *const words[] = {"<script", "<link", "<img",        "<iframe",    "@import",
                                      "url(",    "src=",  "href=\"http", "javascript:"};
  char *text = test_report_everything("");
  report_data data = {0};
  const report_document document = test_report_build(&data, text);
  char *page = test_report_page(&document);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (test_count(page, words[i])) fail_msg("the page has %s", words[i]);
  }
  assert_int_equal(test_count(page, "://"), test_count(page, "http://www.w3.org/2000/svg"));
  assert_non_null(strstr(page, "default-src 'none'"));
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

/// Names, labels and facts that try to leave their places.
static void test_hostile(void **state) {
  (void)state;
  static const char *const odd[] = {HOSTILE,           "\\u0001\\u001b[31m\\u202e",
                                    "|x|\\n# head\\n", "; ; ; ; ; ",
                                    "%s%n%s",          "\\ud83d\\ude00"};
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
    char *text = test_report_everything(odd[i]);
    report_data data = {0};
    report_document document = test_report_build(&data, text);
    document.title = data.rows[0].text;
    char *page = test_report_page(&document);
    test_expect_xml(page);
    assert_int_equal(test_count(page, "<script"), 0);
    assert_int_equal(test_count(page, "<img"), 0);
    char *markdown = test_report_markdown(&document);
    assert_int_equal(test_count(markdown, "<script"), 0);
    assert_int_equal(test_count(markdown, "\n# head"), 0);
    assert_int_equal(test_count(markdown, "\x1b"), 0);
    free(markdown);
    free(page);
    onefold_report_data_release(&data);
    free(text);
  }
}

/// What is not there is left out, and a command is named.
static void test_missing(void **state) {
  (void)state;
  static const double times[] = {1, 2, 3};
  test_json json;
  test_json_begin(&json, "");
  test_json_row(&json, "nothing/known", "", "", times, 3);
  char *text = test_json_end(&json);
  report_data data = {0};
  const report_document document = test_report_build(&data, text);
  for (size_t i = 0; i < document.count; i++) {
    assert_int_equal(document.sections[i].count, 0);
    assert_true(document.sections[i].missing[0] != 0);
    assert_int_equal(strncmp(document.sections[i].command, "onefold ", 8), 0);
  }
  char *page = test_report_page(&document);
  test_expect_xml(page);
  assert_int_equal(test_count(page, "<svg"), 0);
  assert_int_equal(test_count(page, "<dt>"), document.count);
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

/// Values at the ends of what is believed draw finite marks.
static void test_extremes(void **state) {
  (void)state;
  static const double tiny[] = {1e-6, 2e-6, 3e-6}, huge[] = {1e14, 2e14, 3e14};
  static const char *const work[] = {", \"flops\": 1e-30, \"bytes\": 1e30, \"max_error\": 0",
                                     ", \"flops\": 1e30, \"bytes\": 1e-30, \"max_error\": 1e30"};
  test_json json;
  test_json_begin(&json, "cpu");
  for (int i = 0; i < 2; i++) {
    char name[64];
    snprintf(name, sizeof name, "net/n/x%d/folded/threads:1", i);
    test_json_row(&json, name, "", work[i], tiny, 3);
    snprintf(name, sizeof name, "net/n/x%d/eager/threads:1", i);
    test_json_row(&json, name, "", work[i], huge, 3);
    snprintf(name, sizeof name, "net/n/x%d/eager/layer:1/threads:1", i);
    test_json_row(&json, name, "", work[i], huge, 3);
    snprintf(name, sizeof name, "conv/x%d/run/threads:1", i);
    test_json_row(&json, name, "", work[i], i ? tiny : huge, 3);
    snprintf(name, sizeof name, "conv/x%d/rival/threads:1", i);
    test_json_row(&json, name, "", work[i], i ? huge : tiny, 3);
  }
  char *text = test_json_end(&json);
  report_data data = {0};
  const report_document document = test_report_build(&data, text);
  char *page = test_report_page(&document);
  test_expect_xml(page);
  assert_true(test_count(page, "<svg") >= 9);
  assert_int_equal(test_count(page, "=\"nan"), 0);
  assert_int_equal(test_count(page, "=\"-nan"), 0);
  assert_int_equal(test_count(page, "=\"inf"), 0);
  assert_int_equal(test_count(page, "Mnan"), 0);
  assert_int_equal(test_count(page, "M-nan"), 0);
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

/// Bars begin where their axis has its zero, and are as long as their values.
static void test_bars(void **state) {
  (void)state;
  char *text = test_report_everything("");
  report_data data = {0};
  const report_document document = test_report_build(&data, text);
  char *page = test_report_page(&document);
  const char *at = strstr(page, "<figure id=\"networks\">");
  double x[3], width[3];
  for (int i = 0; i < 3; i++) {
    at = strstr(at, "class=\"bar ");
    assert_non_null(at);
    assert_int_equal(sscanf(strstr(at, " x="), " x=\"%lf\"", &x[i]), 1);
    assert_int_equal(sscanf(strstr(at, " width="), " width=\"%lf\"", &width[i]), 1);
    at++;
  }
  assert_true(x[0] == x[1] && x[1] == x[2]);
  assert_true(width[2] > 50);
  assert_true(fabs(width[0] / width[2] - 302.0 / 200) < 0.01);
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole),    cmocka_unit_test(test_alone),
      cmocka_unit_test(test_hostile),  cmocka_unit_test(test_missing),
      cmocka_unit_test(test_extremes), cmocka_unit_test(test_bars),
  };
  return cmocka_run_group_tests_name("report_page", tests, NULL, NULL);
}
