// SPDX-License-Identifier: BSD-3-Clause
// Arrays in .npy files.
#include "models/npy.h"

#include "models/dtype.h"
#include "models/file.h"

#include <stdio.h>
#include <string.h>

// The data begin at a multiple of this many bytes.
#define ALIGNMENT 64

onefold_status onefold_array_read(onefold_context *context, const char *path,
                                  onefold_array *array) {
  if (!context || !path || !array)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context ? "context"
                        : !path  ? "path"
                                 : "array");
  *array = (onefold_array){0};
  onefold_mapping mapping;
  onefold_npy npy;
  onefold_status status = onefold_file_map(context, path, "a .npy file", &mapping);
  if (status == ONEFOLD_OK)
    status = onefold_npy_parse(context, path, mapping.bytes, mapping.length, &npy);
  float *values = NULL;
  if (status == ONEFOLD_OK && !(values = onefold_allocate(context, npy.count * sizeof *values)))
    status = onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "%s: no memory for %zu elements", path,
                          npy.count);
  if (status == ONEFOLD_OK) {
    onefold_dtype_find("F32")->convert(npy.data, npy.count, values);
    memcpy(array->dims, npy.dims, sizeof array->dims);
    array->rank = npy.rank;
    array->values = values;
  }
  onefold_file_unmap(&mapping);
  return status;
}

void onefold_array_release(onefold_context *context, onefold_array *array) {
  if (!array) return;
  onefold_release(context, array->values);
  *array = (onefold_array){0};
}

size_t onefold_npy_header(const int64_t *dims, int32_t rank, char text[ONEFOLD_NPY_HEADER]) {
  static const char start[8] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0};
  memcpy(text, start, sizeof start);
  size_t used = sizeof start + 2; // the length, below
  used += (size_t)snprintf(text + used, ONEFOLD_NPY_HEADER - used,
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (");
  for (int32_t i = 0; i < rank; i++)
    used += (size_t)snprintf(text + used, ONEFOLD_NPY_HEADER - used, i ? ", %lld" : "%lld",
                             (long long)dims[i]);
  used += (size_t)snprintf(text + used, ONEFOLD_NPY_HEADER - used, "%s), }", rank == 1 ? "," : "");
  const size_t length = used / ALIGNMENT * ALIGNMENT + ALIGNMENT;
  memset(text + used, ' ', length - used);
  text[length - 1] = '\n';
  text[8] = (char)((length - 10) & 255);
  text[9] = (char)((length - 10) >> 8);
  return length;
}

/// Bytes of the values.
static onefold_status check_array(const onefold_context *context, const char *path,
                                  const onefold_array *array, size_t *bytes) {
  if (array->rank < 0 || array->rank > ONEFOLD_ARRAY_MAX_RANK)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: rank %d is not from 0 to %d", path,
                        (int)array->rank, ONEFOLD_ARRAY_MAX_RANK);
  *bytes = sizeof *array->values;
  for (int32_t i = 0; i < array->rank; i++)
    if (array->dims[i] < 0 || !onefold_mul(*bytes, (size_t)array->dims[i], bytes))
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: dimension %d is %lld", path,
                          (int)i, (long long)array->dims[i]);
  if (*bytes > 0 && !array->values)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: values is NULL", path);
  return ONEFOLD_OK;
}

onefold_status onefold_array_write(onefold_context *context, const char *path,
                                   const onefold_array *array) {
  if (!context || !path || !array)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context ? "context"
                        : !path  ? "path"
                                 : "array");
  size_t bytes = 0;
  onefold_output output;
  onefold_status status = check_array(context, path, array, &bytes);
  if (status == ONEFOLD_OK) status = onefold_output_begin(context, path, &output);
  if (status != ONEFOLD_OK) return status;
  char header[ONEFOLD_NPY_HEADER];
  const size_t length = onefold_npy_header(array->dims, array->rank, header);
  status = onefold_output_append(&output, header, length);
  if (status == ONEFOLD_OK) status = onefold_output_append(&output, array->values, bytes);
  if (status == ONEFOLD_OK) return onefold_output_finish(&output);
  onefold_output_abort(&output);
  return status;
}
