// SPDX-License-Identifier: BSD-3-Clause
// The header of a .npy file: "\x93NUMPY", two bytes of version, the length of the text
// (2 bytes in version 1.0, 4 in 2.0 and 3.0, little-endian), and a Python dictionary
// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, blanks and a line feed.
#ifndef ONEFOLD_MODELS_NPY_H
#define ONEFOLD_MODELS_NPY_H

#include "ops/context.h"

#include <onefold/checkpoint.h>

/// Most dimensions of an onefold_array.
#define ONEFOLD_ARRAY_MAX_RANK 8

typedef struct onefold_npy {
  int64_t dims[ONEFOLD_ARRAY_MAX_RANK];
  int32_t rank;
  size_t count;              // elements
  const unsigned char *data; // [count] float32, little-endian, at any address
} onefold_npy;

/// Reads a whole file that is at `bytes`. `label` names it in sentences. Errors: FORMAT;
/// UNSUPPORTED for another version, element type or order, or more dimensions.
onefold_status onefold_npy_parse(const onefold_context *context, const char *label,
                                 const unsigned char *bytes, size_t length, onefold_npy *array);

/// Room for the header of any array: its text is padded to a multiple of 64 bytes in all.
#define ONEFOLD_NPY_HEADER 256

/// Writes the header of version 1.0 to `text`; returns its length.
size_t onefold_npy_header(const int64_t *dims, int32_t rank, char text[ONEFOLD_NPY_HEADER]);

#endif
