// SPDX-License-Identifier: BSD-3-Clause
// The header of a safetensors file: 8 bytes of length, little-endian, that many bytes of JSON
// {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ..}, and the data.
#ifndef ONEFOLD_MODELS_SAFETENSORS_H
#define ONEFOLD_MODELS_SAFETENSORS_H

#include "models/dtype.h"
#include "models/weights.h"

/// Longest header that is read, in bytes.
#define ONEFOLD_SAFETENSORS_MAX_HEADER 100000000u

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
} onefold_safetensors;

/// Reads the header of a file that is mapped at `bytes`. `label` names it in sentences.
onefold_status onefold_safetensors_parse(const onefold_context *context, const char *label,
                                         const unsigned char *bytes, size_t length,
                                         onefold_safetensors *file);
void onefold_safetensors_clear(const onefold_context *context, onefold_safetensors *file);

/// NULL where there is none of that name.
const onefold_tensor *onefold_safetensors_find(const onefold_safetensors *file, const char *name);

#endif
