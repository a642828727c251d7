// SPDX-License-Identifier: BSD-3-Clause
// Finding the blocks of a checkpoint: every place where a family's first tensor is, and every
// convolution of a deploy form.
#include "models/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ends_with(const char *name, const char *suffix) {
  const size_t length = strlen(name), end = strlen(suffix);
  return length >= end && strcmp(name + length - end, suffix) == 0;
}

/// Length of the prefix where a name is <prefix><key><suffix> with '#' as 0 and <prefix> empty or
/// ending in a dot; -1 where it is not.
static int64_t prefix_length(const char *name, const char *key, const char *suffix) {
  const size_t length = strlen(name), middle = strlen(key), end = strlen(suffix);
  if (length < middle + end || strcmp(name + length - end, suffix) != 0) return -1;
  const size_t prefix = length - end - middle;
  if (prefix > 0 && name[prefix - 1] != '.') return -1;
  for (size_t i = 0; i < middle; i++)
    if (name[prefix + i] != (key[i] == '#' ? '0' : key[i])) return -1;
  return (int64_t)prefix;
}

/// Makes *match the next match, at the first `length` bytes of a name. It counts when scan->count
/// does. Errors: OUT_OF_MEMORY.
static onefold_status next_match(onefold_scan *scan, const onefold_family *family, const char *name,
                                 size_t length, onefold_match **match) {
  if (scan->count == scan->capacity) {
    const int32_t capacity = scan->capacity ? 2 * scan->capacity : 64;
    onefold_match *grown =
        onefold_allocate(scan->context, (size_t)capacity * sizeof *scan->matches);
    if (!grown) return ONEFOLD_OUT_OF_MEMORY;
    if (scan->count) memcpy(grown, scan->matches, (size_t)scan->count * sizeof *grown);
    onefold_release(scan->context, scan->matches);
    scan->matches = grown;
    scan->capacity = capacity;
  }
  onefold_block_params params;
  const onefold_status status = onefold_block_params_init(scan->context, family->block, &params);
  if (status != ONEFOLD_OK) return status;
  char *prefix = onefold_allocate(scan->context, length + 1);
  if (!prefix) return ONEFOLD_OUT_OF_MEMORY;
  memcpy(prefix, name, length);
  prefix[length] = '\0';
  *match = &scan->matches[scan->count];
  **match = (onefold_match){.family = family,
                            .prefix = prefix,
                            .bn_epsilon = params.bn_epsilon,
                            .least_variance = INFINITY};
  return ONEFOLD_OK;
}

static onefold_status find_training(onefold_scan *scan, const onefold_family *family) {
  for (size_t i = 0; i < scan->file->count; i++) {
    const char *name = scan->file->tensors[i].name;
    const int64_t length = scan->owner[i] < 0 ? prefix_length(name, family->keys->name, "") : -1;
    if (length < 0) continue;
    onefold_match *match;
    const onefold_status status = next_match(scan, family, name, (size_t)length, &match);
    if (status != ONEFOLD_OK) return status;
    if (onefold_family_fit(scan, scan->count, match))
      scan->count++;
    else
      onefold_release(scan->context, match->prefix);
  }
  return ONEFOLD_OK;
}

/// Whether the two tensors are a convolution of the family's deploy form; fills the sizes.
static int is_deploy(onefold_match *match, const onefold_tensor *weight,
                     const onefold_tensor *bias) {
  const int64_t *dims = weight->dims;
  if (weight->rank != 4 || bias->rank != 1 || bias->dims[0] != dims[0] || dims[2] != dims[3])
    return 0;
  const int depthwise = strcmp(match->family->deploy_shape, "O 1 K K") == 0;
  if (depthwise && dims[1] != 1) return 0;
  match->groups = depthwise ? dims[0] : 1;
  match->sizes['O'] = dims[0];
  match->sizes['I'] = match->groups * dims[1];
  match->sizes['K'] = dims[2];
  match->state = ONEFOLD_CHECKPOINT_FOLDED;
  return 1;
}

