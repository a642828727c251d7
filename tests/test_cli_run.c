// SPDX-License-Identifier: BSD-3-Clause
// onefold run: results against PyTorch's and between forms, and what is said of mistakes.
#include "tests/cli_support.h"
#include "tests/file_support.h"

#include <onefold/onefold.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// A directory with the files x.npy and y.npy, and a context to read and write them with.
typedef struct place {
  onefold_context *context;
  test_directory directory;
  test_file_path x, y;
} place;

static place make_place(void) {
  place p = {.context = test_context(ONEFOLD_ISA_REF, 1)};
  test_directory_make(&p.directory);
  test_file(&p.directory, "x.npy", p.x);
  test_file(&p.directory, "y.npy", p.y);
  return p;
}

static void free_place(place *p) {
  test_directory_remove(&p->directory);
  onefold_context_destroy(p->context);
}

/// Runs `onefold run` with the arguments, the input x.npy and the output y.npy.
static test_run run_block(const place *p, const char *arguments, char line[1024]) {
  snprintf(line, 1024, "run %s --input=%s --output=%s", arguments, p->x, p->y);
  return test_program(line);
}

/// The same, which must succeed without a word; the result is to be released.
static onefold_array run_quietly(const place *p, const char *arguments) {
  char line[1024];
  test_run run = run_block(p, arguments, line);
  test_exits(&run, line, 0);
  assert_string_equal(run.out, "");
  assert_string_equal(run.err, "");
  test_run_free(&run);
  onefold_array y;
  test_ok(p->context, onefold_array_read(p->context, p->y, &y));
  assert_int_equal(remove(p->y), 0);
  return y;
}

static size_t count_of(const onefold_array *array) {
  size_t count = 1;
  for (int32_t i = 0; i < array->rank; i++) count *= (size_t)array->dims[i];
  return count;
}

/// Both have one shape and agree to `limit` of the largest value.
static void expect_close(const onefold_array *got, const onefold_array *want, double limit) {
  assert_int_equal(got->rank, want->rank);
  assert_memory_equal(got->dims, want->dims, sizeof got->dims);
  double largest = 0, error = 0;
  for (size_t i = 0; i < count_of(want); i++) {
    const double difference = fabs((double)got->values[i] - (double)want->values[i]);
    largest = fmax(largest, fabs((double)want->values[i]));
    error = difference <= error ? error : difference; // NaN stays
  }
  assert_true(largest > 0);
  if (!(error <= limit * largest)) test_failed("error %g of %g", error, largest);
}

/// An array of values in [-1, 1).
static void make_array(const place *p, const char *path, int32_t rank, const int64_t *dims) {
  test_rng rng = {7};
  onefold_array x = {.rank = rank};
  for (int32_t i = 0; i < rank; i++) x.dims[i] = dims[i];
  const size_t count = count_of(&x);
  x.values = malloc(count * sizeof *x.values);
  assert_non_null(x.values);
  test_fill_uniform(&rng, x.values, count);
  test_ok(p->context, onefold_array_write(p->context, path, &x));
  free(x.values);
}

static void make_input(const place *p, int32_t rank, const int64_t *dims) {
  make_array(p, p->x, rank, dims);
}

// ------------------------------------------------------------------ results

static onefold_array read_tensor(const place *p, const onefold_weights *weights, const char *name) {
  onefold_array array;
  test_ok(p->context, onefold_weights_shape(weights, name, array.dims, &array.rank));
  array.values = malloc(count_of(&array) * sizeof *array.values);
  assert_non_null(array.values);
  test_ok(p->context, onefold_weights_read(weights, name, array.dims, array.rank, array.values));
  return array;
}

