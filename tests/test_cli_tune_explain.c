// SPDX-License-Identifier: BSD-3-Clause
// onefold tune explain: candidates, what a problem is planned as, who measured that, and where its
// pairs are tuned.
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <stdio.h>
#include <string.h>

static void test_candidates(void **state) {
  (void)state;
  test_expect_words("tune explain ic16ih9oc16oh9kh3ph1 --threads=1 --per-shape=20ms",
                    "the kernel is 3x3");
  test_expect_words("tune explain ic16ih9oc16oh9kh3ph1 --threads=1 --estimates", "planned now: ");
  json_t *root =
      test_report("tune explain ic16ih9oc16oh9kh3ph1 --threads=1 --per-shape=20ms --json");
  const json_t *candidates = json_object_get(json_array_get(root, 0), "candidates");
  int best = 0, refused = 0;
  for (size_t i = 0; i < json_array_size(candidates); i++) {
    const json_t *one = json_array_get(candidates, i);
    const char *fate = json_string_value(json_object_get(one, "fate"));
    best += strcmp(fate, "best") == 0;
    refused += strcmp(fate, "refused") == 0;
    if (strcmp(fate, "refused") == 0)
      assert_true(strlen(json_string_value(json_object_get(one, "reason"))) > 4);
  }
  assert_int_equal(best, 1);
  assert_true(refused > 2);
  json_decref(root);
}

/// What the text and the JSON say of the plan.
static void expect_planned(const char *problem, const char *source, int pairs) {
  char arguments[256], words[256];
  snprintf(arguments, sizeof arguments, "tune explain %s --threads=1 --estimates", problem);
  snprintf(words, sizeof words, ", from %s\n", source);
  test_expect_words(arguments, words);
  if (pairs) test_expect_words(arguments, "onefold tune graph measures such pairs");
  snprintf(arguments, sizeof arguments, "tune explain %s --threads=1 --estimates --json", problem);
  json_t *root = test_report(arguments);
  const json_t *planned = json_object_get(json_array_get(root, 0), "planned");
  test_case("%s", problem);
  assert_string_equal(json_string_value(json_object_get(planned, "source")), source);
  assert_non_null(strstr(json_string_value(json_object_get(planned, "tiling")), "algorithm="));
  const char *said = json_string_value(json_object_get(planned, "pairs"));
  assert_int_equal(said && strstr(said, "tune graph"), pairs);
  json_decref(root);
}

static void test_planned(void **state) {
  (void)state;
  expect_planned("ic16ih9oc16oh9kh3ph1", "default", 0);
  expect_planned("ic16ih9oc16oh9kh1", "default", 1);
  expect_planned("g16ic16ih9oc16oh9kh3ph1", "default", 1);
  expect_planned("ic16ih9oc16oh9kh1 --layout=nhwc", "default", 0);
  expect_planned("ic16ih9oc16oh9kh1/nhwc:nhwc --layout=blocked", "default", 0);
  test_expect_words("tune explain mb1ic16ih9oc16oh9kh1/act:relu6+residual_after --threads=1 "
                    "--estimates",
                    "planned now: ");
  test_expect_mistake("tune explain ic16ih9oc16oh9kh1/act:tanh --estimates", 2,
                      "ic16ih9oc16oh9kh1/act:tanh: \"act:tanh\" is not act:ACTIVATION");
}

/// A row of this machine, or of another with its cores, measured by this library but for what is
/// given.
static void put(const char *path, const char *version, uint64_t other_kernels, int elsewhere) {
  const onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  onefold_context *context = NULL;
  onefold_conv2d_desc desc;
  onefold_record_row row;
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  test_ok(context, onefold_conv2d_desc_parse(context, "ic16ih9oc16oh9kh3ph1", &desc));
  test_ok(context, onefold_record_row_init(context, NULL, &desc, ONEFOLD_WARM, &row));
  strcpy(row.tiling.algorithm, "direct");
  row.median_ns = row.default_ns = 1000;
  row.trials = 10;
  row.kernels += other_kernels;
  if (elsewhere) strcat(row.key.machine, "0");
  if (version) snprintf(row.version, sizeof row.version, "%s", version);
  onefold_record *record = test_record(path, 0, NULL);
  test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  onefold_record_close(record);
  onefold_context_destroy(context);
}

static void test_who_measured(void **state) {
  const test_place *place = *state;
  put(place->path, "8.8.8", 0, 1);
  expect_planned("ic16ih9oc16oh9kh3ph1", "record: same micro-architecture, measured by 8.8.8", 0);
  put(place->path, NULL, 0, 0);
  expect_planned("ic16ih9oc16oh9kh3ph1", "record", 0);
  put(place->path, "9.9.9", 0, 0);
  expect_planned("ic16ih9oc16oh9kh3ph1", "record, measured by 9.9.9", 0);
  put(place->path, NULL, 1, 0);
  expect_planned("ic16ih9oc16oh9kh3ph1", "record, measured with other kernels", 0);
  put(place->path, "9.9.9", 1, 0);
  expect_planned("ic16ih9oc16oh9kh3ph1", "record, measured by 9.9.9 with other kernels", 0);
  expect_planned("ic16ih9oc16oh9kh3ph1 --cold-cache=wei",
                 "record: measured warm, measured by 9.9.9 with other kernels", 0);
  expect_planned("ic16ih10oc16oh10kh3ph1",
                 "record: nearest mb1ic16ih9oc16oh9kh3ph1, measured by 9.9.9 with other kernels",
                 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_candidates, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_planned, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_who_measured, test_record_here, test_record_gone),
  };
  return cmocka_run_group_tests_name("onefold tune explain", tests, NULL, NULL);
}
