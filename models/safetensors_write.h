// SPDX-License-Identifier: BSD-3-Clause
// Writing a safetensors file piece by piece: the header from a list of entries, then their data
// in that order. The file appears at its path when it is finished; until then, and after any
// failure, what is there stays as it is.
#ifndef ONEFOLD_MODELS_SAFETENSORS_WRITE_H
#define ONEFOLD_MODELS_SAFETENSORS_WRITE_H

#include "models/file.h"
#include "models/safetensors.h"

/// A tensor to be written. The data of a type that is not known is taken at its length.
typedef struct onefold_safetensors_entry {
  const char *name;  // UTF-8, each once
  const char *dtype; // "F32", ...
  int64_t dims[ONEFOLD_MAX_RANK];
  int32_t rank;
  size_t bytes;
} onefold_safetensors_entry;

/// A text for __metadata__.
typedef struct onefold_safetensors_text {
  const char *key, *value;
} onefold_safetensors_text;

typedef struct onefold_safetensors_writer {
  onefold_output output;
  size_t expected, written; // bytes of data
} onefold_safetensors_writer;

/// Creates the file and writes its header. `source`, unless NULL, gives its metadata, to which
/// the texts are added; a text replaces one of the same key. The data begin at a multiple of 8
/// bytes. Nothing of the arguments is kept. Errors: INVALID_ARGUMENT, OVERFLOW, IO,
/// OUT_OF_MEMORY; the writer is then closed.
onefold_status onefold_safetensors_begin(const onefold_context *context, const char *path,
                                         const onefold_safetensors_entry *entries, size_t count,
                                         const onefold_safetensors *source,
                                         const onefold_safetensors_text *texts, size_t text_count,
                                         onefold_safetensors_writer *writer);

/// The next bytes of data; pieces need not end where tensors do. Errors: IO, INVALID_ARGUMENT
/// where they are more than the entries have. The caller aborts.
onefold_status onefold_safetensors_append(onefold_safetensors_writer *writer, const void *bytes,
                                          size_t size);

/// Completes the file at its path. Closes in any case. Errors: IO, INVALID_ARGUMENT where data
/// is missing.
onefold_status onefold_safetensors_finish(onefold_safetensors_writer *writer);

/// Gives up. Does nothing when the writer is closed.
void onefold_safetensors_abort(onefold_safetensors_writer *writer);

#endif
