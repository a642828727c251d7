// SPDX-License-Identifier: BSD-3-Clause
// onefold run: what is said of mistakes.
#include "tests/run_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Each gives its exit code and a sentence, and leaves y.npy as it was.
static void expect_mistake(const run_place *p, const char *arguments, int code, const char *says) {
  test_case("%s", arguments);
  test_file_write(p->y, "old", 3);
  const int files = test_directory_files(&p->directory);
  char line[1024];
  test_run run = run_program(p, arguments, line);
  test_exits(&run, line, code);
  assert_string_equal(run.out, "");
  if (!strstr(run.err, says)) fail_msg("onefold %s: no \"%s\" in:\n%s", line, says, run.err);
  assert_null(strstr(run.err, "(ok)"));
  test_run_free(&run);
  test_file_is(p->y, "old", 3);
  assert_int_equal(test_directory_files(&p->directory), files);
}

static void test_mistakes(void **state) {
  (void)state;
  static const struct {
    const char *arguments;
    int code;
    const char *says;
  } cases[] = {
      {"--seed=1", 2, "--model is missing"},
      {"--model=repvgg", 2, "--weights or --seed"},
      {RUN_SEEDED "--weights=x", 2, "exclude each other"},
      {RUN_SEEDED "extra", 2, "extra"},
      {RUN_SEEDED "--seed=-1", 2, "--seed=-1"},
      {RUN_SEEDED "--threads=0", 2, "--threads=0"},
      {RUN_SEEDED "--form=half", 2, "not one of eager, branches, folded"},
      {RUN_SEEDED "--isa=mmx", 2, "--isa=mmx: not one of ref, avx2"},
      {RUN_SEEDED "--accuracy=exact", 2, "--accuracy=exact: not one of standard, strict"},
      {"--model=nonsense --seed=1", 2, "repvgg"},
      {"--model=nonsense --seed=1", 2, "nonsense"},
      {"--model=repvgg --seed=1", 2, "--set out_channels=N"},
      {RUN_SEEDED "--set colour=3", 2, "colour"},
      {RUN_SEEDED "--set stride=fast", 2, "fast"},
      {RUN_SEEDED "--set groups=3", 2, "3 groups"},
      {RUN_SEEDED "--set 'stride=2 out_channels=-8'", 2, "-8"},
      {RUN_SEEDED "--input=/nonexistent/x.npy", 1, "/nonexistent/x.npy"},
      {"--model=repvgg --set out_channels=8 --weights=/nonexistent/w", 1, "/nonexistent/w"},
      {"--model=repvgg --set out_channels=8 --weights=/dev/null", 1, "not a regular file"},
      {RUN_SEEDED "--output=/nonexistent/y.npy", 2, "--output is given 2 times"},
  };
  run_place p = run_place_make();
  run_input(&p, 4, (const int64_t[]){1, 8, 5, 5});
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_mistake(&p, cases[i].arguments, cases[i].code, cases[i].says);

  char line[1024];
  snprintf(line, sizeof line, RUN_SEEDED "--input=%s", p.x);
  expect_mistake(&p, line, 2, "repvgg has 1 input, --input is given 2 times");
  snprintf(line, sizeof line, "--model=repvgg --set out_channels=8 --weights=%s", p.x);
  expect_mistake(&p, line, 1, p.x);
  snprintf(
      line, sizeof line,
      "--model=repvgg --set out_channels=8 --prefix=none. --weights='%s/repvgg_se.safetensors'",
      ONEFOLD_TEST_VECTORS);
  expect_mistake(&p, line, 1, "none.rbr_dense.conv.weight");

  // The command line ends too early.
  static const char *const missing[] = {"run", "run --model=repvgg --seed=1",
                                        "run --model=repvgg --seed=1 --input=x.npy"};
  static const char *const says[] = {"--model", "--input", "--output"};
  for (size_t i = 0; i < 3; i++) {
    test_run run = test_program(missing[i]);
    test_exits(&run, missing[i], 2);
    assert_non_null(strstr(run.err, says[i]));
    test_run_free(&run);
  }
  test_run run = test_program("run --help");
  test_exits(&run, "run --help", 0);
  assert_non_null(strstr(run.out, "Exit codes"));
  test_run_free(&run);
  run_place_free(&p);
}

static void test_two_inputs(void **state) {
  (void)state;
  run_place p = run_place_make();
  test_file_path first;
  char line[1024];
  test_file(&p.directory, "first.npy", first);
  run_array(&p, first, 4, (const int64_t[]){2, 16, 6, 8});
  snprintf(line, sizeof line, RUN_ROUTED "--input=%s", first);
  run_input(&p, 4, (const int64_t[]){2, 8, 3, 5});
  expect_mistake(&p, line, 2, "x.npy: input 2 of mpc_n is 2x8x3x4");
  run_input(&p, 4, (const int64_t[]){2, 16, 6, 8});
  expect_mistake(&p, RUN_ROUTED "--set route_channels=8", 2,
                 "mpc_n has 2 inputs, --input is given 1 time");
  run_place_free(&p);
}

