// SPDX-License-Identifier: BSD-3-Clause
// Border nodes: a bias per channel and per class of rows and columns.
#include "graph/graph.h"

static int sizes_fit(onefold_shape in, const onefold_border_params *p) {
  return p->top >= 0 && p->bottom >= 0 && p->left >= 0 && p->right >= 0 && p->top <= in.h &&
         p->bottom <= in.h - p->top && p->left <= in.w && p->right <= in.w - p->left;
}

/// Numbers of a valid node's bias.
static size_t bias_count(onefold_shape shape, const onefold_border_params *p) {
  return (size_t)shape.c * (size_t)(p->top + 1 + p->bottom) * (size_t)(p->left + 1 + p->right);
}

int64_t onefold_border_class(int64_t position, int64_t size, int64_t before, int64_t after) {
  if (position < before) return position;
  return position < size - after ? before : position - (size - after) + before + 1;
}

onefold_node onefold_graph_border(onefold_graph *graph, onefold_node input,
                                  const onefold_border_params *params) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  const onefold_context *context = graph->context;
  if (!params || !params->bias)
    return onefold_graph_fail(graph,
                              onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "border: %s is NULL",
                                           params ? "bias" : "params"));
  const onefold_shape shape = graph->nodes[input].shape;
  if (!sizes_fit(shape, params))
    return onefold_graph_fail(
        graph,
        onefold_fail(context, ONEFOLD_SHAPE_MISMATCH,
                     "border: top %lld, bottom %lld, left %lld, right %lld in an image of "
                     "%lldx%lld",
                     (long long)params->top, (long long)params->bottom, (long long)params->left,
                     (long long)params->right, (long long)shape.h, (long long)shape.w));
  const onefold_shape classes = {1, shape.c, params->top + 1 + params->bottom,
                                 params->left + 1 + params->right};
  size_t count, index;
  if (!onefold_shape_elements(classes, &count))
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_OVERFLOW,
                                                  "border: a bias of %lldx%lldx%lld does not fit "
                                                  "in memory",
                                                  (long long)classes.c, (long long)classes.h,
                                                  (long long)classes.w));
  if (onefold_node_find_not_finite(params->bias, count, &index))
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                                                  "border: bias %zu is %g", index,
                                                  (double)params->bias[index]));
  onefold_graph_node node = {.kind = ONEFOLD_NODE_BORDER, .shape = shape, .as.border = *params};
  const onefold_node_array array = {params->bias, count, &node.as.border.bias};
  return onefold_graph_add_node(graph, &node, &input, 1, &array, 1);
}

static int64_t parameters(const onefold_graph *graph, const onefold_graph_node *node) {
  (void)graph;
  return (int64_t)bias_count(node->shape, &node->as.border);
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_border(to, inputs[0], &node->as.border);
}

const onefold_node_type onefold_node_type_border = {
    .name = "border",
    .parameters = parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
