// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests of saved executions.
#ifndef ONEFOLD_TESTS_CACHE_SUPPORT_H
#define ONEFOLD_TESTS_CACHE_SUPPORT_H

#include "cache/format.h"
#include "tests/file_support.h"
#include "tests/graph_support.h"

/// A graph of a few convolutions, a squeeze-and-excitation, a batch normalisation and sums.
onefold_graph *cache_graph(onefold_context *context);

/// The execution of a graph, packed; the graph is destroyed.
onefold_exec *cache_exec(onefold_context *context, onefold_graph *graph,
                         const onefold_exec_options *options);

/// The outputs of a run on inputs that depend on `seed` alone, one after the other; to be freed.
typedef struct cache_result {
  size_t count;
  float *values;
} cache_result;
cache_result cache_run(onefold_context *context, onefold_exec *exec, uint64_t seed);

/// Fails unless two executions are the same: what they say of themselves, and the bits of a run.
void cache_expect_same(onefold_context *context, onefold_exec *a, onefold_exec *b);

/// A saved execution of cache_graph at ref in a temporary directory, and its bytes.
#define CACHE_CONTENT "a graph, seed 11"
typedef struct cache_saved {
  test_directory directory;
  test_file_path path;
  onefold_context *context;
  unsigned char *bytes;
  size_t length;
  onefold_cache_header header; // of the bytes
} cache_saved;
int cache_saved_make(void **state);
int cache_saved_free(void **state);

/// Whole content of a file, to be freed.
unsigned char *cache_read(const char *path, size_t *length);

/// Fails unless mapping gives that status and a sentence with `says`; or, with OK, an execution,
/// which is destroyed.
void cache_expect_map(onefold_context *context, const char *path, const char *content,
                      int unchecked, onefold_status status, const char *says);

/// Corrects the checksum of a file's head after a change in it.
void cache_seal(unsigned char *bytes);

#endif
