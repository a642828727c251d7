// SPDX-License-Identifier: BSD-3-Clause
// Mapping a file that an execution was saved to.
#include "cache/format.h"
#include "cache/key.h"
#include "graph/exec.h"
#include "models/file.h"

#include <onefold/cache.h>

static void unmap(const onefold_context *context, void *state) {
  onefold_file_unmap(state);
  onefold_release(context, state);
}

/// Checks the mapped file, and makes the execution of it.
static onefold_status restore(onefold_context *context, const char *path,
                              const onefold_mapping *mapping, const onefold_cache_key *key,
                              const onefold_exec_options *options, int unchecked,
                              onefold_exec **exec) {
  onefold_cache_view view;
  onefold_status status =
      onefold_cache_parse(context, path, mapping->bytes, mapping->length, &view);
  if (status == ONEFOLD_OK)
    status = onefold_cache_key_compare(context, path, view.key, view.key_bytes, key);
  // Planned first: what is refused need not be read.
  if (status == ONEFOLD_OK) status = onefold_cache_restore(context, path, &view, options, exec);
  if (status != ONEFOLD_OK || unchecked) return status;
  onefold_file_populate(mapping);
  status = onefold_cache_check(context, path, &view);
  if (status != ONEFOLD_OK) {
    onefold_exec_destroy(*exec);
    *exec = NULL;
  }
  return status;
}

/// The mapping becomes the execution's.
static onefold_status map(onefold_context *context, const char *path, const onefold_cache_key *key,
                          const onefold_exec_options *options, int unchecked, onefold_exec **exec) {
  onefold_mapping *mapping = onefold_allocate(context, sizeof *mapping);
  if (!mapping) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for a mapping");
  onefold_status status = onefold_file_map(context, path, "a saved execution", mapping);
  if (mapping->missing)
    status = onefold_fail(context, ONEFOLD_NOT_FOUND, "%s: there is no such file", path);
  if (status == ONEFOLD_OK) status = restore(context, path, mapping, key, options, unchecked, exec);
  if (status != ONEFOLD_OK) {
    unmap(context, mapping);
    return status;
  }
  (*exec)->backing =
      (onefold_exec_backing){.release = unmap, .state = mapping, .bytes = mapping->length};
  return ONEFOLD_OK;
}

onefold_status onefold_exec_map(onefold_context *context, const char *path, const char *content,
                                const onefold_exec_options *options, int32_t unchecked,
                                onefold_exec **exec) {
  const onefold_exec_options defaults = {.struct_size = sizeof defaults, .fuse_epilogues = 1};
  if (!options) options = &defaults;
  if (!context || !path || !exec)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context ? "context"
                        : !path  ? "path"
                                 : "exec");
  *exec = NULL;
  if (options->struct_size != sizeof *options)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "struct_size of onefold_exec_options is %zu, not %zu", options->struct_size,
                        sizeof *options);
  onefold_cache_key key;
  onefold_status status = onefold_cache_key_make(context, content, options, &key);
  if (status != ONEFOLD_OK) return status;
  status = map(context, path, &key, options, unchecked, exec);
  onefold_release(context, key.text);
  return status;
}
