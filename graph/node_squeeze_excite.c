// SPDX-License-Identifier: BSD-3-Clause
// Squeeze-and-excitation nodes.
#include "graph/graph.h"

/// Weights are NULL only of a node that was read from bytes (graph/bytes.h).
static onefold_node add(onefold_graph *graph, onefold_node input,
                        const onefold_squeeze_excite_params *params) {
  onefold_context *context = graph->context;
  if (params->hidden <= 0)
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                                                  "squeeze_excite: hidden is %lld",
                                                  (long long)params->hidden));
  if (params->gate != ONEFOLD_ACT_SIGMOID && params->gate != ONEFOLD_ACT_HARD_SIGMOID)
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                                                  "squeeze_excite: the gate is %s, not sigmoid or "
                                                  "hard_sigmoid",
                                                  onefold_activation_name(params->gate)));
  onefold_graph_node node = {.kind = ONEFOLD_NODE_SQUEEZE_EXCITE,
                             .shape = graph->nodes[input].shape,
                             .as.squeeze_excite = *params};
  size_t weights;
  if (!onefold_shape_elements((onefold_shape){1, 1, params->hidden, node.shape.c}, &weights))
    return onefold_graph_fail(graph,
                              onefold_fail(context, ONEFOLD_OVERFLOW,
                                           "squeeze_excite: hidden %lld with %lld channels",
                                           (long long)params->hidden, (long long)node.shape.c));
  onefold_squeeze_excite_params *own = &node.as.squeeze_excite;
  const size_t hidden = (size_t)params->hidden, channels = (size_t)node.shape.c;
  const onefold_node_array arrays[] = {
      {params->reduce_weight, weights, &own->reduce_weight},
      {params->reduce_bias, hidden, &own->reduce_bias},
      {params->expand_weight, weights, &own->expand_weight},
      {params->expand_bias, channels, &own->expand_bias},
  };
  return onefold_graph_add_node(graph, &node, &input, 1, arrays, 4);
}

onefold_node onefold_graph_squeeze_excite(onefold_graph *graph, onefold_node input,
                                          const onefold_squeeze_excite_params *params) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  if (!params || !params->reduce_weight || !params->expand_weight)
    return onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                                  "squeeze_excite: %s is NULL",
                                                  params ? "a weight" : "params"));
  return add(graph, input, params);
}

static int64_t parameters(const onefold_graph *graph, const onefold_graph_node *node) {
  (void)graph;
  const onefold_squeeze_excite_params *p = &node->as.squeeze_excite;
  return 2 * p->hidden * node->shape.c + (p->reduce_bias ? p->hidden : 0) +
         (p->expand_bias ? node->shape.c : 0);
}

static double macs(const onefold_graph *graph, const onefold_graph_node *node) {
  (void)graph;
  return 2.0 * (double)node->as.squeeze_excite.hidden * (double)node->shape.c *
         (double)node->shape.n;
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  if (!onefold_graph_check_node(to, inputs[0])) return ONEFOLD_NO_NODE;
  return add(to, inputs[0], &node->as.squeeze_excite);
}

const onefold_node_type onefold_node_type_squeeze_excite = {
    .name = "squeeze_excite",
    .parameters = parameters,
    .macs = macs,
    .copy = copy,
};