/// A block that PyTorch ran, in every form. Its one input is golden.input.
static void check_golden(const place *p, const char *name) {
  char path[512], arguments[900];
  snprintf(path, sizeof path, "%s/%s.safetensors", ONEFOLD_TEST_VECTORS, name);
  onefold_weights *weights;
  test_ok(p->context, onefold_weights_open(p->context, path, &weights));
  onefold_array x = read_tensor(p, weights, "golden.input");
  onefold_array golden = read_tensor(p, weights, "golden.output");
  test_ok(p->context, onefold_array_write(p->context, p->x, &x));
  static const char *const forms[] = {"", "--form=eager", "--form=branches", "--form=folded"};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    test_case("%s %s", name, forms[i]);
    snprintf(arguments, sizeof arguments,
             "--model=%s --weights='%s' --prefix=block. %s --threads=1 --set '%s'",
             onefold_weights_metadata(weights, "block"), path, forms[i],
             onefold_weights_metadata(weights, "params"));
    onefold_array y = run_quietly(p, arguments);
    expect_close(&y, &golden, 1e-5);
    onefold_array_release(p->context, &y);
  }
  onefold_weights_close(weights);
  free(golden.values);
  free(x.values);
}

static void test_golden(void **state) {
  (void)state;
  static const char *const names[] = {"repvgg_identity", "repvgg_groups", "repvgg_dilation",
                                      "repvgg_se",       "orepa_plain",   "dbb_groups"};
  place p = make_place();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_golden(&p, names[i]);
  free_place(&p);
}

/// Generated weights: every form, ISA level and number of threads agrees with the reference.
static void test_seeds(void **state) {
  (void)state;
  place p = make_place();
  make_input(&p, 4, (const int64_t[]){2, 8, 7, 9});
#define SEEDED "--model=repvgg --set out_channels=8 --seed=5 "
  onefold_array want = run_quietly(&p, SEEDED "--form=eager --isa=ref");
  assert_int_equal(want.rank, 4);
  assert_memory_equal(want.dims, ((const int64_t[]){2, 8, 7, 9}), 4 * sizeof(int64_t));
  static const char *const same[] = {SEEDED, SEEDED "--form=branches", SEEDED "--threads=2",
                                     SEEDED "--form=eager -t 1", SEEDED "--isa=ref"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    test_case("%s", same[i]);
    onefold_array y = run_quietly(&p, same[i]);
    expect_close(&y, &want, 1e-5);
    onefold_array_release(p.context, &y);
  }
  static const char *const others[] = {"--model=repvgg --set out_channels=8 --seed=6",
                                       SEEDED "--prefix=other.", SEEDED "--set activation=none"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    test_case("%s", others[i]);
    onefold_array y = run_quietly(&p, others[i]);
    assert_int_equal(count_of(&y), count_of(&want));
    assert_true(test_first_difference(y.values, want.values, count_of(&y)) < count_of(&y));
    onefold_array_release(p.context, &y);
  }
  onefold_array_release(p.context, &want);

  // One image without its dimension of batches.
  make_input(&p, 4, (const int64_t[]){1, 8, 5, 6});
  want = run_quietly(&p, SEEDED "--set stride=2");
  make_input(&p, 3, (const int64_t[]){8, 5, 6});
  onefold_array y = run_quietly(&p, SEEDED "--set stride=2");
  expect_close(&y, &want, 0);
  assert_memory_equal(y.dims, ((const int64_t[]){1, 8, 3, 3}), 4 * sizeof(int64_t));
  onefold_array_release(p.context, &y);
  onefold_array_release(p.context, &want);
  free_place(&p);
}

