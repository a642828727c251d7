// SPDX-License-Identifier: BSD-3-Clause
// The built program's `net`: layers of networks, totals and mistakes.
#include "tests/cli_support.h"

#include <onefold/onefold.h>

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
  size_t i, convs = 0;
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
  }
  assert_int_equal(convs, 23);
  assert_true(macs == test_number(json_object_get(root, "runs"), "macs"));
  assert_true(packed == test_number(root, "packed_bytes"));
  json_decref(root);

  test_run run = test_program("net repghostnet-0.5x --form=branches --size 32 --isa ref");
  test_exits(&run, "net repghostnet-0.5x", 0);
  static const char *const parts[] = {"1x3x32x32; ref", "branches", "blocks.8.3.ghost2",
                                      "3x3 s2 +relu",   "total",    "one by one"};
  for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (!strstr(run.out, parts[i])) fail_msg("no \"%s\" in:\n%s", parts[i], run.out);
  test_run_free(&run);
  run = test_program("net");
  test_exits(&run, "net", 0);
  for (i = 0; onefold_network_name(i); i++)
    assert_non_null(strstr(run.out, onefold_network_name(i)));
  test_run_free(&run);
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
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof *mistakes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_net),
      cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
