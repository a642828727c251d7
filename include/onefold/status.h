// SPDX-License-Identifier: BSD-3-Clause
// Status codes. Every fallible function returns one; the sentence that says
// what was wrong, with the value, is kept by the context (context.h).
#ifndef ONEFOLD_STATUS_H
#define ONEFOLD_STATUS_H

#include <onefold/export.h>

ONEFOLD_BEGIN

typedef enum onefold_status {
  ONEFOLD_OK = 0,
  ONEFOLD_INVALID_ARGUMENT =
      1,                      // a value that can never be right: NULL, zero, negative, out of range
  ONEFOLD_SHAPE_MISMATCH = 2, // values that are right alone and wrong together
  ONEFOLD_OVERFLOW = 3,       // a size does not fit
  ONEFOLD_BAD_BUFFER = 4,     // misaligned, aliased or too small
  ONEFOLD_OUT_OF_MEMORY = 5,
  ONEFOLD_UNSUPPORTED = 6, // valid, but not in this build or on this machine
  ONEFOLD_REFUSED = 7,     // a fold that would not be exact, or a candidate that does not apply
  ONEFOLD_IO = 8,          // a file cannot be opened, read or written
  ONEFOLD_FORMAT = 9,      // a file's content is not what its format allows
  ONEFOLD_NOT_FOUND = 10   // a name that is not there
} onefold_status;

/// The code's name in lower case, for example "shape mismatch". Never NULL.
/// Thread-safe.
ONEFOLD_API const char *onefold_status_name(onefold_status status);

ONEFOLD_END

#endif
