// SPDX-License-Identifier: BSD-3-Clause
// The output of a folded checkpoint: which tensors it has, in which order, and their data.
#include "models/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

onefold_status onefold_plan_create(const onefold_scan *scan, onefold_checkpoint_plan *plan) {
  *plan = (onefold_checkpoint_plan){.scan = scan};
  plan->pieces = onefold_allocate(scan->context, scan->file->count * sizeof *plan->pieces);
  plan->kept = onefold_allocate(scan->context, (size_t)scan->count * sizeof *plan->kept);
  if (!plan->pieces || !plan->kept)
    return onefold_fail(scan->context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu tensors",
                        scan->file->count);
  for (int32_t i = 0; i < scan->count; i++)
    plan->kept[i] = scan->matches[i].state != ONEFOLD_CHECKPOINT_TRAINING;
  return ONEFOLD_OK;
}

void onefold_plan_release(onefold_checkpoint_plan *plan) {
  if (!plan->scan) return;
  onefold_release(plan->scan->context, plan->pieces);
  onefold_release(plan->scan->context, plan->kept);
  *plan = (onefold_checkpoint_plan){0};
}

/// The largest elements first, so that data stay aligned; else in the order of the input.
static int by_element(const void *a, const void *b) {
  const onefold_piece *x = a, *y = b;
  if (x->element != y->element) return x->element > y->element ? -1 : 1;
  return x->tensor < y->tensor ? -1 : x->tensor > y->tensor;
}

static size_t element_size(const onefold_tensor *tensor) {
  if (tensor->dtype) return tensor->dtype->bytes;
  size_t count = 1;
  for (int32_t i = 0; i < tensor->rank; i++) count *= (size_t)tensor->dims[i];
  return count ? (tensor->end - tensor->begin) / count : 0;
}

void onefold_plan_order(onefold_checkpoint_plan *plan) {
  const onefold_scan *scan = plan->scan;
  plan->count = 0;
  plan->folds = 0;
  for (size_t i = 0; i < scan->file->count; i++) {
    const int32_t owner = scan->owner[i];
    const int folds = owner >= 0 && !plan->kept[owner];
    if (!folds)
      plan->pieces[plan->count++] = (onefold_piece){i, -1, element_size(&scan->file->tensors[i])};
    else if (scan->matches[owner].first == i)
      plan->pieces[plan->count++] = (onefold_piece){i, owner, sizeof(float)};
  }
  for (int32_t i = 0; i < scan->count; i++) plan->folds += !plan->kept[i];
  qsort(plan->pieces, plan->count, sizeof *plan->pieces, by_element);
}

/// The entry of a folded block's tensor. Returns the end of `name`.
static char *deploy_entry(const onefold_match *match, const char *suffix, int32_t rank, char *name,
                          onefold_safetensors_entry *entry) {
  *entry = (onefold_safetensors_entry){
      .name = name, .dtype = "F32", .rank = rank, .bytes = sizeof(float)};
  onefold_deploy_dims(match, entry->dims);
  for (int32_t i = 0; i < rank; i++) entry->bytes *= (size_t)entry->dims[i];
  return name + sprintf(name, "%s%s%s", match->prefix, match->family->deploy, suffix) + 1;
}

/// Returns how many entries there are. The names of folded blocks' tensors go into `names`.
static size_t make_entries(const onefold_checkpoint_plan *plan, char *names,
                           onefold_safetensors_entry *entries) {
  size_t n = 0;
  for (size_t i = 0; i < plan->count; i++) {
    const onefold_piece *piece = &plan->pieces[i];
    if (piece->match < 0) {
      const onefold_tensor *t = &plan->scan->file->tensors[piece->tensor];
      entries[n] = (onefold_safetensors_entry){
          .name = t->name, .dtype = t->dtype_name, .rank = t->rank, .bytes = t->end - t->begin};
      memcpy(entries[n++].dims, t->dims, sizeof t->dims);
      continue;
    }
    const onefold_match *match = &plan->scan->matches[piece->match];
    names = deploy_entry(match, ".weight", 4, names, &entries[n++]);
    names = deploy_entry(match, ".bias", 1, names, &entries[n++]);
  }
  return n;
}

static size_t name_bytes(const onefold_scan *scan) {
  size_t bytes = 0;
  for (int32_t i = 0; i < scan->count; i++)
    bytes += 2 * (strlen(scan->matches[i].prefix) + strlen(scan->matches[i].family->deploy) +
                  sizeof ".weight");
  return bytes;
}

onefold_status onefold_plan_begin(const onefold_checkpoint_plan *plan, const char *path,
                                  onefold_safetensors_writer *writer) {
  const onefold_scan *scan = plan->scan;
  // A block has at least two tensors, so there are no more entries than tensors.
  onefold_safetensors_entry *entries =
      onefold_allocate(scan->context, scan->file->count * sizeof *entries);
  char *names = onefold_allocate(scan->context, name_bytes(scan)), value[96];
  snprintf(value, sizeof value, "%s, %d blocks folded", onefold_version(), (int)plan->folds);
  const onefold_safetensors_text text = {"onefold", value};
  onefold_status status = ONEFOLD_OK;
  if (!entries || !names)
    status = onefold_fail(scan->context, ONEFOLD_OUT_OF_MEMORY, "%s: no memory for %zu tensors",
                          path, scan->file->count);
  else
    status =
        onefold_safetensors_begin(scan->context, path, entries, make_entries(plan, names, entries),
                                  scan->file, &text, 1, writer);
  onefold_release(scan->context, names);
  onefold_release(scan->context, entries);
  return status;
}

static onefold_status append_zeros(onefold_safetensors_writer *writer, size_t bytes) {
  static const unsigned char zeros[4096];
  onefold_status status = ONEFOLD_OK;
  for (size_t n; bytes > 0 && status == ONEFOLD_OK; bytes -= n) {
    n = bytes < sizeof zeros ? bytes : sizeof zeros;
    status = onefold_safetensors_append(writer, zeros, n);
  }
  return status;
}

onefold_status onefold_deploy_append(const onefold_match *match, const onefold_deploy *deploy,
                                     onefold_safetensors_writer *writer) {
  int64_t dims[4];
  onefold_deploy_dims(match, dims);
  const size_t channels = (size_t)dims[0] * sizeof(float);
  const onefold_status status = onefold_safetensors_append(
      writer, deploy->weight, channels * (size_t)(dims[1] * dims[2] * dims[3]));
  if (status != ONEFOLD_OK) return status;
  return deploy->bias ? onefold_safetensors_append(writer, deploy->bias, channels)
                      : append_zeros(writer, channels);
}

onefold_status onefold_tensor_append(const onefold_safetensors *file, const onefold_tensor *tensor,
                                     onefold_safetensors_writer *writer) {
  return onefold_safetensors_append(writer, onefold_safetensors_bytes(file, tensor),
                                    tensor->end - tensor->begin);
}
