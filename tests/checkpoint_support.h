// SPDX-License-Identifier: BSD-3-Clause
// Checkpoints made for tests: the tensors that a builder asks for, and others, as a file.
#ifndef ONEFOLD_TESTS_CHECKPOINT_SUPPORT_H
#define ONEFOLD_TESTS_CHECKPOINT_SUPPORT_H

#include "tests/file_support.h"
#include "tests/support.h"

#include <onefold/onefold.h>

#define TEST_MAX_TENSORS 2048

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

/// The same for a network, which is returned.
onefold_graph *test_checkpoint_network(onefold_context *context, test_checkpoint *checkpoint,
                                       const char *network, onefold_shape input);

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

/// A block of a family, and what its place in a checkpoint should be called.
typedef struct test_family {
  const char *family, *block, *params, *deploy;
  int64_t in, out, kernel, groups; // as they are recognised
  int deploy_is_told;              // the deploy form is recognised
} test_family;

/// What the callbacks saw.
typedef struct test_seen {
  int blocks, rest, regions;
  onefold_checkpoint_block block; // the last
  onefold_fold_region region;
  char prefix[64], family[64], reason[512];
} test_seen;

/// Options whose callbacks write to *s, which is cleared.
onefold_checkpoint_options test_options_for(test_seen *s);
/// The number of blocks of each state, for the callback onefold_checkpoint_options.block; the user
/// pointer is an int[3].
void test_count_states(void *user, const onefold_checkpoint_block *block);

/// A directory and the files that most tests need.
typedef struct test_place {
  onefold_context *context;
  test_directory directory;
  test_file_path in, out, again;
  test_checkpoint checkpoint;
} test_place;

test_place *test_place_make(void);
void test_place_remove(test_place *p);
onefold_weights *test_place_open(test_place *p, const char *path);

/// Appends tensors that belong to no block, of element types that must be copied as they are.
void test_checkpoint_others(test_checkpoint *checkpoint);
#define TEST_OTHERS 6

void test_expect_same_file(const onefold_weights *a, const onefold_weights *b);
/// Asserts that `out` has the deploy form's tensors, as folding the block alone gives them. Epsilon
/// is the block's own where it is negative.
void test_expect_deploy(test_place *p, const test_family *c, const char *prefix, double epsilon,
                        const onefold_weights *out);
/// How many tensors both files have; asserts that these are the same to the bit, and that those of
/// `out` are at aligned places.
int test_count_copied(const onefold_weights *in, const onefold_weights *out);

#endif
