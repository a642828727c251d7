// SPDX-License-Identifier: BSD-3-Clause
// What a saved execution is for, as texts that are compared as they are.
#ifndef ONEFOLD_CACHE_KEY_H
#define ONEFOLD_CACHE_KEY_H

#include "ops/context.h"

#include <onefold/graph.h>

/// Texts of the context's memory, each ended by a NUL, one after the other.
typedef struct onefold_cache_key {
  char *text;
  size_t bytes;
} onefold_cache_key;

/// The key of an execution with these options in this context. Errors: INVALID_ARGUMENT,
/// OUT_OF_MEMORY; nothing is left behind.
onefold_status onefold_cache_key_make(const onefold_context *context, const char *content,
                                      const onefold_exec_options *options, onefold_cache_key *key);

/// ONEFOLD_REFUSED with the first part that differs from `have`, which ends with a NUL.
onefold_status onefold_cache_key_compare(const onefold_context *context, const char *path,
                                         const char *have, size_t have_bytes,
                                         const onefold_cache_key *key);

#endif
