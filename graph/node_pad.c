// SPDX-License-Identifier: BSD-3-Clause
// Pad nodes: rows and columns of one value per channel around the image.
#include "graph/graph.h"

/// before + size + after; zero where it does not fit.
static int padded(int64_t size, int64_t before, int64_t after, int64_t *result) {
  return !__builtin_add_overflow(size, before, result) &&
         !__builtin_add_overflow(*result, after, result);
}

onefold_node onefold_graph_pad(onefold_graph *graph, onefold_node input,
                               const onefold_pad_params *params) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  const onefold_context *context = graph->context;
  if (!params)
    return onefold_graph_fail(
        graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "pad: params is NULL"));
  if (params->top < 0 || params->bottom < 0 || params->left < 0 || params->right < 0)
    return onefold_graph_fail(
        graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                            "pad: top %lld, bottom %lld, left %lld, right %lld: negative",
                            (long long)params->top, (long long)params->bottom,
                            (long long)params->left, (long long)params->right));
  const onefold_shape in = graph->nodes[input].shape;
  onefold_graph_node node = {.kind = ONEFOLD_NODE_PAD, .shape = in, .as.pad = *params};
  size_t elements, index;
  if (!padded(in.h, params->top, params->bottom, &node.shape.h) ||
      !padded(in.w, params->left, params->right, &node.shape.w) ||
      !onefold_shape_elements(node.shape, &elements))
    return onefold_graph_fail(
        graph,
        onefold_fail(context, ONEFOLD_OVERFLOW,
                     "pad: an image of %lldx%lld with %lld and %lld rows and %lld and %lld "
                     "columns more does not fit in memory",
                     (long long)in.h, (long long)in.w, (long long)params->top,
                     (long long)params->bottom, (long long)params->left, (long long)params->right));
  if (onefold_node_find_not_finite(params->value, (size_t)in.c, &index))
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                                                  "pad: the value of channel %zu is %g", index,
                                                  (double)params->value[index]));
  const onefold_node_array array = {params->value, (size_t)in.c, &node.as.pad.value};
  return onefold_graph_add_node(graph, &node, &input, 1, &array, 1);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_pad(to, inputs[0], &node->as.pad);
}

// The values are those of another node, a batch normalisation's result for zeros: not counted.
const onefold_node_type onefold_node_type_pad = {
    .name = "pad",
    .parameters = onefold_node_no_parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