static void test_network(void **state) {
  (void)state;
  run_place p = run_place_make();
  run_input(&p, 4, (const int64_t[]){2, 3, 64, 32});
  expect_mistake(&p, "--model=yolov7-tiny --seed=3", 2,
                 "yolov7-tiny has 3 outputs, --output is given 1 time");
  expect_mistake(&p, "--model=yolov7-tiny --seed=3 --set stride=2", 2, "--set: yolov7-tiny is a");
  expect_mistake(&p, "--model=repvgg-a0 --seed=3 --prefix=x.", 2, "--prefix: repvgg-a0 is a");
  expect_mistake(&p, "--model=repvgg-z9 --seed=3", 2, "onefold net lists the networks");
  run_input(&p, 3, (const int64_t[]){4, 64, 32});
  expect_mistake(&p, "--model=repvgg-a0 --seed=3", 2, "input.c is 4, the network has 3");
  run_place_free(&p);
}

/// Arrays that are no input: their rank, size, type, order and length.
static void test_bad_inputs(void **state) {
  (void)state;
  run_place p = run_place_make();
  static const struct {
    int32_t rank;
    int64_t dims[8];
    int code;
    const char *says;
  } shapes[] = {{0, {0}, 2, "0 dimensions"},
                {2, {5, 5}, 2, "2 dimensions"},
                {5, {1, 1, 8, 5, 5}, 2, "5 dimensions"},
                {4, {1, 8, 0, 5}, 2, "0"}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    run_input(&p, shapes[i].rank, shapes[i].dims);
    expect_mistake(&p, RUN_SEEDED, shapes[i].code, shapes[i].says);
  }
  static const struct {
    const char *descr, *order;
    size_t bytes;
    const char *says;
  } files[] = {{"<f8", "False", 16, "'<f8'"},
               {">f4", "False", 8, "big-endian"},
               {"<f4", "True", 8, "fortran_order"},
               {"<f4", "False", 7, "7 bytes of data"}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char text[128], bytes[256] = "\x93NUMPY\1";
    const int length = snprintf(text, sizeof text,
                                "{'descr': '%s', 'fortran_order': %s, 'shape': (1, 2, 1, 1), }\n",
                                files[i].descr, files[i].order);
    bytes[8] = (char)length;
    memcpy(bytes + 10, text, (size_t)length);
    test_file_write(p.x, bytes, 10 + (size_t)length + files[i].bytes);
    expect_mistake(&p, RUN_SEEDED, 1, files[i].says);
  }
  run_place_free(&p);
}

/// A result that cannot be written.
static void test_bad_output(void **state) {
  (void)state;
  run_place p = run_place_make();
  run_input(&p, 4, (const int64_t[]){1, 8, 5, 5});
  char line[1024];
  static const struct {
    const char *output, *says;
  } cases[] = {{"/nonexistent/y.npy", "/nonexistent/y.npy: No such file"},
               {"/dev/null", "/dev/null: not a regular file"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(line, sizeof line, "run " RUN_SEEDED "--input=%s --output=%s", p.x, cases[i].output);
    test_run run = test_program(line);
    test_exits(&run, line, 1);
    if (!strstr(run.err, cases[i].says)) fail_msg("onefold %s: %s", line, run.err);
    test_run_free(&run);
  }
  assert_int_equal(test_directory_files(&p.directory), 1);
  run_place_free(&p);
}

#ifndef ONEFOLD_HAVE_TUNE
/// What only the tuner does is refused, or warned of, not passed over.
static void test_no_tuner(void **state) {
  (void)state;
  static const char without[] = "built without the tuner";
  test_expect_mistake("run " RUN_SEEDED "--record=x", 2, without);
  test_expect_mistake("net repghostnet-0.5x --record=x", 2, without);
  test_expect_mistake("bench conv ic8ih4oc8kh1 --record=x", 2, without);
  static const char bench[] = "bench conv ic8ih4oc8kh1 --no-record --benchmark_min_time=0.001";
  setenv("ONEFOLD_VERBOSE", "1", 1);
  test_run run = test_program(bench);
  unsetenv("ONEFOLD_VERBOSE");
  test_exits(&run, bench, 0);
  test_has_words(run.err, without);
  test_run_free(&run);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mistakes),   cmocka_unit_test(test_two_inputs),
      cmocka_unit_test(test_network),    cmocka_unit_test(test_bad_inputs),
      cmocka_unit_test(test_bad_output),
#ifndef ONEFOLD_HAVE_TUNE
      cmocka_unit_test(test_no_tuner),
#endif
  };
  return cmocka_run_group_tests_name("cli_run_mistakes", tests, NULL, NULL);
}
