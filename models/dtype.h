// SPDX-License-Identifier: BSD-3-Clause
// Element types of checkpoint files.
#ifndef ONEFOLD_MODELS_DTYPE_H
#define ONEFOLD_MODELS_DTYPE_H

#include <stddef.h>

/// Converts `count` little-endian elements at any address to float32.
typedef void onefold_dtype_fn(const unsigned char *source, size_t count, float *values);

typedef struct onefold_dtype {
  const char *name;
  size_t bytes;
  onefold_dtype_fn *convert; // NULL where the type cannot hold weights
} onefold_dtype;

/// NULL for a name that is not known.
const onefold_dtype *onefold_dtype_find(const char *name);

#endif
