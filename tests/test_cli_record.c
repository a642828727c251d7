// SPDX-License-Identifier: BSD-3-Clause
// What commands say of the record that they plan by.
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(const test_place *place, const char *problem, const char *kernel) {
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_record *record = test_record(place->path, 0, NULL);
  onefold_conv2d_desc desc;
  onefold_record_row row;
  test_ok(context, onefold_conv2d_desc_parse(context, problem, &desc));
  test_ok(context, onefold_record_row_init(context, NULL, &desc, ONEFOLD_IN_PLACE, &row));
  strcpy(row.tiling.kernel, kernel);
  row.median_ns = row.default_ns = 1000;
  row.trials = 10;
  test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  onefold_record_close(record);
  onefold_context_destroy(context);
}

/// Commands that plan by the record end with 0 and say just that on the standard error.
static void expect(const char *says) {
  static const char *const commands[] = {
      "net repghostnet-0.5x --size=32 --isa=ref --threads=1",
      "tune explain ic16ih9oc16oh9kh3ph1 --isa=ref --threads=1 --per-shape=20ms",
      "bench conv ic16ih9oc16oh9kh3ph1 --isa=ref --threads=1 --benchmark_min_time=0.001",
      "bench block repvgg ic8ih5oc8kh3ph1 --isa=ref --threads=1 --benchmark_min_time=0.001",
  };
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    test_run run = test_program(commands[i]);
    test_exits(&run, commands[i], 0);
    const char *found = strstr(run.err, "skipped");
    if (*says ? !strstr(run.err, says) || strstr(found + 1, "skipped") : found != NULL)
      fail_msg("onefold %s, where \"%s\" is to be said once, wrote:\n%s", commands[i], says,
               run.err);
    test_run_free(&run);
  }
}

/// Rows of kernels that there are none of are told of, once; others are no cause for a word.
static void test_skipped(void **state) {
  const test_place *place = *state;
  put(place, "ic16ih9oc16oh9kh3ph1", "");
  expect("");
  put(place, "ic32ih9oc16oh9kh3ph1", "onefold_uk_conv_s1_f32_99x9__ref");
  expect(": warning: skipped 1 of the record's 2 rows: they name kernels or values that");
}

/// Benchmarks say which record their plans may come from, in the header and in the JSON.
static void expect_fact(const char *option, const char *want) {
  char arguments[256], header[512];
  snprintf(arguments, sizeof arguments,
           "bench conv --json - --isa=ref --threads=1 --benchmark_min_time=0.001 %s "
           "ic16ih9oc16oh9kh3ph1",
           option);
  json_t *report = test_report(arguments);
  assert_string_equal(test_fact(report, "onefold_record"), want);
  json_decref(report);
  test_run run = test_program(arguments);
  snprintf(header, sizeof header, "\n  record     %s\n", want);
  test_has_words(run.err, header);
  test_run_free(&run);
}

static void test_named(void **state) {
  const test_place *place = *state;
  char want[256];
  expect_fact("", "none");
  put(place, "ic16ih9oc16oh9kh3ph1", "");
  snprintf(want, sizeof want, "1 row of %s", place->path);
  expect_fact("", want);
  expect_fact("--no-record", "none");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_skipped, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_named, test_record_here, test_record_gone),
  };
  return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
