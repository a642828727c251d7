// SPDX-License-Identifier: BSD-3-Clause
// The report of a region: what it was, what it became, and at what cost.
#include "fold/pass.h"

#include <stdio.h>

/// Nodes, parameters and multiply-adds of a node, added to a total.
static void add_node(const onefold_graph *graph, onefold_node node, int32_t *nodes,
                     int64_t *parameters, double *macs) {
  const onefold_graph_node *n = &graph->nodes[node];
  *nodes += 1;
  *parameters += onefold_node_type_of(n->kind)->parameters(graph, n);
  *macs += onefold_node_type_of(n->kind)->macs(graph, n);
}

/// "sum of 3", where the region ends in a join and what is done to its result; else "chain of 2".
static void describe(const onefold_folding *folding, onefold_node root, int32_t nodes, char *text,
                     size_t size) {
  const onefold_graph *source = folding->source;
  onefold_node node = root;
  while (source->nodes[node].input_count == 1 &&
         folding->regions.root[source->nodes[node].inputs[0]] == root)
    node = source->nodes[node].inputs[0];
  const onefold_graph_node *last = &source->nodes[node];
  if (last->input_count > 1)
    snprintf(text, size, "%s of %d", onefold_node_type_of(last->kind)->name,
             (int)last->input_count);
  else
    snprintf(text, size, "chain of %d", (int)nodes);
}

/// The only convolution of the nodes from `begin` on, or NULL.
static const onefold_graph_node *only_conv(const onefold_graph *graph, onefold_node begin) {
  const onefold_graph_node *found = NULL;
  for (onefold_node i = begin; i < graph->node_count; i++) {
    if (graph->nodes[i].kind != ONEFOLD_NODE_CONV2D) continue;
    if (found) return NULL;
    found = &graph->nodes[i];
  }
  return found;
}

/// Smallest and largest weight of each output channel, as two arrays of O floats to be released.
static float *channel_ranges(const onefold_folding *folding, const onefold_graph_node *conv) {
  const onefold_graph_conv2d_params *p = &conv->as.conv2d.params;
  const int64_t in = folding->target->nodes[conv->inputs[0]].shape.c / p->groups;
  const int64_t row = in * p->kernel_h * p->kernel_w, channels = p->out_channels;
  float *ranges = onefold_allocate(folding->context, 2 * (size_t)channels * sizeof *ranges);
  for (int64_t o = 0; ranges && o < channels; o++) {
    const float *weight = conv->as.conv2d.weight + o * row;
    ranges[o] = ranges[channels + o] = weight[0];
    for (int64_t i = 1; i < row; i++) {
      if (weight[i] < ranges[o]) ranges[o] = weight[i];
      if (weight[i] > ranges[channels + o]) ranges[channels + o] = weight[i];
    }
  }
  return ranges;
}

void onefold_fold_report_region(onefold_folding *folding, onefold_node root, onefold_node begin) {
  const onefold_fold_options *options = folding->options;
  onefold_fold_region region = {.name = folding->source->nodes[root].name,
                                .verdict = folding->verdict,
                                .reason = folding->reason,
                                .max_abs_error = -1,
                                .max_rel_error = -1};
  for (onefold_node i = folding->regions.first[root]; i != ONEFOLD_NO_NODE;
       i = folding->regions.next[i])
    add_node(folding->source, i, &region.nodes_before, &region.parameters_before,
             &region.macs_before);
  if (!options->report || region.nodes_before < 2) return;
  for (onefold_node i = begin; i < folding->target->node_count; i++)
    add_node(folding->target, i, &region.nodes_after, &region.parameters_after, &region.macs_after);
  // A later pass has something to say where it joins what was apart, or has folded further.
  if (region.nodes_after == region.nodes_before &&
      !onefold_region_is_new(&folding->regions, root, folding->earlier))
    return;
  char kind[48];
  describe(folding, root, region.nodes_before, kind, sizeof kind);
  region.kind = kind;
  const onefold_graph_node *conv = only_conv(folding->target, begin);
  float *ranges = conv ? channel_ranges(folding, conv) : NULL;
  if (ranges) {
    region.channels = conv->as.conv2d.params.out_channels;
    region.channel_min = ranges;
    region.channel_max = ranges + region.channels;
  }
  if (options->measure) onefold_fold_measure(folding, root, begin, &region);
  options->report(options->user, &region);
  onefold_release(folding->context, ranges);
}
