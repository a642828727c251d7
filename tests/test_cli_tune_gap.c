// SPDX-License-Identifier: BSD-3-Clause
// onefold tune explain --svg, exhaustive searches, and onefold tune gap.
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) return NULL;
  char *text = calloc(1, 1 << 20);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
  fclose(file);
  return text;
}

static void test_figure(void **state) {
  (void)state;
  char *path = test_path(), arguments[512];
  snprintf(arguments, sizeof arguments,
           "tune explain ic16ih9oc16oh9kh3ph1 --threads=1 --per-shape=30ms --svg %s", path);
  test_expect_words(arguments, " best; ");
  char *text = read_file(path);
  assert_non_null(text);
  const char *words[] = {
      "<svg ",     "mb1ic16ih9oc16oh9kh3ph1",   ">round<", ">left<", "class=\"mark ",
      "fastest: ", "prefers-color-scheme:dark", "</svg>"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    test_case("%s", words[i]);
    assert_non_null(strstr(text, words[i]));
  }
  free(text);
  test_path_free(path);
}

/// An exhaustive search prunes nothing; the gap to it is of two bests that took turns.
static void test_exhaustive(void **state) {
  (void)state;
  json_t *root =
      test_report("tune explain ic16ih5oc16oh5kh3ph1 --threads=1 --isa=ref --per-shape=1s "
                  "--exhaustive --json");
  const json_t *candidates = json_object_get(json_array_get(root, 0), "candidates");
  assert_true(json_array_size(candidates) > 1);
  for (size_t i = 0; i < json_array_size(candidates); i++) {
    const char *fate = json_string_value(json_object_get(json_array_get(candidates, i), "fate"));
    assert_non_null(fate);
    assert_string_not_equal(fate, "pruned");
  }
  json_decref(root);
  root = test_report("tune gap g32ic32ih5oc32oh5kh3ph1 ic8ih4oc8oh4kh1 --threads=1 --isa=ref "
                     "--per-shape=50ms --turns=5 --json");
  const json_t *shapes = json_object_get(root, "shapes");
  assert_int_equal(json_array_size(shapes), 2);
  test_expect_number(root, "left", 0);
  json_t *second = json_array_get(shapes, 1);
  assert_string_equal(json_string_value(json_object_get(second, "problem")), "mb1ic8ih4oc8oh4kh1");
  assert_true(test_number(second, "gap") > 0 && test_number(second, "default_gap") > 0);
  assert_true(test_number(json_object_get(second, "exhaustive"), "timed") >=
              test_number(json_object_get(second, "search"), "timed"));
  assert_true(test_number(root, "geometric_mean_gap") > 0);
  json_decref(root);
  test_expect_words(
      "tune gap g32ic32ih5oc32oh5kh3ph1 --threads=1 --isa=ref --per-shape=50ms --turns=5",
      "1 compared; geometric mean");
  test_expect_words("tune run ic8ih4oc8oh4kh1 --threads=1 --isa=ref --exhaustive --per-shape=1s",
                    "1 tuned in ");
}

static void test_mistakes(void **state) {
  (void)state;
  static const test_mistake mistakes[] = {
      {"tune explain ic8oc8ih4kh1 ic8oc8ih5kh1 --svg x.svg", 2, "one problem, not 2"},
      {"tune explain ic8oc8ih4kh1 --svg x.svg --estimates", 2, "--estimates"},
      {"tune explain ic8oc8ih4kh1 --per-shape=5ms --svg /nonexistent/x.svg", 1, "/nonexistent/x"},
      {"tune gap", 2, "no problem is given"},
      {"tune gap ic8oc8ih4kh1 --turns=2", 2, "--turns=2"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_figure, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_exhaustive, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_mistakes, test_record_here, test_record_gone),
  };
  return cmocka_run_group_tests_name("onefold tune gap", tests, NULL, NULL);
}
