// SPDX-License-Identifier: BSD-3-Clause
// Files: mapped whole for reading; written beside their place and renamed into it.
#ifndef ONEFOLD_MODELS_FILE_H
#define ONEFOLD_MODELS_FILE_H

#include "ops/context.h"

typedef struct onefold_mapping {
  const unsigned char *bytes; // page aligned
  size_t length;
  int missing; // after a failure: there is no file at the path
} onefold_mapping;

/// Maps a regular file that is not empty. `kind` ("a .npy file") is what it should be.
/// Errors: IO; FORMAT where it is empty.
onefold_status onefold_file_map(const onefold_context *context, const char *path, const char *kind,
                                onefold_mapping *mapping);
void onefold_file_unmap(onefold_mapping *mapping);

/// Brings the whole file in at once, where the system can: for those who read all of it, a page
/// fault for every few pages takes longer than the reading.
void onefold_file_populate(const onefold_mapping *mapping);

/// A file that appears at its path only when it is complete.
typedef struct onefold_output {
  const onefold_context *context;
  char *path;      // where it will be
  char *temporary; // where it is until then: in the same directory
  int descriptor;
} onefold_output;

/// Creates the temporary file, with the mode that the umask gives. A symbolic link is followed,
/// and anything but a regular file is refused. Errors: IO, OUT_OF_MEMORY; `output` is then
/// closed.
onefold_status onefold_output_begin(const onefold_context *context, const char *path,
                                    onefold_output *output);

/// Errors: IO. The caller aborts.
onefold_status onefold_output_append(onefold_output *output, const void *bytes, size_t size);

/// Writes to the device and renames. Closes in any case; on failure (IO) the temporary file is
/// gone and what was at the path is as it was.
onefold_status onefold_output_finish(onefold_output *output);

/// Closes and removes the temporary file. Does nothing when the output is closed.
void onefold_output_abort(onefold_output *output);

#endif
