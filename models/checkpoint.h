// SPDX-License-Identifier: BSD-3-Clause
// Folding one block of a checkpoint, and writing the result.
#ifndef ONEFOLD_MODELS_CHECKPOINT_H
#define ONEFOLD_MODELS_CHECKPOINT_H

#include "models/family.h"
#include "models/safetensors_write.h"

/// A folded block: the convolution of its deploy form.
typedef struct onefold_deploy {
  onefold_graph *graph; // owns the arrays
  const float *weight;  // [O][J][K][K]
  const float *bias;    // [O]; NULL for zeros
  onefold_fold_region region;
  char name[128], kind[64];
  float *ranges; // the region's channel_min and channel_max
} onefold_deploy;

/// Shape of the weight of a match's deploy form.
void onefold_deploy_dims(const onefold_match *match, int64_t dims[4]);

/// Epsilon of a match under the options.
double onefold_deploy_epsilon(const onefold_match *match,
                              const onefold_checkpoint_options *options);

/// Builds the block of a match in its training form and folds it. Where it does not become the
/// convolution of the deploy form, the match gets the reason and deploy->graph is NULL; that is no
/// error. Errors: OUT_OF_MEMORY. Release it in any case.
onefold_status onefold_deploy_make(onefold_context *context, const onefold_weights *weights,
                                   const onefold_checkpoint_options *options, onefold_match *match,
                                   onefold_deploy *deploy);
void onefold_deploy_release(const onefold_context *context, onefold_deploy *deploy);

/// A piece of the output: a tensor of the input, or the two tensors of a folded block.
typedef struct onefold_piece {
  size_t tensor;  // or the block's first one
  int32_t match;  // -1 for a tensor
  size_t element; // bytes
} onefold_piece;

typedef struct onefold_checkpoint_plan {
  const onefold_scan *scan;
  onefold_piece *pieces;
  size_t count;
  int32_t *kept; // by match: not folded
  int32_t folds; // matches that are
} onefold_checkpoint_plan;

/// A plan that folds every block in its training form. OUT_OF_MEMORY; release it in any case.
onefold_status onefold_plan_create(const onefold_scan *scan, onefold_checkpoint_plan *plan);
void onefold_plan_release(onefold_checkpoint_plan *plan);

/// Makes the pieces and counts `folds`, by `kept`.
void onefold_plan_order(onefold_checkpoint_plan *plan);

/// Begins the output: its header. Errors: those of onefold_safetensors_begin.
onefold_status onefold_plan_begin(const onefold_checkpoint_plan *plan, const char *path,
                                  onefold_safetensors_writer *writer);

/// The data of a piece.
onefold_status onefold_deploy_append(const onefold_match *match, const onefold_deploy *deploy,
                                     onefold_safetensors_writer *writer);
onefold_status onefold_tensor_append(const onefold_safetensors *file, const onefold_tensor *tensor,
                                     onefold_safetensors_writer *writer);

#endif
