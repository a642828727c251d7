// SPDX-License-Identifier: BSD-3-Clause
// A source of weights from inside: what a checkpoint file and a generator implement.
#ifndef ONEFOLD_MODELS_WEIGHTS_H
#define ONEFOLD_MODELS_WEIGHTS_H

#include "ops/context.h"

#include <onefold/models.h>

#define ONEFOLD_MAX_RANK 8

/// The functions of one kind of source; `state` is the source's own.
typedef struct onefold_weights_type {
  /// Asked before read, with dims and rank that the caller expects; fails with NOT_FOUND.
  onefold_status (*shape)(const onefold_weights *weights, const char *name,
                          int64_t dims[ONEFOLD_MAX_RANK], int32_t *rank);
  /// Copies as float32; `count` elements of the given shape.
  onefold_status (*read)(const onefold_weights *weights, const char *name, const int64_t *dims,
                         int32_t rank, size_t count, float *values);
  void (*visit)(const onefold_weights *weights, onefold_weights_visit_fn visit, void *user);
  /// A text of the file's metadata or NULL; NULL for a source without any.
  const char *(*metadata)(const onefold_weights *weights, const char *key);
  void (*close)(onefold_weights *weights);
} onefold_weights_type;

struct onefold_weights {
  const onefold_weights_type *type;
  onefold_context *context;
  void *state;
};

/// Allocates a source with its state. OUT_OF_MEMORY leaves the state to the caller.
onefold_status onefold_weights_make(onefold_context *context, const onefold_weights_type *type,
                                    void *state, onefold_weights **weights);

/// "64x3x3x3", or "scalar".
void onefold_weights_print_shape(const int64_t *dims, int32_t rank, char *text, size_t size);

#endif
