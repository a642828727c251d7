// SPDX-License-Identifier: BSD-3-Clause
// Slice nodes: a range of channels; splits are slices one after the other.
#include "graph/graph.h"

onefold_node onefold_graph_slice(onefold_graph *graph, onefold_node input, int64_t begin,
                                 int64_t count) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  const onefold_shape in = graph->nodes[input].shape;
  if (begin < 0 || count <= 0)
    return onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                                  "slice: %lld channels from channel %lld",
                                                  (long long)count, (long long)begin));
  if (begin > in.c || count > in.c - begin)
    return onefold_graph_fail(graph,
                              onefold_fail(graph->context, ONEFOLD_SHAPE_MISMATCH,
                                           "slice: %lld channels from channel %lld of %lld",
                                           (long long)count, (long long)begin, (long long)in.c));
  onefold_graph_node node = {
      .kind = ONEFOLD_NODE_SLICE, .shape = {in.n, count, in.h, in.w}, .as.slice_begin = begin};
  return onefold_graph_add_node(graph, &node, &input, 1, NULL, 0);
}

onefold_status onefold_graph_split(onefold_graph *graph, onefold_node input, const int64_t *sizes,
                                   size_t count, onefold_node *parts) {
  if (!graph) return ONEFOLD_INVALID_ARGUMENT;
  for (size_t i = 0; parts && i < count; i++) parts[i] = ONEFOLD_NO_NODE;
  if (!onefold_graph_check_node(graph, input)) return graph->status;
  if (!sizes || !parts || count == 0) {
    onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT, "split: %s",
                                           !sizes  ? "sizes is NULL"
                                           : parts ? "no parts"
                                                   : "parts is NULL"));
    return graph->status;
  }
  const int64_t channels = graph->nodes[input].shape.c;
  int64_t total = 0;
  for (size_t i = 0; i < count; i++)
    if (sizes[i] <= 0 || __builtin_add_overflow(total, sizes[i], &total)) {
      onefold_graph_fail(graph,
                         onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                      "split: part %zu has %lld channels", i, (long long)sizes[i]));
      return graph->status;
    }
  if (total != channels) {
    onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_SHAPE_MISMATCH,
                                           "split: the parts have %lld channels, '%s' has %lld",
                                           (long long)total, graph->nodes[input].name,
                                           (long long)channels));
    return graph->status;
  }
  int64_t begin = 0;
  for (size_t i = 0; i < count; begin += sizes[i++])
    parts[i] = onefold_graph_slice(graph, input, begin, sizes[i]);
  return graph->status;
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_slice(to, inputs[0], node->as.slice_begin, node->shape.c);
}

const onefold_node_type onefold_node_type_slice = {
    .name = "slice",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
