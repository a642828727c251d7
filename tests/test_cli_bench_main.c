// SPDX-License-Identifier: BSD-3-Clause
// `onefold bench main` of the built program: its rows, its networks and its checkpoints.
#include "tests/cli_support.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// The main job lists its rows once each, and one of them runs.
static void test_main_job(void **state) {
  (void)state;
  test_run run = test_program("bench main --no-check --benchmark_list_tests");
  test_exits(&run, "bench main --benchmark_list_tests", 0);
  int forms = 0, rows = 0;
  for (const char *at = run.out; (at = strstr(at, "block/repvgg/")); at++) rows++;
  for (const char *at = run.out; (at = strstr(at, "/folded/threads:1\n")); at++) forms++;
  assert_int_equal(forms, 17);
  assert_int_equal(rows, 17 * (3 + 6) - 2); // an RGB image is not reordered
  test_run_free(&run);

  char *json = test_path(), arguments[512];
  snprintf(arguments, sizeof arguments,
           "bench main " TEST_QUICK
           "--json=%s --benchmark_filter='ic192ih14oc192.*folded/threads:1$'",
           json);
  run = test_program(arguments);
  test_exits(&run, arguments, 0);
  for (char *rest = run.out, *line; (line = strsep(&rest, "\n"));) {
    if (strlen(line) > 100) fail_msg("%zu columns: %s", strlen(line), line);
  }
  test_run_free(&run);
  json_t *report = json_load_file(json, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(report);
  test_row_of_report(report, "block/repvgg/mb1ic192ih14oc192oh14kh3ph1/folded/threads:1",
                     test_work_counters);
  const json_t *row =
      test_entry(report, "block/repvgg/mb1ic192ih14oc192oh14kh3ph1/folded/threads:1_median");
  assert_string_equal(json_string_value(json_object_get(row, "label")), "RepVGG-A0 stage3.1");
  assert_null(test_entry(report, "block/repvgg/mb1ic48ih56oc48oh56kh3ph1/folded/threads:1"));
  json_decref(report);
  test_path_free(json);
}

/// Last in the main job: a line for each network with its time in three forms and two ratios; none
/// where a form was left out.
static void test_main_networks(void **state) {
  (void)state;
  static const char *const networks[] = {"RepVGG-A0, 22 blocks", "RepVGG-B0, 28 blocks"};
  test_run all = test_program("bench main --no-check " TEST_QUICK
                              "--benchmark_filter='(eager|branches|folded)/threads:1$'");
  test_run two = test_program("bench main --no-check " TEST_QUICK
                              "--benchmark_filter='(eager|folded)/threads:1$'");
  test_exits(&all, "bench main", 0);
  test_exits(&two, "bench main", 0);
  for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
    const char *line = strstr(all.out, networks[i]);
    double time[3], ratio[2];
    char unit[3][4];
    assert_non_null(line);
    assert_int_equal(sscanf(line + strlen(networks[i]), "%lf %3s %lf %3s %lf %3s %lfx %lfx",
                            &time[0], unit[0], &time[1], unit[1], &time[2], unit[2], &ratio[0],
                            &ratio[1]),
                     8);
    for (int k = 0; k < 3; k++) assert_true(time[k] > 0 && unit[k][strlen(unit[k]) - 1] == 's');
    for (int k = 0; k < 2 && strcmp(unit[k], unit[2]) == 0; k++) // of rounded numbers
      assert_true(fabs(ratio[k] - time[k] / time[2]) <= 0.01 + 0.01 * ratio[k]);
    assert_null(strstr(two.out, networks[i]));
  }
  test_run_free(&all);
  test_run_free(&two);
}

// ------------------------------------------------------------------- weights

/// A RepVGG block's tensors of `out` x `in` under `prefix` as safetensors: the
/// convolutions hold `value`, all else 0.5. The file ends `missing` bytes early.
static void write_checkpoint(const char *path, const char *prefix, int out, int in, float value,
                             long missing) {
  static const struct {
    const char *name;
    int side; // of a convolution's kernel; 0: one value an output channel
  } tensors[] = {
      {"rbr_dense.conv.weight", 3},    {"rbr_dense.bn.weight", 0},
      {"rbr_dense.bn.bias", 0},        {"rbr_dense.bn.running_mean", 0},
      {"rbr_dense.bn.running_var", 0}, {"rbr_1x1.conv.weight", 1},
      {"rbr_1x1.bn.weight", 0},        {"rbr_1x1.bn.bias", 0},
      {"rbr_1x1.bn.running_mean", 0},  {"rbr_1x1.bn.running_var", 0},
  };
  json_t *header = json_object();
  long at = 0;
  for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
    const int side = tensors[i].side;
    const long bytes = 4L * out * (side ? in * side * side : 1);
    json_t *dims = side ? json_pack("[i,i,i,i]", out, in, side, side) : json_pack("[i]", out);
    char name[128];
    snprintf(name, sizeof name, "%s%s", prefix, tensors[i].name);
    json_object_set_new(header, name,
                        json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", dims,
                                  "data_offsets", (json_int_t)at, (json_int_t)(at + bytes)));
    at += bytes;
  }
  char *text = json_dumps(header, JSON_COMPACT);
  assert_non_null(text);
  const uint64_t length = strlen(text); // little-endian, as every machine that runs this
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fwrite(&length, sizeof length, 1, file);
  fwrite(text, 1, length, file);
  const long dense = 9L * out * in, norm = 4L * out, pointwise = (long)out * in;
  for (long i = 0; i < (at - missing) / 4; i++) {
    const int in_conv = i < dense || (i >= dense + norm && i < dense + norm + pointwise);
    const float element = in_conv ? value : 0.5f;
    fwrite(&element, sizeof element, 1, file);
  }
  fclose(file);
  free(text);
  json_decref(header);
}

static void test_weights(void **state) {
  (void)state;
  static const struct {
    const char *prefix;
    int out, in;
    float value;
    long missing;
    int code;
    const char *says;
  } cases[] = {
      {"stage0.", 48, 3, 0.5f, 0, 0, "for 1 of 17 blocks"},
      {"stage0.", 47, 3, 0.5f, 0, 1, "no tensor"},
      {"stage9.", 48, 3, 0.5f, 0, 1, "no tensor"},
      {"stage0.", 48, 3, 0.5f, 8, 1, "onefold bench main"},
      {"stage0.", 48, 3, 3e38f, 0, 3, "largest error"}, // overflows, so that no form is right
  };
  char *path = test_path();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    write_checkpoint(path, cases[i].prefix, cases[i].out, cases[i].in, cases[i].value,
                     cases[i].missing);
    char arguments[512];
    snprintf(arguments, sizeof arguments,
             "bench main " TEST_QUICK "--weights=%s --benchmark_filter=ic3.*oc48.*folded/threads",
             path);
    test_run run = test_program(arguments);
    test_exits(&run, arguments, cases[i].code);
    const char *said = cases[i].code ? run.err : run.out;
    test_has_words(said, cases[i].says);
    test_run_free(&run);
  }
  test_path_free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_main_job),
      cmocka_unit_test(test_main_networks),
      cmocka_unit_test(test_weights),
  };
  return cmocka_run_group_tests_name("cli_bench_main", tests, NULL, NULL);
}
