// SPDX-License-Identifier: BSD-3-Clause
// What stands around charts: names, notes and machines, and how much of a table is printed.
#include "tests/report_support.h"

#include <stdlib.h>
#include <string.h>

/// What forms are called is said once, behind a line that opens it, and below their chart.
static void test_terms(void **state) {
  (void)state;
  char *text = test_report_everything("");
  report_data data = {0};
  const report_document document = test_report_build(&data, text);
  char *page = test_report_page(&document);
  const char *figure = strstr(page, "<figure id=\"networks\">");
  const char *terms = strstr(figure, "<details class=\"terms\">"),
             *end = strstr(figure, "</figure>");
  assert_true(terms && terms < end);
  for (const char *at = figure; (at = strstr(at, "</svg>")) && at < end; at++) {
    assert_true(at < terms);
  }
  const char *about = strstr(figure, onefold_report_role_about(REPORT_BRANCHES));
  assert_true(about > terms && about < end);
  assert_null(strstr(document.sections[0].figures[0].caption, "T1 branches"));
  char *markdown = test_report_markdown(&document);
  assert_non_null(strstr(markdown, "\n- T1 branches: the best multi-branch form"));
  free(markdown);
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

/// Blocks by parameters: their name and shape on the roofline, and all parameters, however narrow
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
  const report_document document = test_report_build(&data, text);
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

/// Tables for pull requests have the layers of the folded form that take most time.
static void test_brief(void **state) {
  (void)state;
  enum { LAYERS = 30, SHOWN = 10 };
  static const char *const forms[] = {"eager", "folded"};
  test_json json;
  test_json_begin(&json, "cpu");
  for (int form = 0; form < 2; form++) {
    for (int k = 0; k < LAYERS; k++) {
      char name[96], label[96];
      const double time = 10 + (k * 7) % LAYERS; // all differ
      snprintf(name, sizeof name, "net/n/mb1ih224/%s/layer:%03d/threads:1", forms[form], k);
      snprintf(label, sizeof label, "layer%d; conv; mb1ic64ih56oc64kh3ph1; winograd4", k);
      test_json_row(&json, name, label, ", \"flops\": 2e7, \"bytes\": 1e6", &time, 1);
    }
  }
  char *text = test_json_end(&json);
  report_data data = {0};
  const report_document document = test_report_build(&data, text);
  char *brief = test_report_markdown(&document), *all = NULL;
  assert_int_equal(test_count(brief, "| T0 eager |"), 0);
  assert_int_equal(test_count(brief, "| T2 folded |"), SHOWN);
  // Of both tables, the largest first: 39 is 30 behind 10, where k * 7 is 29.
  static const char says[] = "50 of 60 rows are left out: these are the layers of T2 folded that "
                             "take most time. `--all` prints all.";
  assert_non_null(strstr(brief, says));
  assert_non_null(
      strstr(brief, "20 of 30 rows are left out: these are those that take most time."));
  const char *first = strstr(brief, "| layer17 |"), *last = strstr(brief, "| layer20 |");
  assert_true(first && last && first < last);
  assert_int_equal(test_count(brief, "| layer0 |"), 0);
  size_t size = 0;
  const report_output output = {open_memstream(&all, &size), "0", 1};
  onefold_report_markdown(&document, &output);
  assert_int_equal(fclose(output.out), 0);
  assert_int_equal(test_count(all, "| T0 eager |"), LAYERS);
  assert_int_equal(test_count(all, "| T2 folded |"), LAYERS);
  assert_int_equal(test_count(all, "left out"), 0);
  free(all);
  free(brief);
  onefold_report_data_release(&data);
  free(text);
}

/// Rivals of another run: their times are marked, and what that means is said below the chart.
static void test_joined(void **state) {
  (void)state;
  test_json forms, rivals;
  test_json_begin(&forms, "cpu");
  test_json_begin(&rivals, "cpu");
  test_json_two_runs(&forms, &rivals);
  char *texts[] = {test_json_end(&forms), test_json_end(&rivals)};
  report_data data = {0};
  report_document document;
  test_report_parse(&data, "forms", texts[0]);
  test_report_parse(&data, "rivals", texts[1]);
  assert_int_equal(onefold_report_build(&data, &document), 0);
  char *page = test_report_page(&document);
  const char *figure = strstr(page, "<figure id=\"networks\">");
  const char *note = strstr(figure, "<p class=\"note\">* Timed in another run");
  assert_true(note && note < strstr(figure, "</figure>"));
  assert_int_equal(test_count(figure, ">3.00×</text>"), 3);
  assert_int_equal(test_count(figure, ">9.00 µs*</text>"), 3);
  assert_int_equal(test_count(figure, ">4.00 µs</text>"), 3);
  free(page);
  onefold_report_data_release(&data);
  free(texts[0]);
  free(texts[1]);
  char *text = test_report_everything("");
  document = test_report_build(&data, text);
  page = test_report_page(&document);
  assert_int_equal(test_count(page, "another run"), 0);
  free(page);
  onefold_report_data_release(&data);
  free(text);
}

/// A stamp for each machine, setting and day, as far as there is room.
static void test_stamps(void **state) {
  (void)state;
  static const double times[] = {1, 2, 3};
  static const char *const cpus[] = {"a", "b", "a", "c", "d", "e", "f"};
  enum { FILES = 7 };
  char *texts[FILES];
  report_data data = {0};
  report_document document;
  for (int i = 0; i < FILES; i++) {
    test_json json;
    test_json_begin(&json, cpus[i]);
    test_json_row(&json, "net/n/mb1ih224/eager/threads:1", "", "", times, 3);
    test_json_row(&json, "net/n/mb1ih224/folded/threads:1", "", "", times, 3);
    texts[i] = test_json_end(&json);
    test_report_parse(&data, cpus[i], texts[i]);
  }
  assert_int_equal(onefold_report_build(&data, &document), 0);
  static const char *const stamps[] = {
      "a, avx2, 1 thread, 2026-01-01", "b, avx2, 1 thread, 2026-01-01",
      "c, avx2, 1 thread, 2026-01-01", "d, avx2, 1 thread, 2026-01-01", "and others"};
  const report_figure *figure = &document.sections[0].figures[0];
  assert_int_equal(figure->stamp_count, sizeof stamps / sizeof stamps[0]);
  for (size_t i = 0; i < figure->stamp_count; i++)
    assert_string_equal(figure->stamps[i], stamps[i]);
  onefold_report_data_release(&data);
  for (int i = 0; i < FILES; i++) free(texts[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_terms),  cmocka_unit_test(test_block_names),
      cmocka_unit_test(test_brief),  cmocka_unit_test(test_joined),
      cmocka_unit_test(test_stamps),
  };
  return cmocka_run_group_tests_name("report_figures", tests, NULL, NULL);
}
