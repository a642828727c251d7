// SPDX-License-Identifier: BSD-3-Clause
// Checkpoints made for tests: the tensors that a builder asks for, and others, as a file.
#ifndef ONEFOLD_TESTS_CHECKPOINT_SUPPORT_H
#define ONEFOLD_TESTS_CHECKPOINT_SUPPORT_H

#include "tests/support.h"

#include <onefold/onefold.h>

#define TEST_MAX_TENSORS 1024

typedef struct test_tensor {
  char name[128];
  const char *dtype;
  int64_t dims[8];
  int32_t rank;
  size_t bytes;
  void *data;
} test_tensor;

typedef struct test_checkpoint {
  test_tensor tensors[TEST_MAX_TENSORS];
  size_t count;
} test_checkpoint;

/// Appends a tensor of whole bytes, which are copied.
void test_checkpoint_add(test_checkpoint *checkpoint, const char *name, const char *dtype,
                         const int64_t *dims, int32_t rank, const void *data, size_t bytes);

/// Appends every tensor that the builder of a block asks for, with seeded values as float32, and
/// a counter of type I64 for each batch normalisation. `text` is for onefold_block_params_set.
void test_checkpoint_block(onefold_context *context, test_checkpoint *checkpoint, const char *block,
                           const char *text, const char *prefix);

/// The tensor of that name, or NULL.
test_tensor *test_checkpoint_find(test_checkpoint *checkpoint, const char *name);
/// Removes a tensor, which must be there.
void test_checkpoint_drop(test_checkpoint *checkpoint, const char *name);
/// Converts every float32 tensor to F16, BF16 or F64, rounding towards zero.
void test_checkpoint_convert(test_checkpoint *checkpoint, const char *dtype);

/// Writes a file with the metadata {"made": "by a test"}.
void test_checkpoint_write(onefold_context *context, const test_checkpoint *checkpoint,
                           const char *path);
void test_checkpoint_clear(test_checkpoint *checkpoint);

#endif
