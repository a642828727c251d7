// SPDX-License-Identifier: BSD-3-Clause
// Names of executions in a cache, and networks from their weights.
#include "bench/cached.h"

#include <onefold/models.h>
#include <onefold/networks.h>

#include <inttypes.h>
#include <stdio.h>

onefold_status onefold_bench_content(onefold_context *context, const char *what, int form,
                                     const char *weights, uint64_t seed,
                                     char content[BENCH_CONTENT]) {
  uint64_t hash = seed;
  if (weights) {
    const onefold_status status = onefold_file_hash(context, weights, &hash);
    if (status != ONEFOLD_OK) return status;
  }
  snprintf(content, BENCH_CONTENT, weights ? "%s, %s, file %016" PRIx64 : "%s, %s, seed %" PRIu64,
           what, onefold_bench_forms[form].key, hash);
  return ONEFOLD_OK;
}

onefold_status onefold_bench_source_content(onefold_context *context, const bench_source *source,
                                            char content[BENCH_CONTENT]) {
  const onefold_shape s = source->input;
  char what[256];
  snprintf(what, sizeof what, "%s %lldx%lldx%lldx%lld", source->network, (long long)s.n,
           (long long)s.c, (long long)s.h, (long long)s.w);
  return onefold_bench_content(context, what, source->form, source->weights, source->seed, content);
}

onefold_status onefold_bench_source_make(void *user, onefold_context *context,
                                         onefold_graph **graph) {
  const bench_source *source = user;
  onefold_weights *weights = NULL;
  onefold_graph *built = NULL, *folded = NULL;
  onefold_status status = source->weights ? onefold_weights_open(context, source->weights, &weights)
                                          : onefold_weights_seeded(context, source->seed, &weights);
  if (status == ONEFOLD_OK)
    status = onefold_network_build(context, source->network, source->input, weights, &built);
  onefold_weights_close(weights);
  if (status == ONEFOLD_OK)
    status = onefold_bench_form_fold(context, built, source->form, NULL, NULL, &folded);
  if (status == ONEFOLD_OK) {
    *graph = folded ? folded : built;
    if (!folded) built = NULL;
  }
  onefold_graph_destroy(built);
  return status;
}

static void say(void *command, const char *sentence) {
  fprintf(stderr, "%s: the cache: %s\n", (const char *)command, sentence);
}

onefold_cache_options onefold_bench_cache(const char *directory, const char *command) {
  return (onefold_cache_options){.struct_size = sizeof(onefold_cache_options),
                                 .directory = directory,
                                 .note = say,
                                 .note_user = (void *)(uintptr_t)command};
}
