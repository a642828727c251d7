// SPDX-License-Identifier: BSD-3-Clause
// `onefold bench` of the built program: its rows, options, checkpoints and JSON.
#include "tests/cli_support.h"

#include <onefold/onefold.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUICK "--benchmark_min_time=0.001 --benchmark_repetitions=3 "

// Of the form that others are compared with, and of what is compared with it.
static const char *const first[] = {
    "flops", "bytes", "gflops", "percent_peak", "percent_bandwidth", "memory_bytes", NULL};
static const char *const work[] = {
    "flops",     "bytes",        "gflops", "percent_peak", "percent_bandwidth",
    "max_error", "memory_bytes", NULL};
static const char *const copy[] = {"percent_bandwidth", NULL};
static const char *const none[] = {NULL};

static void test_conv(void **state) {
  (void)state;
  json_t *report =
      test_report("bench conv --json - " QUICK "mb1ic17ih9oc33kh3ph1 g8ic8ih6oc8kh3sh2");
#define A "conv/mb1ic17ih9oc33oh9kh3ph1/"
  test_row_of_report(report, A "run/threads:1", work);
  test_row_of_report(report, A "plan/threads:1", none);
  test_row_of_report(report, A "pack/threads:1", none);
  test_row_of_report(report, A "reorder_in/threads:1", copy);
  test_row_of_report(report, A "reorder_out/threads:1", copy);
  test_row_of_report(report, A "first_run/threads:1", none);
  test_row_of_report(report, "conv/g8mb1ic8ih6oc8oh2kh3sh2/run/threads:1", work);
  assert_true(test_number(test_entry(report, A "run/threads:1_median"), "max_error") <= 1e-4);
  // Packed weights are at least the weights.
  assert_true(test_number(test_entry(report, A "run/threads:1_median"), "memory_bytes") >=
              4.0 * 33 * 17 * 9);
  const char *label =
      json_string_value(json_object_get(test_entry(report, A "run/threads:1_median"), "label"));
  assert_non_null(label);
  if (strncmp(label, "winograd", 8)) assert_string_equal(label, "direct");
#undef A
  assert_string_equal(test_fact(report, "onefold_version"), onefold_version());
  assert_string_equal(test_fact(report, "onefold_cold_cache"), "none");
  assert_string_equal(test_fact(report, "onefold_threads"), "1");
  assert_true(atof(test_fact(report, "onefold_peak_gflops")) > 0.0);
  json_decref(report);
}

