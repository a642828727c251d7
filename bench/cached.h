// SPDX-License-Identifier: BSD-3-Clause
// Executions by way of a cache of the user's: what they are called there, and how one is made that
// is not there.
#ifndef ONEFOLD_BENCH_CACHED_H
#define ONEFOLD_BENCH_CACHED_H

#include "bench/form.h"

#include <onefold/cache.h>

#include <stdint.h>

/// A network and where its weights come from.
typedef struct bench_source {
  const char *network;
  onefold_shape input;
  int form;            // of onefold_bench_forms
  const char *weights; // a checkpoint's path, or NULL for generated ones
  uint64_t seed;
} bench_source;

#define BENCH_CONTENT 512

/// What a block or network in a form with these weights is called: "repvgg-a0 1x3x224x224, folded,
/// seed 1". A checkpoint is read for its hash.
onefold_status onefold_bench_content(onefold_context *context, const char *what, int form,
                                     const char *weights, uint64_t seed,
                                     char content[BENCH_CONTENT]);
onefold_status onefold_bench_source_content(onefold_context *context, const bench_source *source,
                                            char content[BENCH_CONTENT]);

/// Opens the weights, builds the network and folds it: an onefold_graph_make_fn of a bench_source.
onefold_status onefold_bench_source_make(void *source, onefold_context *context,
                                         onefold_graph **graph);

/// A cache in `directory` (NULL: none) whose notes are written as "<command>: <sentence>".
onefold_cache_options onefold_bench_cache(const char *directory, const char *command);

#define BENCH_CACHE_DOC                                                                            \
  "Keep the packed weights in files of DIR, for a start without reading, folding and packing"

#endif
