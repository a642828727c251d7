// SPDX-License-Identifier: BSD-3-Clause
// Families of blocks in checkpoints: which tensors a block has, and what their shapes tell.
#ifndef ONEFOLD_MODELS_FAMILY_H
#define ONEFOLD_MODELS_FAMILY_H

#include "models/safetensors.h"

#include <onefold/checkpoint.h>

/// When a key is there.
typedef enum onefold_key_need {
  ONEFOLD_KEY_ALWAYS,
  ONEFOLD_KEY_IDENTITY, // where the block has an identity branch; then I = O
  ONEFOLD_KEY_WIDE,     // where the kernel is larger than 1x1, and only there
  ONEFOLD_KEY_DENSE,    // where the groups are fewer than the output channels, and only there
  ONEFOLD_KEY_BUFFER,   // or not: a constant of the block
  ONEFOLD_KEY_BESIDE    // always, but of the convolution before: the block's graph has it, and it
                        // stays as it is
} onefold_key_need;

typedef struct onefold_family_key {
  const char *name, *shape; // see family_list.def
  onefold_key_need need;
  int32_t norm; // a batch norm
} onefold_family_key;

typedef struct onefold_family {
  const char *name, *block;
  int64_t kernel;
  size_t marks;
  const char *deploy, *deploy_shape, *note;
  const onefold_family_key *keys; // a row without a name ends them
} onefold_family;

/// NULL past the last.
const onefold_family *onefold_family_at(size_t index);

#define ONEFOLD_REASON 512

/// A block found in a file.
typedef struct onefold_match {
  const onefold_family *family;
  char *prefix;
  double bn_epsilon; // the family's
  onefold_checkpoint_state state;
  char reason[ONEFOLD_REASON]; // why it is UNKNOWN or was not folded
  int64_t sizes['Z' + 1];      // by the letters of the shapes; 0 where not known
  int64_t groups, repeats;     // `repeats`: how many numbers '#' stands for
  int32_t identity;
  size_t first;   // number of the first tensor in the file that is not a counter
  size_t tensors; // of the file that belong to it
  double least_variance;
} onefold_match;

/// What is in a file. `owner[i]` is the match that tensor i belongs to, or -1.
typedef struct onefold_scan {
  onefold_context *context;
  const onefold_safetensors *file;
  onefold_match *matches; // in the order of `first`
  int32_t count, capacity;
  int32_t *owner;
} onefold_scan;

/// Finds every block of a file. Errors: OUT_OF_MEMORY. Clear it in any case.
onefold_status onefold_scan_file(onefold_context *context, const onefold_safetensors *file,
                                 onefold_scan *scan);
void onefold_scan_clear(onefold_scan *scan);

/// Fits the match's family at its prefix: takes the tensors that belong to it, fills everything
/// but `first`, and sets state and reason. Zero where it is not that family at all; then it takes
/// none.
int onefold_family_fit(const onefold_scan *scan, int32_t number, onefold_match *match);

/// The tensor <prefix><name><suffix>, or NULL.
const onefold_tensor *onefold_scan_find(const onefold_scan *scan, const char *prefix,
                                        const char *name, const char *suffix);

#endif
