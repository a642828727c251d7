// SPDX-License-Identifier: BSD-3-Clause
// Writing a safetensors file piece by piece.
#include "models/safetensors_write.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8
#define ALIGNMENT    8

/// What a sentence about a tensor begins with.
#define TENSOR "%s: tensor '%s': "

static onefold_status no_memory(const onefold_context *context, const char *path) {
  return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "%s: no memory for the header", path);
}

static onefold_status check_entry(const onefold_context *context, const char *path,
                                  const onefold_safetensors_entry *entry) {
  if (!entry->name || !*entry->name || strcmp(entry->name, ONEFOLD_SAFETENSORS_METADATA) == 0)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: no tensor can have the name '%s'",
                        path, entry->name ? entry->name : "(null)");
  if (!entry->dtype || !*entry->dtype)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, TENSOR "it has no element type", path,
                        entry->name);
  if (entry->rank < 0 || entry->rank > ONEFOLD_MAX_RANK)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, TENSOR "rank %d", path, entry->name,
                        (int)entry->rank);
  const onefold_dtype *dtype = onefold_dtype_find(entry->dtype);
  size_t bytes = dtype ? dtype->bytes : 1;
  for (int32_t i = 0; i < entry->rank; i++)
    if (entry->dims[i] < 0 || !onefold_mul(bytes, (size_t)entry->dims[i], &bytes))
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, TENSOR "dimension %d is %lld", path,
                          entry->name, (int)i, (long long)entry->dims[i]);
  if (dtype && bytes != entry->bytes)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        TENSOR "its shape takes %zu bytes of %s, not %zu", path, entry->name, bytes,
                        entry->dtype, entry->bytes);
  return ONEFOLD_OK;
}

/// Adds an entry whose data begin at *end, and moves *end behind them.
static onefold_status add_entry(const onefold_context *context, const char *path, json_t *header,
                                const onefold_safetensors_entry *entry, size_t *end) {
  onefold_status status = check_entry(context, path, entry);
  if (status != ONEFOLD_OK) return status;
  const size_t begin = *end;
  if (__builtin_add_overflow(begin, entry->bytes, end) || *end > PTRDIFF_MAX)
    return onefold_fail(context, ONEFOLD_OVERFLOW, TENSOR "%zu bytes after %zu do not fit", path,
                        entry->name, entry->bytes, begin);
  if (json_object_get(header, entry->name))
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, TENSOR "it is there twice", path,
                        entry->name);
  json_t *shape = json_array();
  int failed = !shape;
  for (int32_t i = 0; i < entry->rank; i++)
    failed |= json_array_append_new(shape, json_integer(entry->dims[i]));
  json_t *object = json_pack("{s:s, s:o, s:[I, I]}", "dtype", entry->dtype, "shape", shape,
                             "data_offsets", (json_int_t)begin, (json_int_t)*end);
  if (!object)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        TENSOR "the element type '%s' cannot be written", path, entry->name,
                        entry->dtype);
  failed |= json_object_set_new(header, entry->name, object);
  return failed ? onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, TENSOR "the name is not UTF-8",
                               path, entry->name)
                : ONEFOLD_OK;
}

/// The source's texts, then ours. Anything else in the source's metadata is not allowed there
/// and left out.
static onefold_status add_metadata(const onefold_context *context, const char *path, json_t *header,
                                   const onefold_safetensors *source,
                                   const onefold_safetensors_text *texts, size_t text_count) {
  json_t *all = json_object(), *text;
  if (!all) return no_memory(context, path);
  json_t *known = source ? json_object_get(source->json, ONEFOLD_SAFETENSORS_METADATA) : NULL;
  const char *key;
  onefold_status status = ONEFOLD_OK;
  json_object_foreach(known, key, text) {
    if (json_is_string(text) && json_object_set(all, key, text) != 0)
      status = no_memory(context, path);
  }
  for (size_t i = 0; i < text_count && status == ONEFOLD_OK; i++)
    if (json_object_set_new(all, texts[i].key, json_string(texts[i].value)) != 0)
      status = onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                            "%s: the metadata '%s' is not UTF-8 or too long", path, texts[i].key);
  if (status != ONEFOLD_OK || json_object_size(all) == 0)
    json_decref(all);
  else if (json_object_set_new(header, ONEFOLD_SAFETENSORS_METADATA, all) != 0)
    status = no_memory(context, path);
  return status;
}

