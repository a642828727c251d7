// SPDX-License-Identifier: BSD-3-Clause
// A directory of saved executions: one that is there, or is made and put there.
#include "cache/hash.h"
#include "cache/key.h"
#include "graph/exec.h"

#include <onefold/cache.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

// Of a file's name: "/", a hash as 16 digits, ".onefold" and the NUL.
#define NAME_BYTES 32

static void note(const onefold_cache_options *cache, const char *what, const char *why) {
  char sentence[ONEFOLD_SENTENCE + 128];
  if (!cache->note) return;
  snprintf(sentence, sizeof sentence, "%s: %s", what, why);
  cache->note(cache->note_user, sentence);
}

/// The file for a key; NULL when out of memory.
static char *path_of(const onefold_context *context, const char *directory,
                     const onefold_cache_key *key) {
  const size_t length = strlen(directory);
  char *path = onefold_allocate(context, length + NAME_BYTES);
  if (path)
    snprintf(path, length + NAME_BYTES, "%s/%016" PRIx64 ".onefold", directory,
             onefold_hash(key->text, key->bytes));
  else
    onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for a path");
  return path;
}

/// From the graph.
static onefold_status make_exec(onefold_context *context, onefold_graph_make_fn make, void *user,
                                const onefold_exec_options *options, onefold_exec **exec) {
  onefold_graph *graph = NULL;
  onefold_exec *made = NULL;
  onefold_status status = make(user, context, &graph);
  if (status == ONEFOLD_OK) status = onefold_exec_create(context, graph, options, &made);
  if (status == ONEFOLD_OK) status = onefold_exec_pack(made);
  onefold_graph_destroy(graph);
  if (status != ONEFOLD_OK) {
    onefold_exec_destroy(made);
    return status;
  }
  *exec = made;
  return ONEFOLD_OK;
}

static void save(onefold_context *context, const onefold_cache_options *cache, const char *path,
                 const char *content, const onefold_exec *exec) {
  onefold_status status = ONEFOLD_OK;
  onefold_caught caught;
  onefold_catch_begin(context, &caught);
  if (mkdir(cache->directory, 0777) != 0 && errno != EEXIST)
    status = onefold_fail(context, ONEFOLD_IO, "%s: %s", cache->directory, strerror(errno));
  if (status == ONEFOLD_OK) status = onefold_exec_save(exec, path, content);
  onefold_catch_end(context, &caught);
  if (status != ONEFOLD_OK) note(cache, "not saved for the next start", caught.text);
}

/// Maps the file, or makes it.
static onefold_status map_or_make(onefold_context *context, const onefold_cache_options *cache,
                                  const char *path, const char *content, onefold_graph_make_fn make,
                                  void *user, const onefold_exec_options *options,
                                  onefold_exec **exec) {
  onefold_caught caught;
  onefold_catch_begin(context, &caught);
  onefold_status status = onefold_exec_map(context, path, content, options, cache->unchecked, exec);
  onefold_catch_end(context, &caught);
  if (status == ONEFOLD_OK) return status;
  if (status == ONEFOLD_INVALID_ARGUMENT) return onefold_fail(context, status, "%s", caught.text);
  if (status != ONEFOLD_NOT_FOUND) note(cache, "left aside", caught.text);
  status = make_exec(context, make, user, options, exec);
  if (status == ONEFOLD_OK) save(context, cache, path, content, *exec);
  return status;
}

onefold_status onefold_exec_cached(onefold_context *context, const onefold_cache_options *cache,
                                   const char *content, onefold_graph_make_fn make, void *user,
                                   const onefold_exec_options *options, onefold_exec **exec) {
  const onefold_exec_options defaults = {.struct_size = sizeof defaults, .fuse_epilogues = 1};
  if (!options) options = &defaults;
  if (!context || !make || !exec)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context ? "context"
                        : !make  ? "make"
                                 : "exec");
  *exec = NULL;
  if (!cache || (cache->struct_size == sizeof *cache && (!cache->directory || !*cache->directory)))
    return make_exec(context, make, user, options, exec);
  if (cache->struct_size != sizeof *cache)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "struct_size of onefold_cache_options is %zu, not %zu", cache->struct_size,
                        sizeof *cache);
  onefold_cache_key key;
  onefold_status status = onefold_cache_key_make(context, content, options, &key);
  if (status != ONEFOLD_OK) return status;
  char *path = path_of(context, cache->directory, &key);
  status = path ? map_or_make(context, cache, path, content, make, user, options, exec)
                : ONEFOLD_OUT_OF_MEMORY;
  onefold_release(context, path);
  onefold_release(context, key.text);
  return status;
}
