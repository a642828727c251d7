// SPDX-License-Identifier: BSD-3-Clause
// A record from inside.
#ifndef ONEFOLD_TUNE_RECORD_H
#define ONEFOLD_TUNE_RECORD_H

#include "tune/store.h"

struct onefold_record {
  onefold_store *store;
  onefold_context *context; // reads problems; made by onefold_record_ready
  // Present kernels of each level, 0 where it does not run here; made where rows are judged.
  uint64_t kernels[ONEFOLD_ISA_COUNT];
  int32_t has_kernels[ONEFOLD_ISA_COUNT];
  char *path; // "" in memory
  int32_t read_only;
  onefold_warning_fn warning;
  void *warning_user;
  onefold_status error; // of the last failure
  char sentence[512];
};

/// Keeps the sentence and returns the status.
onefold_status onefold_record_fail(onefold_record *record, onefold_status status,
                                   const char *format, ...) __attribute__((format(printf, 3, 4)));

/// The same with the store's sentence, where the status is a failure.
onefold_status onefold_record_stored(onefold_record *record, onefold_status status);

/// Makes the context where there is none yet: what only attaches needs none. Errors: OUT_OF_MEMORY
/// and those of onefold_context_create.
onefold_status onefold_record_ready(onefold_record *record);

#endif
