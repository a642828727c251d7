// SPDX-License-Identifier: BSD-3-Clause
// Passes over a graph: barriers are copied, regions are folded, and each region is reported. A
// region that had several readers may be one node after that, and a part that did not pay may pay
// then, so passes are repeated until no region changes.
#include "fold/pass.h"

// Passes at most.
#define MAX_PASSES 64

/// One attempt at a region by a policy. Non-zero when it stands; else its nodes are removed.
static int attempt(onefold_folding *folding, onefold_node root, onefold_fold_policy policy) {
  const int32_t begin = folding->target->node_count;
  folding->policy = policy;
  folding->unprofitable = folding->broken = 0;
  onefold_region_fold(folding, root);
  if (!folding->broken)
    folding->map[root] = onefold_form_emit(folding, &folding->forms[root], root);
  if (folding->status == ONEFOLD_OK && !folding->broken) return 1;
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

/// Copies a barrier, or folds the region that ends in the node.
static void fold_node(onefold_folding *folding, onefold_node i) {
  const onefold_graph *source = folding->source;
  const onefold_graph_node *node = &source->nodes[i];
  const onefold_node begin = folding->target->node_count;
  if (folding->regions.uses[i] == 0 && node->kind != ONEFOLD_NODE_INPUT) return;
  if (folding->regions.root[i] == i) {
    fold_region(folding, i);
    if (folding->status == ONEFOLD_OK) onefold_fold_report_region(folding, i, begin);
  } else if (folding->regions.root[i] == ONEFOLD_NO_NODE) {
    for (int32_t k = 0; k < node->input_count; k++)
      folding->operands[k] = folding->map[node->inputs[k]];
    folding->map[i] = onefold_graph_copy_node(folding->target, source, i, folding->operands);
    folding->status = folding->target->status;
  }
  onefold_fold_note_origin(folding, i);
}

static void fold_nodes(onefold_folding *folding) {
  const onefold_graph *source = folding->source;
  for (onefold_node i = 0; i < source->node_count && folding->status == ONEFOLD_OK; i++)
    fold_node(folding, i);
  for (int32_t k = 0; k < source->output_count && folding->status == ONEFOLD_OK; k++)
    folding->status = onefold_graph_output(folding->target, folding->map[source->outputs[k]]);
}

/// Makes the target and room for what the nodes become, and finds the regions.
static void begin_folding(onefold_folding *folding) {
  const onefold_graph *source = folding->source;
  const onefold_context *context = folding->context;
  const size_t count = (size_t)source->node_count;
  size_t most_inputs = 1;
  folding->status = onefold_graph_create(folding->context, &folding->target);
  if (folding->status != ONEFOLD_OK) return;
  for (onefold_node i = 0; i < source->node_count; i++)
    if ((size_t)source->nodes[i].input_count > most_inputs)
      most_inputs = (size_t)source->nodes[i].input_count;
  folding->map = onefold_allocate(context, count * sizeof *folding->map);
  folding->forms = onefold_allocate(context, count * sizeof *folding->forms);
  folding->terms = onefold_allocate(context, most_inputs * sizeof *folding->terms);
  folding->maps = onefold_allocate(context, most_inputs * sizeof *folding->maps);
  folding->operands = onefold_allocate(context, most_inputs * sizeof *folding->operands);
  for (size_t i = 0; folding->map && i < count; i++) folding->map[i] = ONEFOLD_NO_NODE;
  for (size_t i = 0; folding->forms && i < count; i++) folding->forms[i] = onefold_no_form;
  for (size_t i = 0; folding->terms && i < most_inputs; i++) folding->terms[i] = onefold_no_form;
  if (folding->map && folding->forms && folding->terms && folding->maps && folding->operands)
    folding->status = onefold_regions_find(source, folding->options->level, &folding->regions);
  else
    folding->status =
        onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu nodes", count);
}

/// Releases all but the target and what is said of its origin.
static void end_folding(onefold_folding *folding) {
  const onefold_context *context = folding->context;
  for (onefold_node i = 0; folding->forms && i < folding->source->node_count; i++)
    onefold_form_clear(folding, &folding->forms[i]);
  onefold_regions_destroy(folding->source, &folding->regions);
  onefold_release(context, folding->operands);
  onefold_release(context, folding->maps);
  onefold_release(context, folding->terms);
  onefold_release(context, folding->forms);
  onefold_release(context, folding->map);
}

/// Folds once over the graph's nodes. *origin takes the place of what the pass before left.
static onefold_status pass(onefold_context *context, const onefold_fold_options *options,
                           const onefold_graph *source, onefold_origin **origin,
                           onefold_graph **folded) {
  onefold_folding folding = {
      .context = context, .options = options, .source = source, .earlier = *origin};
  begin_folding(&folding);
  if (folding.status == ONEFOLD_OK) fold_nodes(&folding);
  end_folding(&folding);
  onefold_release(context, *origin);
  *origin = folding.origin;
  if (folding.status != ONEFOLD_OK) {
    onefold_graph_destroy(folding.target);
    return folding.status;
  }
  *folded = folding.target;
  return ONEFOLD_OK;
}

onefold_affine *onefold_fold_map(onefold_context *context, const onefold_graph *graph) {
  const onefold_fold_options options = {
      .struct_size = sizeof options, .level = ONEFOLD_FOLD_REGIONS, .border = 1, .force = 1};
  onefold_folding folding = {.context = context, .options = &options, .source = graph};
  onefold_affine *map = NULL;
  begin_folding(&folding);
  const onefold_node root = onefold_graph_output_at(graph, 0);
  for (onefold_node i = 0; i < root && folding.status == ONEFOLD_OK; i++) fold_node(&folding, i);
  if (folding.status == ONEFOLD_OK && root >= 0 && folding.regions.root[root] == root) {
    const onefold_node begin = folding.target->node_count;
    onefold_form *form = &folding.forms[root];
    folding.policy = ONEFOLD_POLICY_EAGER;
    folding.broken = 0;
    onefold_region_fold(&folding, root);
    // A node of the target that the region has added: a part of it is not in the map.
    if (form->base >= 0 && form->base < begin && onefold_form_affine(&folding, form) &&
        folding.status == ONEFOLD_OK && !folding.broken) {
      map = form->affine;
      form->affine = NULL;
    }
  }
  end_folding(&folding);
  onefold_release(context, folding.origin);
  onefold_graph_destroy(folding.target);
  return map;
}

/// Non-zero in *found where a region is to be looked at again.
static onefold_status find_open_region(const onefold_graph *graph, onefold_fold_level level,
                                       const onefold_origin *origin, int *found) {
  onefold_regions regions = {0};
  onefold_status status = onefold_regions_find(graph, level, &regions);
  *found = 0;
  for (onefold_node i = 0; i < graph->node_count && status == ONEFOLD_OK && !*found; i++)
    *found = regions.root[i] == i && onefold_region_is_open(&regions, i, origin);
  onefold_regions_destroy(graph, &regions);
  return status;
}

onefold_status onefold_fold_passes(onefold_context *context, const onefold_fold_options *options,
                                   const onefold_graph *source, onefold_graph **folded) {
  onefold_origin *origin = NULL;
  onefold_graph *graph = NULL;
  onefold_status status = ONEFOLD_OK;
  int again = 1;
  for (int i = 0; i < MAX_PASSES && again && status == ONEFOLD_OK; i++) {
    onefold_graph *next = NULL;
    status = pass(context, options, graph ? graph : source, &origin, &next);
    onefold_graph_destroy(graph);
    graph = next;
    if (status == ONEFOLD_OK) status = find_open_region(graph, options->level, origin, &again);
  }
  onefold_release(context, origin);
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(graph);
    graph = NULL;
  }
  *folded = graph;
  return status;
}
