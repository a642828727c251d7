// SPDX-License-Identifier: BSD-3-Clause
// Packed weights: what they are packed for, and packing.
#ifndef ONEFOLD_OPS_CONV_PACK_H
#define ONEFOLD_OPS_CONV_PACK_H

#include "ops/conv_format.h"

/// What weights are packed for: those of a plan and of the weights that it runs are the same.
typedef struct onefold_pack_key {
  int64_t value[8]; // named in conv_pack.c
} onefold_pack_key;

struct onefold_conv2d_packed {
  const onefold_context *context;
  onefold_pack_key key;
  float *weight;
  float *bias;           // [out_blocks*v], zero past O; NULL where there is none
  float *residual_scale; // the same
  int borrowed;          // all three are another's
};

/// Is all of it the same? One comparison of everything, for those who run short layers.
static inline int onefold_pack_keys_same(const onefold_pack_key *a, const onefold_pack_key *b) {
  int64_t different = 0;
  for (size_t i = 0; i < sizeof a->value / sizeof a->value[0]; i++) {
    different |= a->value[i] ^ b->value[i];
  }
  return different == 0;
}

/// What the weights of a problem are packed for.
onefold_pack_key onefold_conv_pack_key(const onefold_conv_problem *problem,
                                       onefold_pack_format format);

/// ONEFOLD_SHAPE_MISMATCH where the weights were packed for something else.
onefold_status onefold_conv_check_packed(const onefold_conv2d_plan *plan,
                                         const onefold_conv2d_packed *packed);

/// Weights that were packed before, 64-byte aligned and of the lengths that packing gives them;
/// they stay where they are. Errors: OUT_OF_MEMORY; SHAPE_MISMATCH where `key` is not the plan's.
onefold_status onefold_conv_borrow_packed(const onefold_conv2d_plan *plan,
                                          const onefold_pack_key *key, const float *weight,
                                          const float *bias, const float *residual_scale,
                                          onefold_conv2d_packed **packed);

#endif
