// SPDX-License-Identifier: BSD-3-Clause
// A safetensors file as a source of weights. The file is mapped, and its tensors are converted
// as they are read.
#include "models/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct mapped_file {
  void *map;
  size_t length;
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
  if (file->map) munmap(file->map, file->length);
  onefold_release(context, file);
}

static void close_file(onefold_weights *weights) {
  release_file(weights->context, weights->state);
}

static const onefold_weights_type safetensors = {
    .shape = shape, .read = read_tensor, .visit = visit_tensors, .close = close_file};

static onefold_status map_file(const onefold_context *context, const char *path,
                               mapped_file *file) {
  onefold_status status = ONEFOLD_OK;
  struct stat info;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || fstat(descriptor, &info) != 0)
    status = onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode))
    status = onefold_fail(context, ONEFOLD_IO, "%s: not a regular file", path);
  else if (info.st_size == 0)
    status = onefold_fail(context, ONEFOLD_FORMAT, "%s: 0 bytes are too few for a safetensors file",
                          path);
  else {
    file->length = (size_t)info.st_size;
    file->map = mmap(NULL, file->length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (file->map == MAP_FAILED) {
      file->map = NULL;
      status = onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
    }
  }
  if (descriptor >= 0) close(descriptor);
  return status;
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
  onefold_status status = map_file(context, path, file);
  if (status == ONEFOLD_OK)
    status = onefold_safetensors_parse(context, path, file->map, file->length, &file->content);
  if (status == ONEFOLD_OK) status = onefold_weights_make(context, &safetensors, file, weights);
  if (status != ONEFOLD_OK) release_file(context, file);
  return status;
}
