// SPDX-License-Identifier: BSD-3-Clause
// onefold run: results against PyTorch's and between forms.
#include "tests/run_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// A run that must succeed without a word; the result is to be released.
static onefold_array run_quietly(const run_place *p, const char *arguments) {
  char line[1024];
  test_run run = run_program(p, arguments, line);
  test_exits(&run, line, 0);
  assert_string_equal(run.out, "");
  assert_string_equal(run.err, "");
  test_run_free(&run);
  onefold_array y;
  test_ok(p->context, onefold_array_read(p->context, p->y, &y));
  assert_int_equal(remove(p->y), 0);
  return y;
}

/// Both have one shape and agree to `limit` of the largest value.
static void expect_close(const onefold_array *got, const onefold_array *want, double limit) {
  assert_int_equal(got->rank, want->rank);
  assert_memory_equal(got->dims, want->dims, sizeof got->dims);
  double largest = 0, error = 0;
  for (size_t i = 0; i < run_count(want); i++) {
    const double difference = fabs((double)got->values[i] - (double)want->values[i]);
    largest = fmax(largest, fabs((double)want->values[i]));
    error = difference <= error ? error : difference; // NaN stays
  }
  assert_true(largest > 0);
  if (!(error <= limit * largest)) test_failed("error %g of %g", error, largest);
}

static onefold_array read_tensor(const run_place *p, const onefold_weights *weights,
                                 const char *name) {
  onefold_array array;
  test_ok(p->context, onefold_weights_shape(weights, name, array.dims, &array.rank));
  array.values = malloc(run_count(&array) * sizeof *array.values);
  assert_non_null(array.values);
  test_ok(p->context, onefold_weights_read(weights, name, array.dims, array.rank, array.values));
  return array;
}

/// A block that PyTorch ran, in every form. Its one input is golden.input.
static void check_golden(const run_place *p, const char *name) {
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
  run_place p = run_place_make();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_golden(&p, names[i]);
  run_place_free(&p);
}

/// Generated weights: every form, ISA level and number of threads agrees with the reference.
static void test_seeds(void **state) {
  (void)state;
  run_place p = run_place_make();
  run_input(&p, 4, (const int64_t[]){2, 8, 7, 9});
  onefold_array want = run_quietly(&p, RUN_SEEDED "--form=eager --isa=ref");
  assert_int_equal(want.rank, 4);
  assert_memory_equal(want.dims, ((const int64_t[]){2, 8, 7, 9}), 4 * sizeof(int64_t));
  static const char *const same[] = {RUN_SEEDED, RUN_SEEDED "--form=branches",
                                     RUN_SEEDED "--threads=2", RUN_SEEDED "--form=eager -t 1",
                                     RUN_SEEDED "--isa=ref"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    test_case("%s", same[i]);
    onefold_array y = run_quietly(&p, same[i]);
    expect_close(&y, &want, 1e-5);
    onefold_array_release(p.context, &y);
  }
  static const char *const others[] = {"--model=repvgg --set out_channels=8 --seed=6",
                                       RUN_SEEDED "--prefix=other.",
                                       RUN_SEEDED "--set activation=none"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    test_case("%s", others[i]);
    onefold_array y = run_quietly(&p, others[i]);
    assert_int_equal(run_count(&y), run_count(&want));
    assert_true(test_first_difference(y.values, want.values, run_count(&y)) < run_count(&y));
    onefold_array_release(p.context, &y);
  }
  onefold_array_release(p.context, &want);

  // One image without its dimension of batches.
  run_input(&p, 4, (const int64_t[]){1, 8, 5, 6});
  want = run_quietly(&p, RUN_SEEDED "--set stride=2");
  run_input(&p, 3, (const int64_t[]){8, 5, 6});
  onefold_array y = run_quietly(&p, RUN_SEEDED "--set stride=2");
  expect_close(&y, &want, 0);
  assert_memory_equal(y.dims, ((const int64_t[]){1, 8, 3, 3}), 4 * sizeof(int64_t));
  onefold_array_release(p.context, &y);
  onefold_array_release(p.context, &want);
  run_place_free(&p);
}

static void test_verbose(void **state) {
  (void)state;
  run_place p = run_place_make();
  run_input(&p, 4, (const int64_t[]){1, 8, 5, 5});
  static const struct {
    const char *arguments, *says, *says_not;
  } cases[] = {{RUN_SEEDED "--verbose", "-> 1, parameters", "inexact"},
               {RUN_SEEDED "-v --form=branches", "nodes 2 -> 1", "nodes 5"},
               {RUN_SEEDED "-v --form=eager", "batch_norm", "parameters"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char line[1024];
    test_run run = run_program(&p, cases[i].arguments, line);
    test_exits(&run, line, 0);
    if (!strstr(run.out, cases[i].says) || strstr(run.out, cases[i].says_not))
      fail_msg("onefold %s:\n%s", line, run.out);
    assert_string_equal(run.err, "");
    test_run_free(&run);
  }
  run_place_free(&p);
}

/// A block with a second input; run_program adds x.npy as the last --input.
static void test_two_inputs(void **state) {
  (void)state;
  run_place p = run_place_make();
  test_file_path first;
  char line[1024];
  test_file(&p.directory, "first.npy", first);
  run_array(&p, first, 4, (const int64_t[]){2, 16, 6, 8});
  run_input(&p, 4, (const int64_t[]){2, 8, 3, 4});
  onefold_array want = {0};
  static const char *const forms[] = {"eager", "branches", "folded"};
  for (size_t i = 0; i < 3; i++) {
    snprintf(line, sizeof line, RUN_ROUTED "--form=%s --input=%s", forms[i], first);
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
  run_place_free(&p);
}

/// A network of several outputs on two images, in every form.
static void test_network(void **state) {
  (void)state;
  run_place p = run_place_make();
  test_file_path more[2];
  char line[1024];
  test_file(&p.directory, "y1.npy", more[0]);
  test_file(&p.directory, "y2.npy", more[1]);
  run_input(&p, 4, (const int64_t[]){2, 3, 64, 32});
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
  run_place_free(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_golden),  cmocka_unit_test(test_seeds),
      cmocka_unit_test(test_verbose), cmocka_unit_test(test_two_inputs),
      cmocka_unit_test(test_network),
  };
  return cmocka_run_group_tests_name("cli_run", tests, NULL, NULL);
}