static void test_verbose(void **state) {
  (void)state;
  place p = make_place();
  make_input(&p, 4, (const int64_t[]){1, 8, 5, 5});
  static const struct {
    const char *arguments, *says, *says_not;
  } cases[] = {{SEEDED "--verbose", "-> 1, parameters", "inexact"},
               {SEEDED "-v --form=branches", "nodes 2 -> 1", "nodes 5"},
               {SEEDED "-v --form=eager", "batch_norm", "parameters"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char line[1024];
    test_run run = run_block(&p, cases[i].arguments, line);
    test_exits(&run, line, 0);
    if (!strstr(run.out, cases[i].says) || strstr(run.out, cases[i].says_not))
      fail_msg("onefold %s:\n%s", line, run.out);
    assert_string_equal(run.err, "");
    test_run_free(&run);
  }
  free_place(&p);
}

// ----------------------------------------------------------------- mistakes

/// Each gives its exit code and a sentence, and leaves y.npy as it was.
static void expect_mistake(const place *p, const char *arguments, int code, const char *says) {
  test_case("%s", arguments);
  test_file_write(p->y, "old", 3);
  const int files = test_directory_files(&p->directory);
  char line[1024];
  test_run run = run_block(p, arguments, line);
  test_exits(&run, line, code);
  assert_string_equal(run.out, "");
  if (!strstr(run.err, says)) fail_msg("onefold %s: no \"%s\" in:\n%s", line, says, run.err);
  assert_null(strstr(run.err, "(ok)"));
  test_run_free(&run);
  test_file_is(p->y, "old", 3);
  assert_int_equal(test_directory_files(&p->directory), files);
}

/// A block with a second input; run_block adds x.npy as the last --input.
static void test_two_inputs(void **state) {
  (void)state;
  place p = make_place();
  test_file_path first;
  char line[1024];
#define ROUTED "--model=mpc_n --set out_channels=24 --seed=3 "
  test_file(&p.directory, "first.npy", first);
  make_array(&p, first, 4, (const int64_t[]){2, 16, 6, 8});
  make_input(&p, 4, (const int64_t[]){2, 8, 3, 4});
  onefold_array want = {0};
  static const char *const forms[] = {"eager", "branches", "folded"};
  for (size_t i = 0; i < 3; i++) {
    snprintf(line, sizeof line, ROUTED "--form=%s --input=%s", forms[i], first);
    test_case("%s", line);
    onefold_array y = run_quietly(&p, line);
    assert_memory_equal(y.dims, ((const int64_t[]){2, 24, 3, 4}), 4 * sizeof(int64_t));
    if (i == 0) {
      want = y;
      continue;
    }
    expect_close(&y, &want, 1e-5);
    onefold_array_release(p.context, &y);
  }
  // The route is the last part of the concat.
  onefold_array route;
  test_ok(p.context, onefold_array_read(p.context, p.x, &route));
  for (size_t n = 0; n < 2; n++)
    assert_memory_equal(want.values + (n * 24 + 16) * 12, route.values + n * 8 * 12,
                        8 * 12 * sizeof(float));
  onefold_array_release(p.context, &route);
  onefold_array_release(p.context, &want);

  snprintf(line, sizeof line, ROUTED "--input=%s", first);
  make_input(&p, 4, (const int64_t[]){2, 8, 3, 5});
  expect_mistake(&p, line, 2, "x.npy: input 2 of mpc_n is 2x8x3x4");
  make_input(&p, 4, (const int64_t[]){2, 16, 6, 8});
  expect_mistake(&p, ROUTED "--set route_channels=8", 2,
                 "mpc_n has 2 inputs, --input is given 1 time");
  free_place(&p);
}

/// A network of several outputs on two images, in every form.
static void test_network(void **state) {
  (void)state;
  place p = make_place();
  test_file_path more[2];
  char line[1024];
  test_file(&p.directory, "y1.npy", more[0]);
  test_file(&p.directory, "y2.npy", more[1]);
  make_input(&p, 4, (const int64_t[]){2, 3, 64, 32});
  onefold_array want[3];
  static const char *const forms[] = {"eager", "branches", "folded"};
  for (size_t i = 0; i < 3; i++) {
    snprintf(line, sizeof line, "--model=yolov7-tiny --seed=3 --form=%s --output=%s --output=%s",
             forms[i], more[0], more[1]);
    test_case("%s", line);
    onefold_array y[3];
    memset(y, 0, sizeof y);
    y[2] = run_quietly(&p, line); // y.npy is the last --output
    test_ok(p.context, onefold_array_read(p.context, more[0], &y[0]));
    test_ok(p.context, onefold_array_read(p.context, more[1], &y[1]));
    for (int k = 0; k < 3; k++) {
      const int64_t dims[4] = {2, 128 << k, 8 >> k, 4 >> k};
      assert_memory_equal(y[k].dims, dims, sizeof dims);
      if (i) {
        expect_close(&y[k], &want[k], 1e-4);
        onefold_array_release(p.context, &y[k]);
      } else {
        want[k] = y[k];
      }
    }
  }
  for (int k = 0; k < 3; k++) onefold_array_release(p.context, &want[k]);
  assert_int_equal(remove(more[0]) | remove(more[1]), 0);

  expect_mistake(&p, "--model=yolov7-tiny --seed=3", 2,
                 "yolov7-tiny has 3 outputs, --output is given 1 time");
  expect_mistake(&p, "--model=yolov7-tiny --seed=3 --set stride=2", 2, "--set: yolov7-tiny is a");
  expect_mistake(&p, "--model=repvgg-a0 --seed=3 --prefix=x.", 2, "--prefix: repvgg-a0 is a");
  expect_mistake(&p, "--model=repvgg-z9 --seed=3", 2, "onefold net lists the networks");
  make_input(&p, 3, (const int64_t[]){4, 64, 32});
  expect_mistake(&p, "--model=repvgg-a0 --seed=3", 2, "input.c is 4, the network has 3");
  free_place(&p);
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
      {SEEDED "--weights=x", 2, "exclude each other"},
      {SEEDED "extra", 2, "extra"},
      {SEEDED "--seed=-1", 2, "--seed=-1"},
      {SEEDED "--threads=0", 2, "--threads=0"},
      {SEEDED "--form=half", 2, "not one of eager, branches, folded"},
      {SEEDED "--isa=mmx", 2, "--isa=mmx: not one of ref, avx2"},
      {SEEDED "--accuracy=exact", 2, "--accuracy=exact: not one of standard, strict"},
      {"--model=nonsense --seed=1", 2, "repvgg"},
      {"--model=nonsense --seed=1", 2, "nonsense"},
      {"--model=repvgg --seed=1", 2, "--set out_channels=N"},
      {SEEDED "--set colour=3", 2, "colour"},
      {SEEDED "--set stride=fast", 2, "fast"},
      {SEEDED "--set groups=3", 2, "3 groups"},
      {SEEDED "--set 'stride=2 out_channels=-8'", 2, "-8"},
      {SEEDED "--input=/nonexistent/x.npy", 1, "/nonexistent/x.npy"},
      {"--model=repvgg --set out_channels=8 --weights=/nonexistent/w", 1, "/nonexistent/w"},
      {"--model=repvgg --set out_channels=8 --weights=/dev/null", 1, "not a regular file"},
      {SEEDED "--output=/nonexistent/y.npy", 2, "--output is given 2 times"},
  };
  place p = make_place();
  make_input(&p, 4, (const int64_t[]){1, 8, 5, 5});
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_mistake(&p, cases[i].arguments, cases[i].code, cases[i].says);

  char line[1024];
  snprintf(line, sizeof line, SEEDED "--input=%s", p.x);
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
  free_place(&p);
}

