// SPDX-License-Identifier: BSD-3-Clause
// Folding whole checkpoints: training-form safetensors in, deploy-form out; and arrays in .npy
// files.
#ifndef ONEFOLD_CHECKPOINT_H
#define ONEFOLD_CHECKPOINT_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/fold.h>
#include <onefold/models.h>
#include <onefold/status.h>

ONEFOLD_BEGIN

/// What a part of a checkpoint is.
typedef enum onefold_checkpoint_state {
  ONEFOLD_CHECKPOINT_TRAINING = 0, // a re-parameterised block in its training form
  ONEFOLD_CHECKPOINT_FOLDED = 1,   // one in its deploy form
  ONEFOLD_CHECKPOINT_UNKNOWN = 2   // has the marks of a family, but its tensors do not fit
} onefold_checkpoint_state;

/// A block that was recognised by its tensors' names and shapes. All pointers are valid during
/// the callback.
typedef struct onefold_checkpoint_block {
  const char *prefix; // "stage1.0.", "model.102."
  const char *family; // "RepVGG", "YOLOv7 RepConv", "OREPA", ...
  const char *block;  // for onefold_block_build
  onefold_checkpoint_state state;
  const char *reason; // why it is unknown or was not folded; "" otherwise
  const char *note;   // what the tensors of its family cannot tell; "" where there is nothing
  /// Where no tensor tells the groups of a training form, one group with the input channels of
  /// one: the kernel is the same. 0 where it is unknown.
  int64_t in_channels, out_channels, kernel, groups;
  double bn_epsilon, family_epsilon; // the one in use and the family's default
  /// The smallest variance of its batch normalisations: where it is not far above epsilon, the
  /// result depends on epsilon. Infinite unless it is in its training form.
  double least_variance;
  size_t tensors;    // of the file that belong to it
  const char *dtype; // of the first of them; folded tensors are F32
  /// The region that became the deploy form's convolution, its multiply-adds per pixel of the
  /// result, and the largest errors of all regions that were folded on the way to it; NULL before
  /// folding and where it was not folded.
  const onefold_fold_region *region;
} onefold_checkpoint_block;
typedef void (*onefold_checkpoint_block_fn)(void *user, const onefold_checkpoint_block *block);

/// A tensor that belongs to no block.
typedef void (*onefold_checkpoint_rest_fn)(void *user, const char *name, const char *dtype,
                                           const int64_t *dims, int32_t rank);

typedef struct onefold_checkpoint_options {
  size_t struct_size;
  double bn_epsilon; // negative: each family's default
  /// Non-zero: runs both forms of each region of a block on random data; an error above
  /// `check_limit` of the largest value, or forms that could not be run, make
  /// onefold_checkpoint_fold fail with REFUSED, and nothing is written.
  int32_t check;
  double check_limit;
  onefold_checkpoint_block_fn block; // once per block, in the file's order; NULL for none
  onefold_checkpoint_rest_fn rest;   // once per other tensor; NULL for none
  void *user;
} onefold_checkpoint_options;

/// Epsilon by family, no check, with a limit of 1e-4 (an ill-placed weight gives 1e-2 and more), no
/// callbacks.
ONEFOLD_API void onefold_checkpoint_options_init(onefold_checkpoint_options *options);

/// Calls back for what is in a file that onefold_weights_open opened.
ONEFOLD_API onefold_status onefold_checkpoint_visit(onefold_context *context,
                                                    const onefold_weights *weights,
                                                    const onefold_checkpoint_options *options);

/// Folds every block of `in` that can be folded and writes the result, with all other tensors as
/// they are, to the file `out` (by way of a temporary file beside it, which is renamed, so that
/// `out` may be the file of `in`). The names are those that the family's own deploy form loads,
/// the element type of folded tensors is F32, and the metadata get an entry "onefold". A file
/// without a block to fold is copied byte for byte. `out` NULL: writes nothing.
/// Errors: IO, FORMAT, UNSUPPORTED, REFUSED, OUT_OF_MEMORY, INVALID_ARGUMENT.
ONEFOLD_API onefold_status onefold_checkpoint_fold(onefold_context *context,
                                                   const onefold_weights *in, const char *out,
                                                   const onefold_checkpoint_options *options);

/// A dense float32 array in C order.
typedef struct onefold_array {
  int64_t dims[8];
  int32_t rank;
  float *values;
} onefold_array;

/// Reads a .npy file of float32 ('<f4') in C order; all else is refused with its name. Release
/// the array. Errors: IO, FORMAT, UNSUPPORTED, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_array_read(onefold_context *context, const char *path,
                                              onefold_array *array);
/// Writes a .npy file, by way of a temporary file. Errors: IO, INVALID_ARGUMENT.
ONEFOLD_API onefold_status onefold_array_write(onefold_context *context, const char *path,
                                               const onefold_array *array);
ONEFOLD_API void onefold_array_release(onefold_context *context, onefold_array *array);

ONEFOLD_END

#endif