/// Writes the length and the header, with blanks behind it up to the alignment.
static onefold_status write_header(const onefold_context *context, const char *path,
                                   const json_t *header, onefold_output *output) {
  char *text = json_dumps(header, JSON_COMPACT);
  if (!text) return no_memory(context, path);
  const size_t length = strlen(text), padding = (ALIGNMENT - length % ALIGNMENT) % ALIGNMENT;
  unsigned char prefix[LENGTH_BYTES];
  for (int i = 0; i < LENGTH_BYTES; i++)
    prefix[i] = (unsigned char)((uint64_t)(length + padding) >> (8 * i));
  onefold_status status = ONEFOLD_OK;
  if (length + padding > ONEFOLD_SAFETENSORS_MAX_HEADER)
    status = onefold_fail(context, ONEFOLD_OVERFLOW, "%s: a header of %zu bytes (at most %u)", path,
                          length + padding, ONEFOLD_SAFETENSORS_MAX_HEADER);
  if (status == ONEFOLD_OK) status = onefold_output_append(output, prefix, sizeof prefix);
  if (status == ONEFOLD_OK) status = onefold_output_append(output, text, length);
  if (status == ONEFOLD_OK) status = onefold_output_append(output, "       ", padding);
  free(text);
  return status;
}

onefold_status onefold_safetensors_begin(const onefold_context *context, const char *path,
                                         const onefold_safetensors_entry *entries, size_t count,
                                         const onefold_safetensors *source,
                                         const onefold_safetensors_text *texts, size_t text_count,
                                         onefold_safetensors_writer *writer) {
  *writer = (onefold_safetensors_writer){.output = {.descriptor = -1}};
  json_t *header = json_object();
  onefold_status status = header ? ONEFOLD_OK : no_memory(context, path);
  if (status == ONEFOLD_OK) status = add_metadata(context, path, header, source, texts, text_count);
  for (size_t i = 0; i < count && status == ONEFOLD_OK; i++)
    status = add_entry(context, path, header, &entries[i], &writer->expected);
  if (status == ONEFOLD_OK) status = onefold_output_begin(context, path, &writer->output);
  if (status == ONEFOLD_OK) status = write_header(context, path, header, &writer->output);
  if (status != ONEFOLD_OK) onefold_output_abort(&writer->output);
  json_decref(header);
  return status;
}

onefold_status onefold_safetensors_append(onefold_safetensors_writer *writer, const void *bytes,
                                          size_t size) {
  const onefold_output *output = &writer->output;
  if (size > writer->expected - writer->written)
    return onefold_fail(output->context, ONEFOLD_INVALID_ARGUMENT,
                        "%s: %zu bytes after %zu are more than the %zu of its tensors",
                        output->path, size, writer->written, writer->expected);
  writer->written += size;
  return onefold_output_append(&writer->output, bytes, size);
}

onefold_status onefold_safetensors_finish(onefold_safetensors_writer *writer) {
  const onefold_output *output = &writer->output;
  if (writer->written == writer->expected) return onefold_output_finish(&writer->output);
  const onefold_status status = onefold_fail(output->context, ONEFOLD_INVALID_ARGUMENT,
                                             "%s: %zu bytes of data, its tensors have %zu",
                                             output->path, writer->written, writer->expected);
  onefold_output_abort(&writer->output);
  return status;
}

void onefold_safetensors_abort(onefold_safetensors_writer *writer) {
  onefold_output_abort(&writer->output);
}