static void test_conv_options(void **state) {
  (void)state;
  char *path = test_path(), *json = test_path();
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("# a comment\n\n  ic8ih5oc8kh1   # another\nic8ih6oc8kh1n\"named\"\n", file);
  fclose(file);
  char arguments[512];
  snprintf(arguments, sizeof arguments,
           "bench conv " QUICK "--batch=%s --benchmark_out=%s --threads=2 --layout=nchw --act=silu "
           "--cold-cache=wei --benchmark_report_aggregates_only",
           path, json);
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  assert_non_null(strstr(run.out, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw"));
  assert_non_null(strstr(run.out, "\npacked weights "));
  assert_non_null(strstr(run.out, ", workspace "));
  test_run_free(&run);
  json_error_t error;
  json_t *report = json_load_file(json, JSON_REJECT_DUPLICATES, &error);
  assert_non_null(report);
  assert_non_null(
      test_entry(report, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw/run/threads:2_median"));
  assert_null(test_entry(report, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw/run/threads:2"));
  assert_null(test_entry(
      report, "conv/mb1ic8ih5oc8oh5kh1/act:silu/layout:nchw/reorder_in/threads:2_median"));
  assert_string_equal(test_fact(report, "onefold_cold_cache"), "wei");
  json_decref(report);
  test_path_free(path);
  test_path_free(json);
}

/// Problems with what rows say of them, whatever the options; and the line that is none of a list.
static void test_named_problems(void **state) {
  (void)state;
  static const struct {
    const char *problem, *options, *name;
  } cases[] = {
      {"ic8ih5oc8kh1/act:silu/layout:nchw", "", "/act:silu/layout:nchw"},
      {"mb1ic8ih5oc8oh5kh1/act:relu", "--act=silu --layout=nhwc", "/act:relu/layout:nhwc"},
      {"ic8ih5oc8kh1/nchw:blocked", "", "/nchw:blocked"},
      {"ic8ih5oc8kh1/blocked:blocked", "", ""},
      {"'ic8ih5oc8kh1n\"a/b\"/act:relu6'", "", "/act:relu6"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char arguments[256], name[128];
    snprintf(arguments, sizeof arguments, "bench conv --benchmark_list_tests %s %s",
             cases[i].options, cases[i].problem);
    snprintf(name, sizeof name, "conv/mb1ic8ih5oc8oh5kh1%s/run/threads:1\n", cases[i].name);
    test_expect_words(arguments, name);
  }
  static const char *const commands[] = {"bench conv", "bench pair", "bench block repvgg"};
  char *path = test_path(), arguments[512], says[512];
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("# a comment\n\n  mb1ic8ih8oc8oh8kh1/act:tanh  # another\n", file);
  fclose(file);
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    snprintf(arguments, sizeof arguments, "%s --batch=%s", commands[i], path);
    snprintf(says, sizeof says, "%s:3: mb1ic8ih8oc8oh8kh1/act:tanh: ", path);
    test_expect_mistake(arguments, 2, says);
  }
  file = fopen(path, "w"); // nothing in it
  assert_non_null(file);
  fclose(file);
  snprintf(arguments, sizeof arguments, "bench conv --batch=%s", path);
  test_expect_mistake(arguments, 2, "no problem is given");
  test_path_free(path);
}

/// A form that only one block has, by itself.
static void test_generated(void **state) {
  (void)state;
  static const char arguments[] = "bench block orepa ic8ih7oc8kh3ph1 --form generated " QUICK;
  test_expect_words(arguments, "TG generated");
  test_expect_mistake("bench block repvgg ic8ih7oc8kh3ph1 --form generated", 2,
                      "repvgg: --form=generated: it is a form of orepa");
  test_expect_mistake("bench net mobileone-s0 --size 32 --form generated", 2, "a form of orepa");
}

/// --isa gives the level that was asked for, or fails and says so.
static void test_isa(void **state) {
  (void)state;
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    const char *name = onefold_isa_name((onefold_isa)i);
    char arguments[128];
    snprintf(arguments, sizeof arguments,
             "bench conv --json - " QUICK "--isa=%s --benchmark_filter=run ic8ih5oc8kh1", name);
    if (test_isa_runs((onefold_isa)i)) {
      json_t *report = test_report(arguments);
      assert_string_equal(test_fact(report, "onefold_isa"), name);
      json_decref(report);
    } else {
      test_run run = test_program(arguments);
      test_exits(&run, arguments, 1);
      assert_non_null(strstr(run.err, name));
      test_run_free(&run);
    }
  }
}

/// --accuracy reaches the context, and `bench accuracy` prints errors that grow with the tile.
static void test_accuracy(void **state) {
  (void)state;
  for (int i = 0; i <= ONEFOLD_ACCURACY_FAST; i++) {
    const char *name = onefold_accuracy_name((onefold_accuracy)i);
    char arguments[192];
    snprintf(arguments, sizeof arguments,
             "bench conv --json - " QUICK "--accuracy=%s --benchmark_filter=run ic8ih5oc8kh1",
             name);
    json_t *report = test_report(arguments);
    assert_string_equal(test_fact(report, "onefold_accuracy"), name);
    json_decref(report);
  }
  char *path = test_path(), command[512];
  snprintf(command, sizeof command, "bench accuracy --json=%s", path);
  test_run run = test_program(command);
  test_exits(&run, command, 0);
  json_t *errors = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(errors);
  int lines = 0;
  for (const char *line = strstr(run.out, "\n16 "); line; line = strchr(line + 1, '\n')) {
    double e[8];
    int channels;
    if (sscanf(line, "%d %lf %lf %lf %lf %lf %lf %lf %lf", &channels, e, e + 1, e + 2, e + 3, e + 4,
               e + 5, e + 6, e + 7) != 9) {
      continue;
    }
    assert_int_equal(channels, 16 << lines++);
    assert_true(e[2] > 0 && e[2] < e[4] && e[4] < e[6] && e[6] < 1e-4); // F(2), F(4), F(6)
    for (int k = 0; k < 8; k += 2) assert_true(e[k] < 10 * e[k + 1] && e[k + 1] < 10 * e[k]);
    char name[64];
    snprintf(name, sizeof name, "accuracy/conv3x3s1/winograd2/ic:%d", channels);
    const json_t *row = test_entry(errors, name);
    assert_non_null(row);
    assert_true(fabs(test_number(row, "relative_error") - e[2]) < 0.01 * e[2]);
    assert_true(fabs(test_number(row, "largest_error") - e[3]) < 0.01 * e[3]);
  }
  assert_int_equal(json_array_size(json_object_get(errors, "benchmarks")), 6 * 6);
  json_decref(errors);
  test_path_free(path);
  assert_int_equal(lines, 6);
  test_run_free(&run);
}

static void test_block(void **state) {
  (void)state;
  json_t *report = test_report("bench block --json - " QUICK "repvgg ic24ih7oc24kh3ph1");
#define A "block/repvgg/mb1ic24ih7oc24oh7kh3ph1/"
  test_row_of_report(report, A "eager/threads:1", first);
  test_row_of_report(report, A "branches/threads:1", work);
  test_row_of_report(report, A "folded/threads:1", work);
  test_row_of_report(report, A "folded/fold/threads:1", none);
  test_row_of_report(report, A "folded/plan/threads:1", none);
  test_row_of_report(report, A "folded/pack/threads:1", none);
  test_row_of_report(report, A "folded/first_run/threads:1", none);
  test_row_of_report(report, A "folded/reorder_in/threads:1", copy);
  test_row_of_report(report, A "folded/reorder_out/threads:1", copy);
  assert_true(test_number(test_entry(report, A "folded/threads:1_median"), "max_error") <= 1e-4);
  json_decref(report);
  report = test_report("bench block --json - " QUICK "--form=eager ic24ih7oc24kh3ph1");
  test_row_of_report(report, A "eager/threads:1", first);
  test_row_of_report(report, A "eager/plan/threads:1", none);
  assert_null(test_entry(report, A "folded/threads:1"));
  assert_null(test_entry(report, A "eager/fold/threads:1"));
  json_decref(report);
#undef A
}

/// Parameters instead of a convolution; the form that generates its weight; what did not fold.
static void test_block_parameters(void **state) {
  (void)state;
  json_t *report =
      test_report("bench block --json - " QUICK "orepa input=1x8x6x5,out_channels=12,groups=2");
#define A "block/orepa/input=1x8x6x5,out_channels=12,groups=2/"
  static const char *const forms[] = {A "eager", A "branches", A "folded", A "generated"};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    char name[160];
    snprintf(name, sizeof name, "%s/threads:1", forms[i]);
    test_row_of_report(report, name, i ? work : first);
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
    snprintf(arguments, sizeof arguments, "bench block " QUICK "%s", cases[i].arguments);
    test_run run = test_program(arguments);
    test_exits(&run, arguments, 0);
    if (!strstr(run.out, cases[i].says)) fail_msg("no \"%s\" in:\n%s", cases[i].says, run.out);
    test_run_free(&run);
  }
}

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
           "bench main " QUICK "--json=%s --benchmark_filter='ic192ih14oc192.*folded/threads:1$'",
           json);
  run = test_program(arguments);
  test_exits(&run, arguments, 0);
  for (char *rest = run.out, *line; (line = strsep(&rest, "\n"));) {
    if (strlen(line) > 100) fail_msg("%zu columns: %s", strlen(line), line);
  }
  test_run_free(&run);
  json_t *report = json_load_file(json, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(report);
  test_row_of_report(report, "block/repvgg/mb1ic192ih14oc192oh14kh3ph1/folded/threads:1", work);
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
  test_run all = test_program("bench main --no-check " QUICK
                              "--benchmark_filter='(eager|branches|folded)/threads:1$'");
  test_run two =
      test_program("bench main --no-check " QUICK "--benchmark_filter='(eager|folded)/threads:1$'");
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
             "bench main " QUICK "--weights=%s --benchmark_filter=ic3.*oc48.*folded/threads", path);
    test_run run = test_program(arguments);
    test_exits(&run, arguments, cases[i].code);
    const char *said = cases[i].code ? run.err : run.out;
    if (!strstr(said, cases[i].says)) fail_msg("no \"%s\" in:\n%s", cases[i].says, said);
    test_run_free(&run);
  }
  test_path_free(path);
}

/// SIGINT behind the first problem: the JSON has it, and the last one is not begun.
static void test_interrupt(void **state) {
  (void)state;
  char *path = test_path(), json[512], line[512] = "", part[512];
  int ends[2];
  snprintf(json, sizeof json, "--json=%s", path);
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(ONEFOLD_PROGRAM, "onefold", "bench", "conv", json, "--isa=ref",
          "--benchmark_min_time=0.05", "ic8ih8oc8kh1", "ic8ih9oc8kh1", "ic8ih10oc8kh1",
          (char *)NULL);
    _exit(99);
  }
  close(ends[1]);
  FILE *lines = fdopen(ends[0], "r");
  assert_non_null(lines);
  while (strncmp(line, "packed weights ", 15) != 0)
    assert_non_null(fgets(line, sizeof line, lines));
  assert_int_equal(kill(child, SIGINT), 0);
  while (fgets(line, sizeof line, lines)) continue;
  fclose(lines);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
  json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(report);
  assert_non_null(test_entry(report, "conv/mb1ic8ih8oc8oh8kh1/run/threads:1_median"));
  assert_null(test_entry(report, "conv/mb1ic8ih10oc8oh10kh1/run/threads:1_median"));
  json_decref(report);
  snprintf(part, sizeof part, "%s.%d.part", path, (int)child);
  assert_int_not_equal(access(part, F_OK), 0);
  test_path_free(path);
}

/// What is not begun leaves an older file alone.
static void test_older_file(void **state) {
  (void)state;
  char *path = test_path(), arguments[256], line[16] = "";
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("older", file);
  fclose(file);
  snprintf(arguments, sizeof arguments,
           "bench conv --json=%s --benchmark_filter=nothing ic8ih8oc8kh1", path);
  test_expect_mistake(arguments, 2, "--benchmark_filter");
  file = fopen(path, "r");
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof line, file));
  fclose(file);
  assert_string_equal(line, "older");
  test_path_free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_conv),
      cmocka_unit_test(test_conv_options),
      cmocka_unit_test(test_named_problems),
      cmocka_unit_test(test_generated),
      cmocka_unit_test(test_isa),
      cmocka_unit_test(test_accuracy),
      cmocka_unit_test(test_block),
      cmocka_unit_test(test_block_parameters),
      cmocka_unit_test(test_main_job),
      cmocka_unit_test(test_main_networks),
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_interrupt),
      cmocka_unit_test(test_older_file),
  };
  return cmocka_run_group_tests_name("cli_bench", tests, NULL, NULL);
}
