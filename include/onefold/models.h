// SPDX-License-Identifier: BSD-3-Clause
// Builders: blocks that write their training-time graph down, and the sources
// that their weights come from.
#ifndef ONEFOLD_MODELS_H
#define ONEFOLD_MODELS_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/graph.h>
#include <onefold/status.h>

ONEFOLD_BEGIN

/// A source of weights by name: a checkpoint file or a seeded generator.
typedef struct onefold_weights onefold_weights;

/// Opens a safetensors file (mapped, every offset checked against the file's
/// length). F32, F16, BF16 and F64 are accepted and converted. Errors: IO,
/// FORMAT, UNSUPPORTED, OUT_OF_MEMORY, with the tensor's name and the value.
ONEFOLD_API onefold_status onefold_weights_open(onefold_context *context, const char *path,
                                                onefold_weights **weights);

/// A generator: any name is found, its values depend on the seed and the name
/// alone. Convolutions are variance-preserving; BN has gamma of both signs,
/// beta and mean that are not zero, variance in [0.5, 1.5].
ONEFOLD_API onefold_status onefold_weights_seeded(onefold_context *context, uint64_t seed,
                                                  onefold_weights **weights);
ONEFOLD_API void onefold_weights_close(onefold_weights *weights);

/// Size and dimensions of a tensor of a file. Errors: NOT_FOUND;
/// UNSUPPORTED for a generator.
ONEFOLD_API onefold_status onefold_weights_shape(const onefold_weights *weights, const char *name,
                                                 int64_t dims[8], int32_t *rank);

/// Copies a tensor as float32. `dims`/`rank` are what the caller expects.
/// Errors: NOT_FOUND, SHAPE_MISMATCH (with both shapes).
ONEFOLD_API onefold_status onefold_weights_read(const onefold_weights *weights, const char *name,
                                                const int64_t *dims, int32_t rank, float *values);

/// Calls `visit` for each tensor of a file, in the file's order.
typedef void (*onefold_weights_visit_fn)(void *user, const char *name, const char *dtype,
                                         const int64_t *dims, int32_t rank);
ONEFOLD_API void onefold_weights_visit(const onefold_weights *weights,
                                       onefold_weights_visit_fn visit, void *user);

/// What a block is asked for. Start from onefold_block_params_init.
typedef struct onefold_block_params {
  size_t struct_size;
  onefold_shape input; // n, c, h, w
  int64_t out_channels;
  int64_t kernel; // where the block allows a choice
  int64_t stride, dilation, groups;
  onefold_activation activation;
  float activation_param;
  double bn_epsilon;  // not stored in checkpoints: the family's default unless set
  int64_t se_hidden;  // 0: no squeeze-and-excitation
  const char *prefix; // of the weight names, for example "stage1.0."; "" for none
} onefold_block_params;

/// Sets the defaults of the named block (activation, epsilon, kernel).
/// Errors: NOT_FOUND with the names that exist.
ONEFOLD_API onefold_status onefold_block_params_init(onefold_context *context, const char *block,
                                                     onefold_block_params *params);

/// Builds the training-time graph of a block. Errors: NOT_FOUND (block or
/// weight), INVALID_ARGUMENT, SHAPE_MISMATCH, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_block_build(onefold_context *context, const char *block,
                                               const onefold_block_params *params,
                                               const onefold_weights *weights,
                                               onefold_graph **graph);

/// The blocks that exist: "repvgg", ...; NULL past the last. Thread-safe.
ONEFOLD_API const char *onefold_block_name(size_t index);
/// One line that says what the named block is, with its paper. NULL if unknown.
ONEFOLD_API const char *onefold_block_summary(const char *block);

ONEFOLD_END

#endif
