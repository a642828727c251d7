// SPDX-License-Identifier: BSD-3-Clause
// Checkpoints made for tests.
#include "tests/checkpoint_support.h"

#include "models/safetensors_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_checkpoint_add(test_checkpoint *checkpoint, const char *name, const char *dtype,
                         const int64_t *dims, int32_t rank, const void *data, size_t bytes) {
  assert_true(checkpoint->count < TEST_MAX_TENSORS &&
              strlen(name) < sizeof(((test_tensor *)0)->name));
  test_tensor *t = &checkpoint->tensors[checkpoint->count++];
  *t = (test_tensor){.dtype = dtype, .rank = rank, .bytes = bytes};
  snprintf(t->name, sizeof t->name, "%s", name);
  for (int32_t i = 0; i < rank; i++) t->dims[i] = dims[i];
  t->data = malloc(bytes + 1);
  assert_non_null(t->data);
  if (bytes) memcpy(t->data, data, bytes);
}

// ---------------------------------------------------- what a builder asks for

typedef struct recorder {
  test_checkpoint *checkpoint;
  onefold_weights *values;
} recorder;

static onefold_status recorder_shape(const onefold_weights *weights, const char *name,
                                     int64_t dims[8], int32_t *rank) {
  const recorder *r = weights->state;
  return onefold_weights_shape(r->values, name, dims, rank);
}

static onefold_status recorder_read(const onefold_weights *weights, const char *name,
                                    const int64_t *dims, int32_t rank, size_t count,
                                    float *values) {
  const recorder *r = weights->state;
  const onefold_status status = onefold_weights_read(r->values, name, dims, rank, values);
  if (status != ONEFOLD_OK || test_checkpoint_find(r->checkpoint, name)) return status;
  test_checkpoint_add(r->checkpoint, name, "F32", dims, rank, values, count * sizeof *values);
  char *dot = strrchr(name, '.'), counter[160];
  if (!dot || strcmp(dot, ".running_var") != 0) return status;
  snprintf(counter, sizeof counter, "%.*s.num_batches_tracked", (int)(dot - name), name);
  const int64_t batches = 1000;
  test_checkpoint_add(r->checkpoint, counter, "I64", NULL, 0, &batches, sizeof batches);
  return status;
}

static void recorder_close(onefold_weights *weights) {
  const recorder *r = weights->state;
  onefold_weights_close(r->values);
}

/// A seeded source that keeps what is read; `state` lives as long.
static onefold_weights *make_recorder(onefold_context *context, recorder *state) {
  static const onefold_weights_type type = {
      .shape = recorder_shape, .read = recorder_read, .close = recorder_close};
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 7, &state->values));
  test_ok(context, onefold_weights_make(context, &type, state, &weights));
  return weights;
}

void test_checkpoint_block(onefold_context *context, test_checkpoint *checkpoint, const char *block,
                           const char *text, const char *prefix) {
  recorder state = {.checkpoint = checkpoint};
  onefold_block_params params;
  onefold_graph *graph;
  test_ok(context, onefold_block_params_init(context, block, &params));
  test_ok(context, onefold_block_params_set(context, &params, text));
  params.prefix = prefix;
  onefold_weights *weights = make_recorder(context, &state);
  test_ok(context, onefold_block_build(context, block, &params, weights, &graph));
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
}

onefold_graph *test_checkpoint_network(onefold_context *context, test_checkpoint *checkpoint,
                                       const char *network, onefold_shape input) {
  recorder state = {.checkpoint = checkpoint};
  onefold_graph *graph;
  onefold_weights *weights = make_recorder(context, &state);
  test_ok(context, onefold_network_build(context, network, input, weights, &graph));
  onefold_weights_close(weights);
  return graph;
}

// -------------------------------------------------------------------- changes

test_tensor *test_checkpoint_find(test_checkpoint *checkpoint, const char *name) {
  for (size_t i = 0; i < checkpoint->count; i++)
    if (strcmp(checkpoint->tensors[i].name, name) == 0) return &checkpoint->tensors[i];
  return NULL;
}

void test_checkpoint_drop(test_checkpoint *checkpoint, const char *name) {
  test_tensor *t = test_checkpoint_find(checkpoint, name);
  if (!t) fail_msg("no tensor %s", name);
  free(t->data);
  *t = checkpoint->tensors[--checkpoint->count];
}

/// Sign, 5 bits of exponent, 10 of mantissa; small values become zero.
static uint16_t half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000, exponent = bits >> 23 & 0xff;
  if (exponent < 113) return (uint16_t)sign;
  assert_true(exponent < 143);
  return (uint16_t)(sign | (exponent - 112) << 10 | (bits >> 13 & 0x3ff));
}

static uint16_t brain(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)(bits >> 16);
}

void test_checkpoint_convert(test_checkpoint *checkpoint, const char *dtype) {
  const size_t size = strcmp(dtype, "F64") == 0 ? 8 : 2;
  for (size_t i = 0; i < checkpoint->count; i++) {
    test_tensor *t = &checkpoint->tensors[i];
    if (strcmp(t->dtype, "F32") != 0) continue;
    const size_t count = t->bytes / sizeof(float);
    const float *from = t->data;
    unsigned char *to = malloc(count * size + 1);
    assert_non_null(to);
    for (size_t k = 0; k < count; k++) {
      const double wide = (double)from[k];
      const uint16_t narrow = dtype[0] == 'B' ? brain(from[k]) : size == 2 ? half(from[k]) : 0;
      memcpy(to + k * size, size == 8 ? (const void *)&wide : (const void *)&narrow, size);
    }
    free(t->data);
    t->data = to;
    t->bytes = count * size;
    t->dtype = dtype;
  }
}

// ----------------------------------------------------------------------- files

void test_checkpoint_write(onefold_context *context, const test_checkpoint *checkpoint,
                           const char *path) {
  static const onefold_safetensors_text made = {"made", "by a test"};
  onefold_safetensors_entry *entries = calloc(checkpoint->count + 1, sizeof *entries);
  assert_non_null(entries);
  for (size_t i = 0; i < checkpoint->count; i++) {
    const test_tensor *t = &checkpoint->tensors[i];
    entries[i] = (onefold_safetensors_entry){
        .name = t->name, .dtype = t->dtype, .rank = t->rank, .bytes = t->bytes};
    memcpy(entries[i].dims, t->dims, sizeof t->dims);
  }
  onefold_safetensors_writer writer;
  test_ok(context, onefold_safetensors_begin(context, path, entries, checkpoint->count, NULL, &made,
                                             1, &writer));
  for (size_t i = 0; i < checkpoint->count; i++)
    test_ok(context, onefold_safetensors_append(&writer, checkpoint->tensors[i].data,
                                                checkpoint->tensors[i].bytes));
  test_ok(context, onefold_safetensors_finish(&writer));
  free(entries);
}

void test_checkpoint_clear(test_checkpoint *checkpoint) {
  for (size_t i = 0; i < checkpoint->count; i++) free(checkpoint->tensors[i].data);
  checkpoint->count = 0;
}