/// Arrays that are no input: their rank, size, type, order and length.
static void test_bad_inputs(void **state) {
  (void)state;
  place p = make_place();
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
    make_input(&p, shapes[i].rank, shapes[i].dims);
    expect_mistake(&p, SEEDED, shapes[i].code, shapes[i].says);
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
    expect_mistake(&p, SEEDED, 1, files[i].says);
  }
  free_place(&p);
}

/// A result that cannot be written.
static void test_bad_output(void **state) {
  (void)state;
  place p = make_place();
  make_input(&p, 4, (const int64_t[]){1, 8, 5, 5});
  char line[1024];
  static const struct {
    const char *output, *says;
  } cases[] = {{"/nonexistent/y.npy", "/nonexistent/y.npy: No such file"},
               {"/dev/null", "/dev/null: not a regular file"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(line, sizeof line, "run " SEEDED "--input=%s --output=%s", p.x, cases[i].output);
    test_run run = test_program(line);
    test_exits(&run, line, 1);
    if (!strstr(run.err, cases[i].says)) fail_msg("onefold %s: %s", line, run.err);
    test_run_free(&run);
  }
  assert_int_equal(test_directory_files(&p.directory), 1);
  free_place(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_golden),     cmocka_unit_test(test_seeds),
      cmocka_unit_test(test_verbose),    cmocka_unit_test(test_two_inputs),
      cmocka_unit_test(test_network),    cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_bad_inputs), cmocka_unit_test(test_bad_output),
  };
  return cmocka_run_group_tests_name("cli_run", tests, NULL, NULL);
}
