// SPDX-License-Identifier: BSD-3-Clause
// The header of a safetensors file: 8 bytes of length, little-endian, that many bytes of JSON
// {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ..}, and the data.
#ifndef ONEFOLD_MODELS_SAFETENSORS_H
#define ONEFOLD_MODELS_SAFETENSORS_H

#include "models/dtype.h"
#include "models/weights.h"

/// Longest header that is read, in bytes.
#define ONEFOLD_SAFETENSORS_MAX_HEADER 100000000u
/// The entry of the header that is not a tensor: texts by name.
#define ONEFOLD_SAFETENSORS_METADATA "__metadata__"

typedef struct onefold_tensor {
  const char *name;           // owned by the file's JSON
  const char *dtype_name;     // the same
  const onefold_dtype *dtype; // NULL where the name is not known
  int64_t dims[ONEFOLD_MAX_RANK];
  int32_t rank;
  size_t begin, end; // bytes, from the start of the data
} onefold_tensor;

typedef struct onefold_safetensors {
  void *json;              // owns the names
  onefold_tensor *tensors; // in the order of their data
  onefold_tensor **by_name;
  size_t count;
  const unsigned char *data;
  const unsigned char *bytes; // the whole file
  size_t length;
} onefold_safetensors;

/// Reads the header of a file that is mapped at `bytes`. `label` names it in sentences.
onefold_status onefold_safetensors_parse(const onefold_context *context, const char *label,
                                         const unsigned char *bytes, size_t length,
                                         onefold_safetensors *file);
void onefold_safetensors_clear(const onefold_context *context, onefold_safetensors *file);

/// NULL where there is none of that name.
const onefold_tensor *onefold_safetensors_find(const onefold_safetensors *file, const char *name);

/// A text of __metadata__; NULL where there is none of that key.
const char *onefold_safetensors_metadata(const onefold_safetensors *file, const char *key);

/// The bytes of a tensor as they are in the file: tensor->end - tensor->begin of them, at any
/// address. Valid while the file is mapped.
static inline const unsigned char *onefold_safetensors_bytes(const onefold_safetensors *file,
                                                             const onefold_tensor *tensor) {
  return file->data + tensor->begin;
}

/// The file behind a source of weights; NULL for a source that is no file.
const onefold_safetensors *onefold_weights_file(const onefold_weights *weights);

#endif
