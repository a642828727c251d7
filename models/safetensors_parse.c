// SPDX-License-Identifier: BSD-3-Clause
// Reading a safetensors header: every number is checked against the file's length.
#include "models/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8

/// What a sentence about a tensor begins with.
#define TENSOR "%s: tensor '%s': "

static int by_begin(const void *a, const void *b) {
  const onefold_tensor *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(onefold_tensor *const *)a)->name, (*(onefold_tensor *const *)b)->name);
}

static onefold_status read_shape(const onefold_context *context, const char *label,
                                 const json_t *shape, onefold_tensor *tensor, size_t *elements) {
  if (!json_is_array(shape))
    return onefold_fail(context, ONEFOLD_FORMAT, TENSOR "shape is missing or not an array", label,
                        tensor->name);
  if (json_array_size(shape) > ONEFOLD_MAX_RANK)
    return onefold_fail(context, ONEFOLD_UNSUPPORTED, TENSOR "%zu dimensions, at most %d are read",
                        label, tensor->name, json_array_size(shape), ONEFOLD_MAX_RANK);
  tensor->rank = (int32_t)json_array_size(shape);
  *elements = 1;
  for (int32_t i = 0; i < tensor->rank; i++) {
    const json_t *size = json_array_get(shape, (size_t)i);
    if (!json_is_integer(size) || json_integer_value(size) < 0)
      return onefold_fail(context, ONEFOLD_FORMAT,
                          TENSOR "dimension %d is not a whole number from 0 on", label,
                          tensor->name, (int)i);
    tensor->dims[i] = json_integer_value(size);
    if (!onefold_mul(*elements, (size_t)tensor->dims[i], elements))
      return onefold_fail(context, ONEFOLD_FORMAT, TENSOR "the number of elements overflows", label,
                          tensor->name);
  }
  return ONEFOLD_OK;
}

static onefold_status read_offsets(const onefold_context *context, const char *label,
                                   const json_t *offsets, size_t data_length,
                                   onefold_tensor *tensor) {
  const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
    return onefold_fail(context, ONEFOLD_FORMAT,
                        TENSOR "data_offsets is missing or not two whole numbers", label,
                        tensor->name);
  const json_int_t from = json_integer_value(begin), to = json_integer_value(end);
  if (from < 0 || to < from || (uint64_t)to > data_length)
    return onefold_fail(context, ONEFOLD_FORMAT,
                        TENSOR "data_offsets [%lld, %lld] do not lie in the %zu bytes of data",
                        label, tensor->name, (long long)from, (long long)to, data_length);
  tensor->begin = (size_t)from;
  tensor->end = (size_t)to;
  return ONEFOLD_OK;
}

static onefold_status read_tensor(const onefold_context *context, const char *label,
                                  const json_t *entry, size_t data_length, onefold_tensor *tensor) {
  if (!*tensor->name)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: a tensor has an empty name", label);
  if (!json_is_object(entry))
    return onefold_fail(context, ONEFOLD_FORMAT, TENSOR "its entry is not an object", label,
                        tensor->name);
  tensor->dtype_name = json_string_value(json_object_get(entry, "dtype"));
  if (!tensor->dtype_name)
    return onefold_fail(context, ONEFOLD_FORMAT, TENSOR "dtype is missing or not a text", label,
                        tensor->name);
  tensor->dtype = onefold_dtype_find(tensor->dtype_name);
  size_t elements = 0, bytes = 0;
  onefold_status status =
      read_shape(context, label, json_object_get(entry, "shape"), tensor, &elements);
  if (status == ONEFOLD_OK)
    status =
        read_offsets(context, label, json_object_get(entry, "data_offsets"), data_length, tensor);
  if (status != ONEFOLD_OK || !tensor->dtype) return status;
  if (!onefold_mul(elements, tensor->dtype->bytes, &bytes) || bytes != tensor->end - tensor->begin)
    return onefold_fail(context, ONEFOLD_FORMAT,
                        TENSOR "%zu elements of %s do not fill data_offsets [%zu, %zu]", label,
                        tensor->name, elements, tensor->dtype_name, tensor->begin, tensor->end);
  return ONEFOLD_OK;
}

