// SPDX-License-Identifier: BSD-3-Clause
// onefold run between two files of a directory.
#include "tests/run_support.h"

#include <stdio.h>
#include <stdlib.h>

run_place run_place_make(void) {
  run_place p = {.context = test_context(ONEFOLD_ISA_REF, 1)};
  test_directory_make(&p.directory);
  test_file(&p.directory, "x.npy", p.x);
  test_file(&p.directory, "y.npy", p.y);
  return p;
}

void run_place_free(run_place *p) {
  test_directory_remove(&p->directory);
  onefold_context_destroy(p->context);
}

test_run run_program(const run_place *p, const char *arguments, char line[1024]) {
  snprintf(line, 1024, "run %s --input=%s --output=%s", arguments, p->x, p->y);
  return test_program(line);
}

size_t run_count(const onefold_array *array) {
  size_t count = 1;
  for (int32_t i = 0; i < array->rank; i++) count *= (size_t)array->dims[i];
  return count;
}

void run_array(const run_place *p, const char *path, int32_t rank, const int64_t *dims) {
  test_rng rng = {7};
  onefold_array x = {.rank = rank};
  for (int32_t i = 0; i < rank; i++) x.dims[i] = dims[i];
  const size_t count = run_count(&x);
  x.values = malloc(count * sizeof *x.values);
  assert_non_null(x.values);
  test_fill_uniform(&rng, x.values, count);
  test_ok(p->context, onefold_array_write(p->context, path, &x));
  free(x.values);
}

void run_input(const run_place *p, int32_t rank, const int64_t *dims) {
  run_array(p, p->x, rank, dims);
}
