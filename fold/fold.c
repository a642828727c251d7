// SPDX-License-Identifier: BSD-3-Clause
// Folding: passes that fold regions, and rewrites of the whole graph, in turns until no more is
// found.
#include "fold/pass.h"
#include "fold/rewrite.h"

#include <stddef.h>

// Turns at most.
#define MAX_TURNS 64

static const char *const verdict_names[] = {
    [ONEFOLD_FOLD_EXACT] = "exact",
    [ONEFOLD_FOLD_INEXACT_BIAS] = "inexact bias",
    [ONEFOLD_FOLD_INEXACT_DATA] = "inexact data",
    [ONEFOLD_FOLD_NONLINEAR_INSIDE] = "nonlinear inside",
    [ONEFOLD_FOLD_NOT_TI] = "not translation invariant",
    [ONEFOLD_FOLD_SHAPE] = "shape",
    [ONEFOLD_FOLD_GROUPS] = "groups",
    [ONEFOLD_FOLD_BN_NO_STATS] = "batch norm without statistics",
    [ONEFOLD_FOLD_UNPROFITABLE] = "unprofitable",
    [ONEFOLD_FOLD_NOT_FINITE] = "not finite",
};

const char *onefold_fold_verdict_name(onefold_fold_verdict verdict) {
  const size_t count = sizeof verdict_names / sizeof *verdict_names;
  return (size_t)verdict < count ? verdict_names[verdict] : "?";
}

/// Rewrites of what the passes made, in this order.
static const struct {
  size_t option; // place of its switch in the options
  const onefold_rewrite *rewrite;
} rewrites[] = {
    {offsetof(onefold_fold_options, horizontal), &onefold_rewrite_horizontal},
    {offsetof(onefold_fold_options, chain_pools), &onefold_rewrite_pool_chain},
    {offsetof(onefold_fold_options, before_upsample), &onefold_rewrite_upsample},
};

static int is_on(const onefold_fold_options *options, size_t option) {
  return *(const int32_t *)((const char *)options + option) != 0;
}

/// Those that are on. *graph becomes what they made; *changed is set where they did.
static onefold_status rewrite_all(const onefold_fold_options *options, onefold_graph **graph,
                                  int *changed) {
  onefold_status status = ONEFOLD_OK;
  for (size_t i = 0; i < sizeof rewrites / sizeof *rewrites && status == ONEFOLD_OK; i++) {
    if (!is_on(options, rewrites[i].option)) continue;
    onefold_graph *next = NULL;
    status = onefold_rewrite_graph(rewrites[i].rewrite, *graph, &next);
    if (!next) continue;
    onefold_graph_destroy(*graph);
    *graph = next;
    *changed = 1;
  }
  return status;
}

/// The rewrites and passes of a level, once each. *again is set where something has changed, so
/// that another turn may find more.
static onefold_status turn(onefold_context *context, const onefold_fold_options *options,
                           const onefold_graph *source, onefold_graph **folded, int *again) {
  onefold_graph *spread = NULL, *made = NULL;
  onefold_status status = ONEFOLD_OK;
  if (options->level == ONEFOLD_FOLD_BATCH_NORM)
    status = onefold_rewrite_graph(&onefold_rewrite_distribute, source, &spread);
  if (status == ONEFOLD_OK)
    status = onefold_fold_passes(context, options, spread ? spread : source, &made);
  *again = spread != NULL;
  if (status == ONEFOLD_OK) status = rewrite_all(options, &made, again);
  if (options->level == ONEFOLD_FOLD_BATCH_NORM || options->horizontal)
    *again |= made && onefold_fold_geometry(made) != onefold_fold_geometry(source);
  onefold_graph_destroy(spread);
  if (status != ONEFOLD_OK) onefold_graph_destroy(made);
  *folded = status != ONEFOLD_OK ? NULL : made;
  return status;
}

void onefold_fold_options_init(onefold_fold_options *options) {
  if (!options) return;
  *options = (onefold_fold_options){.struct_size = sizeof *options,
                                    .level = ONEFOLD_FOLD_REGIONS,
                                    .border = 1,
                                    .chain_pools = 1,
                                    .before_upsample = 1};
}

onefold_status onefold_fold(onefold_context *context, const onefold_graph *source,
                            const onefold_fold_options *options, onefold_graph **folded) {
  if (!context || !source || !folded)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context  ? "context"
                        : !source ? "source"
                                  : "folded");
  *folded = NULL;
  onefold_fold_options defaults;
  onefold_fold_options_init(&defaults);
  if (!options) options = &defaults;
  if (options->struct_size != sizeof *options)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "struct_size of onefold_fold_options is %zu, not %zu", options->struct_size,
                        sizeof *options);
  if (options->level != ONEFOLD_FOLD_BATCH_NORM && options->level != ONEFOLD_FOLD_REGIONS)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "fold level %d", (int)options->level);
  if (source->status != ONEFOLD_OK)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "the graph is incomplete: building it failed (%s)",
                        onefold_status_name(source->status));
  onefold_fold_options own = *options;
  onefold_graph *graph = NULL;
  onefold_status status = ONEFOLD_OK;
  int again = 1;
  for (int i = 0; i < MAX_TURNS && again && status == ONEFOLD_OK; i++) {
    onefold_graph *next = NULL;
    status = turn(context, &own, graph ? graph : source, &next, &again);
    onefold_graph_destroy(graph);
    graph = next;
    own.report = NULL; // what there is to say was said
  }
  if (status == ONEFOLD_OK) status = onefold_graph_sort(graph);
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(graph);
    return status;
  }
  *folded = graph;
  return ONEFOLD_OK;
}
