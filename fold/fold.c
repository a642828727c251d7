// SPDX-License-Identifier: BSD-3-Clause
// The rewrite: barriers are copied, regions are folded, and each region is reported.
#include "fold/region.h"

#include <string.h>

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

/// Nodes, parameters and multiply-adds of a node, added to a total.
static void add_node(const onefold_graph *graph, onefold_node node, int32_t *nodes,
                     int64_t *parameters, double *macs) {
  const onefold_graph_node *n = &graph->nodes[node];
  *nodes += 1;
  *parameters += onefold_node_type_of(n->kind)->parameters(graph, n);
  *macs += onefold_node_type_of(n->kind)->macs(graph, n);
}

static void report_region(const onefold_folding *folding, onefold_node root, onefold_node begin,
                          onefold_fold_report_fn report, void *user) {
  onefold_fold_region region = {.name = folding->source->nodes[root].name,
                                .verdict = folding->verdict,
                                .reason = folding->reason};
  for (onefold_node i = folding->regions.first[root]; i != ONEFOLD_NO_NODE;
       i = folding->regions.next[i])
    add_node(folding->source, i, &region.nodes_before, &region.parameters_before,
             &region.macs_before);
  if (!report || region.nodes_before < 2) return;
  for (onefold_node i = begin; i < folding->target->node_count; i++)
    add_node(folding->target, i, &region.nodes_after, &region.parameters_after, &region.macs_after);
  report(user, &region);
}

/// One attempt at a region by a policy. Non-zero when it stands; else its nodes are removed.
static int attempt(onefold_folding *folding, onefold_node root, onefold_fold_policy policy) {
  const int32_t begin = folding->target->node_count;
  folding->policy = policy;
  folding->unprofitable = folding->broken = 0;
  onefold_region_fold(folding, root);
  if (!folding->unprofitable && !folding->broken)
    folding->map[root] = onefold_form_emit(folding, &folding->forms[root], root);
  if (folding->status == ONEFOLD_OK && !folding->unprofitable && !folding->broken) return 1;
  for (onefold_node i = folding->regions.first[root]; i != ONEFOLD_NO_NODE;
       i = folding->regions.next[i])
    onefold_form_clear(folding, &folding->forms[i]);
  onefold_graph_truncate(folding->target, begin);
  return 0;
}

static void clear_verdict(onefold_folding *folding) {
  folding->verdict = ONEFOLD_FOLD_EXACT;
  folding->reason[0] = '\0';
}

static void fold_region(onefold_folding *folding, onefold_node root) {
  clear_verdict(folding);
  if (attempt(folding, root, ONEFOLD_POLICY_EAGER) || folding->status != ONEFOLD_OK) return;
  if (folding->unprofitable) {
    clear_verdict(folding);
    if (attempt(folding, root, ONEFOLD_POLICY_STRICT) || folding->status != ONEFOLD_OK) return;
  }
  attempt(folding, root, ONEFOLD_POLICY_KEEP);
}

static void fold_nodes(onefold_folding *folding, onefold_fold_report_fn report, void *user,
                       onefold_node *operands) {
  const onefold_graph *source = folding->source;
  for (onefold_node i = 0; i < source->node_count && folding->status == ONEFOLD_OK; i++) {
    const onefold_graph_node *node = &source->nodes[i];
    const onefold_node begin = folding->target->node_count;
    if (folding->regions.root[i] == i) {
      fold_region(folding, i);
      if (folding->status == ONEFOLD_OK) report_region(folding, i, begin, report, user);
    } else if (folding->regions.root[i] == ONEFOLD_NO_NODE) {
      for (int32_t k = 0; k < node->input_count; k++) operands[k] = folding->map[node->inputs[k]];
      folding->map[i] = onefold_graph_copy_node(folding->target, source, i, operands);
      folding->status = folding->target->status;
    }
  }
  for (int32_t k = 0; k < source->output_count && folding->status == ONEFOLD_OK; k++)
    folding->status = onefold_graph_output(folding->target, folding->map[source->outputs[k]]);
}

static onefold_status run(onefold_folding *folding, onefold_fold_level level,
                          onefold_fold_report_fn report, void *user) {
  const onefold_graph *source = folding->source;
  const onefold_context *context = folding->context;
  size_t count = (size_t)source->node_count, most_inputs = 1;
  for (onefold_node i = 0; i < source->node_count; i++)
    if ((size_t)source->nodes[i].input_count > most_inputs)
      most_inputs = (size_t)source->nodes[i].input_count;
  folding->map = onefold_allocate(context, count * sizeof *folding->map);
  folding->forms = onefold_allocate(context, count * sizeof *folding->forms);
  folding->terms = onefold_allocate(context, most_inputs * sizeof *folding->terms);
  folding->maps = onefold_allocate(context, most_inputs * sizeof *folding->maps);
  onefold_node *operands = onefold_allocate(context, most_inputs * sizeof *operands);
  if (folding->map && folding->forms && folding->terms && folding->maps && operands) {
    for (size_t i = 0; i < count; i++)
      folding->forms[i] = (onefold_form){.base = ONEFOLD_NO_NODE, .source = ONEFOLD_NO_NODE};
    for (size_t i = 0; i < most_inputs; i++)
      folding->terms[i] = (onefold_form){.base = ONEFOLD_NO_NODE, .source = ONEFOLD_NO_NODE};
    folding->status = onefold_regions_find(source, level, &folding->regions);
    if (folding->status == ONEFOLD_OK) fold_nodes(folding, report, user, operands);
    for (size_t i = 0; i < count; i++) onefold_form_clear(folding, &folding->forms[i]);
  } else {
    folding->status =
        onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu nodes", count);
  }
  onefold_regions_destroy(source, &folding->regions);
  onefold_release(context, operands);
  onefold_release(context, folding->maps);
  onefold_release(context, folding->terms);
  onefold_release(context, folding->forms);
  onefold_release(context, folding->map);
  return folding->status;
}

void onefold_fold_options_init(onefold_fold_options *options) {
  if (!options) return;
  *options = (onefold_fold_options){
      .struct_size = sizeof *options, .level = ONEFOLD_FOLD_REGIONS, .border = 1};
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
  onefold_folding folding = {.context = context, .source = source};
  onefold_status status = onefold_graph_create(context, &folding.target);
  if (status != ONEFOLD_OK) return status;
  status = run(&folding, options->level, options->report, options->user);
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(folding.target);
    return status;
  }
  *folded = folding.target;
  return ONEFOLD_OK;
}
