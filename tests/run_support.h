// SPDX-License-Identifier: BSD-3-Clause
// onefold run between two files of a directory.
#ifndef ONEFOLD_TESTS_RUN_SUPPORT_H
#define ONEFOLD_TESTS_RUN_SUPPORT_H

#include "tests/cli_support.h"
#include "tests/file_support.h"

#include <onefold/onefold.h>

/// Blocks of generated weights: one of 8 channels, and one with a second input.
#define RUN_SEEDED "--model=repvgg --set out_channels=8 --seed=5 "
#define RUN_ROUTED "--model=mpc_n --set out_channels=24 --seed=3 "

/// A directory with the files x.npy and y.npy, and a context to read and write them with.
typedef struct run_place {
  onefold_context *context;
  test_directory directory;
  test_file_path x, y;
} run_place;
run_place run_place_make(void);
void run_place_free(run_place *p);

/// Runs `onefold run` with the arguments, the input x.npy and the output y.npy, as in `line`.
test_run run_program(const run_place *p, const char *arguments, char line[1024]);

/// Values of an array.
size_t run_count(const onefold_array *array);

/// Writes an array of values in [-1, 1); run_input as x.npy.
void run_array(const run_place *p, const char *path, int32_t rank, const int64_t *dims);
void run_input(const run_place *p, int32_t rank, const int64_t *dims);

#endif