static onefold_status find_folded(onefold_scan *scan, const onefold_family *family) {
  if (family->marks > 0) return ONEFOLD_OK;
  const onefold_safetensors *file = scan->file;
  for (size_t i = 0; i < file->count; i++) {
    const onefold_tensor *weight = &file->tensors[i];
    const int64_t length =
        scan->owner[i] < 0 ? prefix_length(weight->name, family->deploy, ".weight") : -1;
    if (length < 0) continue;
    onefold_match *match;
    const onefold_status status = next_match(scan, family, weight->name, (size_t)length, &match);
    if (status != ONEFOLD_OK) return status;
    const onefold_tensor *bias = onefold_scan_find(scan, match->prefix, family->deploy, ".bias");
    if (bias && scan->owner[bias - file->tensors] < 0 && is_deploy(match, weight, bias))
      scan->owner[i] = scan->owner[bias - file->tensors] = scan->count++;
    else
      onefold_release(scan->context, match->prefix);
  }
  return ONEFOLD_OK;
}

static double least(const onefold_safetensors *file, const onefold_tensor *tensor) {
  const unsigned char *bytes = onefold_safetensors_bytes(file, tensor);
  size_t count = (tensor->end - tensor->begin) / tensor->dtype->bytes;
  float smallest = INFINITY, values[256];
  while (count > 0) {
    const size_t n = count < 256 ? count : 256;
    tensor->dtype->convert(bytes, n, values);
    for (size_t i = 0; i < n; i++) smallest = fminf(smallest, values[i]);
    bytes += n * tensor->dtype->bytes;
    count -= n;
  }
  return (double)smallest;
}

static void summarise(onefold_scan *scan) {
  for (int32_t i = 0; i < scan->count; i++) scan->matches[i].first = scan->file->count;
  for (size_t i = 0; i < scan->file->count; i++) {
    if (scan->owner[i] < 0) continue;
    const onefold_tensor *tensor = &scan->file->tensors[i];
    onefold_match *match = &scan->matches[scan->owner[i]];
    match->tensors++;
    if (match->first == scan->file->count && !ends_with(tensor->name, ".num_batches_tracked"))
      match->first = i;
    if (match->state == ONEFOLD_CHECKPOINT_TRAINING && ends_with(tensor->name, ".running_var"))
      match->least_variance = fmin(match->least_variance, least(scan->file, tensor));
  }
}

static int by_first(const void *a, const void *b) {
  const onefold_match *x = a, *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

/// Puts the matches in the order of their first tensors.
static onefold_status sort(onefold_scan *scan) {
  if (scan->count == 0) return ONEFOLD_OK;
  int32_t *place = onefold_allocate(scan->context, (size_t)scan->count * sizeof *place);
  if (!place) return ONEFOLD_OUT_OF_MEMORY;
  qsort(scan->matches, (size_t)scan->count, sizeof *scan->matches, by_first);
  for (int32_t i = 0; i < scan->count; i++) place[scan->owner[scan->matches[i].first]] = i;
  for (size_t i = 0; i < scan->file->count; i++)
    if (scan->owner[i] >= 0) scan->owner[i] = place[scan->owner[i]];
  onefold_release(scan->context, place);
  return ONEFOLD_OK;
}

onefold_status onefold_scan_file(onefold_context *context, const onefold_safetensors *file,
                                 onefold_scan *scan) {
  *scan = (onefold_scan){.context = context, .file = file};
  scan->owner = onefold_allocate(context, file->count * sizeof *scan->owner);
  onefold_status status = scan->owner ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  for (size_t i = 0; i < file->count && scan->owner; i++) scan->owner[i] = -1;
  const onefold_family *family;
  for (size_t i = 0; status == ONEFOLD_OK && (family = onefold_family_at(i)); i++)
    status = find_training(scan, family);
  for (size_t i = 0; status == ONEFOLD_OK && (family = onefold_family_at(i)); i++)
    status = find_folded(scan, family);
  if (status == ONEFOLD_OK) {
    summarise(scan);
    status = sort(scan);
  }
  if (status == ONEFOLD_OUT_OF_MEMORY)
    onefold_fail(context, status, "no memory for the blocks of %zu tensors", file->count);
  return status;
}

void onefold_scan_clear(onefold_scan *scan) {
  for (int32_t i = 0; i < scan->count; i++) onefold_release(scan->context, scan->matches[i].prefix);
  onefold_release(scan->context, scan->matches);
  onefold_release(scan->context, scan->owner);
  *scan = (onefold_scan){0};
}