/// The tensors' data must follow each other from the first byte of data to the last.
static onefold_status check_cover(const onefold_context *context, const char *label,
                                  const onefold_safetensors *file, size_t data_length) {
  size_t end = 0;
  for (size_t i = 0; i < file->count; i++) {
    const onefold_tensor *t = &file->tensors[i];
    if (t->begin < end)
      return onefold_fail(context, ONEFOLD_FORMAT,
                          TENSOR "its data begins at %zu, inside that of '%s', which ends at %zu",
                          label, t->name, t->begin, file->tensors[i - 1].name, end);
    if (t->begin > end)
      return onefold_fail(context, ONEFOLD_FORMAT,
                          TENSOR "bytes %zu to %zu of the data before it belong to no tensor",
                          label, t->name, end, t->begin);
    end = t->end;
  }
  if (end != data_length)
    return onefold_fail(context, ONEFOLD_FORMAT,
                        "%s: the tensors end at byte %zu of the data, the file at %zu", label, end,
                        data_length);
  return ONEFOLD_OK;
}

static onefold_status read_entries(const onefold_context *context, const char *label,
                                   size_t data_length, onefold_safetensors *file) {
  const size_t entries = json_object_size(file->json);
  file->tensors = onefold_allocate(context, entries * sizeof *file->tensors);
  file->by_name = onefold_allocate(context, entries * sizeof *file->by_name);
  if (!file->tensors || !file->by_name)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "%s: no memory for %zu tensors", label,
                        entries);
  const char *name;
  json_t *entry;
  json_object_foreach(file->json, name, entry) {
    if (strcmp(name, ONEFOLD_SAFETENSORS_METADATA) == 0) continue;
    onefold_tensor *tensor = &file->tensors[file->count++];
    tensor->name = name;
    onefold_status status = read_tensor(context, label, entry, data_length, tensor);
    if (status != ONEFOLD_OK) return status;
  }
  qsort(file->tensors, file->count, sizeof *file->tensors, by_begin);
  for (size_t i = 0; i < file->count; i++) file->by_name[i] = &file->tensors[i];
  qsort(file->by_name, file->count, sizeof *file->by_name, by_name);
  return check_cover(context, label, file, data_length);
}

onefold_status onefold_safetensors_parse(const onefold_context *context, const char *label,
                                         const unsigned char *bytes, size_t length,
                                         onefold_safetensors *file) {
  *file = (onefold_safetensors){0};
  if (length < LENGTH_BYTES)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: %zu bytes are too few for a safetensors file",
                        label, length);
  uint64_t header = 0;
  for (int i = 0; i < LENGTH_BYTES; i++) header |= (uint64_t)bytes[i] << (8 * i);
  if (header > length - LENGTH_BYTES || header > ONEFOLD_SAFETENSORS_MAX_HEADER)
    return onefold_fail(context, ONEFOLD_FORMAT,
                        "%s: a header of %llu bytes in a file of %zu bytes (at most %u)", label,
                        (unsigned long long)header, length, ONEFOLD_SAFETENSORS_MAX_HEADER);
  json_error_t error;
  file->json = json_loadb((const char *)bytes + LENGTH_BYTES, (size_t)header,
                          JSON_REJECT_DUPLICATES, &error);
  onefold_status status;
  if (!file->json)
    status = onefold_fail(context, ONEFOLD_FORMAT, "%s: header, byte %d: %s", label, error.position,
                          error.text);
  else if (!json_is_object((json_t *)file->json))
    status = onefold_fail(context, ONEFOLD_FORMAT, "%s: the header is not a JSON object", label);
  else
    status = read_entries(context, label, length - LENGTH_BYTES - (size_t)header, file);
  file->data = bytes + LENGTH_BYTES + (size_t)header;
  file->bytes = bytes;
  file->length = length;
  if (status != ONEFOLD_OK) onefold_safetensors_clear(context, file);
  return status;
}

void onefold_safetensors_clear(const onefold_context *context, onefold_safetensors *file) {
  json_decref(file->json);
  onefold_release(context, file->tensors);
  onefold_release(context, file->by_name);
  *file = (onefold_safetensors){0};
}

const onefold_tensor *onefold_safetensors_find(const onefold_safetensors *file, const char *name) {
  const onefold_tensor wanted = {.name = name}, *key = &wanted;
  onefold_tensor *const *found =
      bsearch(&key, file->by_name, file->count, sizeof *file->by_name, by_name);
  return found ? *found : NULL;
}

const char *onefold_safetensors_metadata(const onefold_safetensors *file, const char *key) {
  const json_t *texts = json_object_get(file->json, ONEFOLD_SAFETENSORS_METADATA);
  return json_string_value(json_object_get(texts, key));
}
