// SPDX-License-Identifier: BSD-3-Clause
// What a saved execution is for, as texts that are compared as they are.
#ifndef ONEFOLD_CACHE_KEY_H
#define ONEFOLD_CACHE_KEY_H

#include "ops/context.h"

#include <onefold/exec.h>

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

/// Whether a key is of this library and of this machine at a level, of which `levels` are contexts;
/// else ONEFOLD_REFUSED with the part that is not.
onefold_status onefold_cache_key_fits(const onefold_context *context,
                                      onefold_context *const *levels, size_t count,
                                      const char *path, const char *have, size_t have_bytes);

/// "avx512, standard: <content>", as far as it fits.
void onefold_cache_key_show(const char *have, size_t have_bytes, char *text, size_t size);

#endif
