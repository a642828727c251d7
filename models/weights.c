// SPDX-License-Identifier: BSD-3-Clause
// Sources of weights: the checks that every source shares.
#include "models/weights.h"

#include <stdio.h>
#include <string.h>

onefold_status onefold_weights_make(onefold_context *context, const onefold_weights_type *type,
                                    void *state, onefold_weights **weights) {
  *weights = onefold_allocate(context, sizeof **weights);
  if (!*weights)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for a source of weights");
  **weights = (onefold_weights){type, context, state};
  return ONEFOLD_OK;
}

void onefold_weights_close(onefold_weights *weights) {
  if (!weights) return;
  weights->type->close(weights);
  onefold_release(weights->context, weights);
}

void onefold_weights_print_shape(const int64_t *dims, int32_t rank, char *text, size_t size) {
  size_t used = 0;
  snprintf(text, size, "scalar");
  for (int32_t i = 0; i < rank && used < size; i++) {
    const int n = snprintf(text + used, size - used, i ? "x%lld" : "%lld", (long long)dims[i]);
    used += n > 0 ? (size_t)n : 0;
  }
}

onefold_status onefold_weights_shape(const onefold_weights *weights, const char *name,
                                     int64_t dims[8], int32_t *rank) {
  if (!weights || !name || !dims || !rank)
    return onefold_fail(weights ? weights->context : NULL, ONEFOLD_INVALID_ARGUMENT,
                        "weights, name, dims or rank is NULL");
  return weights->type->shape(weights, name, dims, rank);
}

onefold_status onefold_weights_read(const onefold_weights *weights, const char *name,
                                    const int64_t *dims, int32_t rank, float *values) {
  if (!weights || !name || !values || (rank > 0 && !dims))
    return onefold_fail(weights ? weights->context : NULL, ONEFOLD_INVALID_ARGUMENT,
                        "weights, name, dims or values is NULL");
  if (rank < 0 || rank > ONEFOLD_MAX_RANK)
    return onefold_fail(weights->context, ONEFOLD_INVALID_ARGUMENT, "rank %d of '%s'", (int)rank,
                        name);
  size_t count = 1, bytes;
  for (int32_t i = 0; i < rank; i++)
    if (dims[i] < 0 || !onefold_mul(count, (size_t)dims[i], &count))
      return onefold_fail(weights->context, ONEFOLD_OVERFLOW, "dimension %d of '%s' is %lld",
                          (int)i, name, (long long)dims[i]);
  if (!onefold_mul(count, sizeof(double), &bytes))
    return onefold_fail(weights->context, ONEFOLD_OVERFLOW, "'%s' has %zu elements", name, count);
  return weights->type->read(weights, name, dims, rank, count, values);
}

void onefold_weights_visit(const onefold_weights *weights, onefold_weights_visit_fn visit,
                           void *user) {
  if (weights && visit && weights->type->visit) weights->type->visit(weights, visit, user);
}

const char *onefold_weights_metadata(const onefold_weights *weights, const char *key) {
  if (!weights || !key || !weights->type->metadata) return NULL;
  return weights->type->metadata(weights, key);
}
