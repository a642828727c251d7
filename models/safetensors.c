// SPDX-License-Identifier: BSD-3-Clause
// A safetensors file as a source of weights. The file is mapped, and its tensors are converted
// as they are read.
#include "models/safetensors.h"

#include "models/file.h"

#include <string.h>

typedef struct mapped_file {
  onefold_mapping mapping;
  onefold_safetensors content;
} mapped_file;

static const onefold_tensor *find(const onefold_weights *weights, const char *name) {
  const mapped_file *file = weights->state;
  const onefold_tensor *tensor = onefold_safetensors_find(&file->content, name);
  if (!tensor)
    onefold_fail(weights->context, ONEFOLD_NOT_FOUND, "the checkpoint has no tensor '%s'", name);
  return tensor;
}

static onefold_status shape(const onefold_weights *weights, const char *name, int64_t dims[8],
                            int32_t *rank) {
  const onefold_tensor *tensor = find(weights, name);
  if (!tensor) return ONEFOLD_NOT_FOUND;
  memcpy(dims, tensor->dims, sizeof tensor->dims);
  *rank = tensor->rank;
  return ONEFOLD_OK;
}

static onefold_status read_tensor(const onefold_weights *weights, const char *name,
                                  const int64_t *dims, int32_t rank, size_t count, float *values) {
  const onefold_tensor *tensor = find(weights, name);
  if (!tensor) return ONEFOLD_NOT_FOUND;
  int same = tensor->rank == rank;
  for (int32_t i = 0; same && i < rank; i++) same = tensor->dims[i] == dims[i];
  if (!same) {
    char has[176], wanted[176];
    onefold_weights_print_shape(tensor->dims, tensor->rank, has, sizeof has);
    onefold_weights_print_shape(dims, rank, wanted, sizeof wanted);
    return onefold_fail(weights->context, ONEFOLD_SHAPE_MISMATCH, "'%s' is %s, %s is needed", name,
                        has, wanted);
  }
  if (!tensor->dtype || !tensor->dtype->convert)
    return onefold_fail(weights->context, ONEFOLD_UNSUPPORTED,
                        "'%s' has the element type %s; F32, F16, BF16 and F64 are read", name,
                        tensor->dtype_name);
  const mapped_file *file = weights->state;
  tensor->dtype->convert(file->content.data + tensor->begin, count, values);
  return ONEFOLD_OK;
}

static void visit_tensors(const onefold_weights *weights, onefold_weights_visit_fn visit,
                          void *user) {
  const onefold_safetensors *content = &((const mapped_file *)weights->state)->content;
  for (size_t i = 0; i < content->count; i++) {
    const onefold_tensor *t = &content->tensors[i];
    visit(user, t->name, t->dtype_name, t->dims, t->rank);
  }
}

static void release_file(const onefold_context *context, mapped_file *file) {
  onefold_safetensors_clear(context, &file->content);
  onefold_file_unmap(&file->mapping);
  onefold_release(context, file);
}

static void close_file(onefold_weights *weights) {
  release_file(weights->context, weights->state);
}

static const char *metadata(const onefold_weights *weights, const char *key) {
  const mapped_file *file = weights->state;
  return onefold_safetensors_metadata(&file->content, key);
}

static const onefold_weights_type safetensors = {.shape = shape,
                                                 .read = read_tensor,
                                                 .visit = visit_tensors,
                                                 .metadata = metadata,
                                                 .close = close_file};

const onefold_safetensors *onefold_weights_file(const onefold_weights *weights) {
  if (!weights || weights->type != &safetensors) return NULL;
  return &((const mapped_file *)weights->state)->content;
}

onefold_status onefold_weights_open(onefold_context *context, const char *path,
                                    onefold_weights **weights) {
  if (!context || !path || !weights)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context ? "context"
                        : !path  ? "path"
                                 : "weights");
  *weights = NULL;
  mapped_file *file = onefold_allocate(context, sizeof *file);
  if (!file) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to open %s", path);
  onefold_status status = onefold_file_map(context, path, "a safetensors file", &file->mapping);
  if (status == ONEFOLD_OK)
    status = onefold_safetensors_parse(context, path, file->mapping.bytes, file->mapping.length,
                                       &file->content);
  if (status == ONEFOLD_OK) status = onefold_weights_make(context, &safetensors, file, weights);
  if (status != ONEFOLD_OK) release_file(context, file);
  return status;
}
