// SPDX-License-Identifier: BSD-3-Clause
// Graphs: storage of nodes and outputs, names, totals.
#include "graph/graph.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const onefold_node_type *const types[ONEFOLD_NODE_KIND_COUNT] = {
#define ONEFOLD_NODE(id, name) [ONEFOLD_NODE_##id] = &onefold_node_type_##name,
#include "graph/node_list.def"
};

static const unsigned char linear[ONEFOLD_NODE_KIND_COUNT] = {
#define ONEFOLD_NODE_LINEAR(id, name) [ONEFOLD_NODE_##id] = 1,
#define ONEFOLD_NODE_JOIN(id, name)   [ONEFOLD_NODE_##id] = 1,
#include "graph/node_list.def"
};

const onefold_node_type *onefold_node_type_of(onefold_node_kind kind) {
  return types[kind];
}

int onefold_node_is_linear(onefold_node_kind kind) {
  return linear[kind];
}

int64_t onefold_node_no_parameters(const onefold_graph *graph, const onefold_graph_node *node) {
  (void)graph, (void)node;
  return 0;
}

double onefold_node_no_macs(const onefold_graph *graph, const onefold_graph_node *node) {
  (void)graph, (void)node;
  return 0;
}

int onefold_node_find_not_finite(const float *values, size_t count, size_t *index) {
  for (size_t i = 0; values && i < count; i++)
    if (!isfinite(values[i])) {
      *index = i;
      return 1;
    }
  return 0;
}

int onefold_shape_elements(onefold_shape shape, size_t *elements) {
  const int64_t sizes[4] = {shape.n, shape.c, shape.h, shape.w};
  size_t product = 1, bytes;
  for (int i = 0; i < 4; i++)
    if (sizes[i] <= 0 || !onefold_mul(product, (size_t)sizes[i], &product)) return 0;
  if (!onefold_mul(product, sizeof(double), &bytes) || bytes > PTRDIFF_MAX) return 0;
  *elements = product;
  return 1;
}

onefold_status onefold_graph_create(onefold_context *context, onefold_graph **graph) {
  if (!context || !graph)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        context ? "graph" : "context");
  *graph = onefold_allocate(context, sizeof **graph);
  if (!*graph) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for a graph");
  (*graph)->context = context;
  return ONEFOLD_OK;
}

static void release_node(const onefold_graph *graph, onefold_graph_node *node) {
  onefold_release(graph->context, node->inputs);
  onefold_release(graph->context, node->weights);
}

void onefold_graph_truncate(onefold_graph *graph, int32_t node_count) {
  while (graph->node_count > node_count) release_node(graph, &graph->nodes[--graph->node_count]);
}

void onefold_graph_destroy(onefold_graph *graph) {
  if (!graph) return;
  onefold_graph_truncate(graph, 0);
  onefold_release(graph->context, graph->nodes);
  onefold_release(graph->context, graph->outputs);
  onefold_release(graph->context, graph);
}

onefold_status onefold_graph_status(const onefold_graph *graph) {
  return graph ? graph->status : ONEFOLD_INVALID_ARGUMENT;
}

onefold_node onefold_graph_fail(onefold_graph *graph, onefold_status status) {
  if (graph && graph->status == ONEFOLD_OK) graph->status = status;
  return ONEFOLD_NO_NODE;
}

int onefold_graph_check_node(onefold_graph *graph, onefold_node node) {
  if (!graph || graph->status != ONEFOLD_OK) return 0;
  if (node >= 0 && node < graph->node_count) return 1;
  onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                         "node %d does not exist, the graph has %d", (int)node,
                                         (int)graph->node_count));
  return 0;
}

int onefold_graph_reserve(const onefold_context *context, void **array, int32_t count,
                          int32_t *capacity, size_t size) {
  if (count < *capacity) return 1;
  if (*capacity > INT32_MAX / 2) return 0;
  int32_t larger = *capacity ? 2 * *capacity : 16;
  void *copy = onefold_allocate(context, (size_t)larger * size);
  if (!copy) return 0;
  if (count) memcpy(copy, *array, (size_t)count * size);
  onefold_release(context, *array);
  *array = copy;
  *capacity = larger;
  return 1;
}

/// One allocation for all arrays, and the node's pointers into it.
static int take_arrays(const onefold_context *context, onefold_graph_node *node,
                       const onefold_node_array *arrays, size_t count) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++)
    if (arrays[i].source && __builtin_add_overflow(total, arrays[i].count, &total)) return 0;
  if (!onefold_mul(total, sizeof(float), &total)) return 0;
  node->weights = NULL;
  if (total && !(node->weights = onefold_allocate_unset(context, total))) return 0;
  float *next = node->weights;
  for (size_t i = 0; i < count; i++) {
    *arrays[i].target = arrays[i].source ? next : NULL;
    if (!arrays[i].source || !next) continue;
    memcpy(next, arrays[i].source, arrays[i].count * sizeof(float));
    next += arrays[i].count;
  }
  return 1;
}

onefold_node onefold_graph_add_node(onefold_graph *graph, onefold_graph_node *node,
                                    const onefold_node *inputs, size_t input_count,
                                    const onefold_node_array *arrays, size_t array_count) {
  const onefold_context *context = graph->context;
  size_t bytes;
  node->inputs = NULL;
  node->input_count = (int32_t)input_count;
  if (!onefold_graph_reserve(context, (void **)&graph->nodes, graph->node_count,
                             &graph->node_capacity, sizeof *graph->nodes) ||
      input_count > INT32_MAX || !onefold_mul(input_count, sizeof *inputs, &bytes) ||
      !(node->inputs = onefold_allocate(context, bytes)) ||
      !take_arrays(context, node, arrays, array_count)) {
    onefold_release(context, node->inputs);
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_OUT_OF_MEMORY,
                                                  "no memory for node %d", (int)graph->node_count));
  }
  if (bytes) memcpy(node->inputs, inputs, bytes);
  snprintf(node->name, sizeof node->name, "%s%d", types[node->kind]->name, (int)graph->node_count);
  graph->nodes[graph->node_count] = *node;
  return graph->node_count++;
}

void onefold_graph_name(onefold_graph *graph, onefold_node node, const char *name) {
  if (!graph || !name || node < 0 || node >= graph->node_count) return;
  snprintf(graph->nodes[node].name, sizeof graph->nodes[node].name, "%s", name);
}

onefold_node onefold_graph_copy_node(onefold_graph *to, const onefold_graph *from,
                                     onefold_node node, const onefold_node *inputs) {
  const onefold_graph_node *source = &from->nodes[node];
  onefold_node copy = types[source->kind]->copy(to, source, inputs);
  onefold_graph_name(to, copy, source->name);
  return copy;
}

onefold_status onefold_graph_output(onefold_graph *graph, onefold_node node) {
  if (!graph) return ONEFOLD_INVALID_ARGUMENT;
  if (!onefold_graph_check_node(graph, node)) return graph->status;
  if (!onefold_graph_reserve(graph->context, (void **)&graph->outputs, graph->output_count,
                             &graph->output_capacity, sizeof *graph->outputs)) {
    onefold_graph_fail(graph, onefold_fail(graph->context, ONEFOLD_OUT_OF_MEMORY,
                                           "no memory for output %d", (int)graph->output_count));
    return graph->status;
  }
  graph->outputs[graph->output_count++] = node;
  return ONEFOLD_OK;
}

onefold_node onefold_graph_input_at(const onefold_graph *graph, size_t index) {
  for (int32_t i = 0; graph && i < graph->node_count; i++)
    if (graph->nodes[i].kind == ONEFOLD_NODE_INPUT && index-- == 0) return i;
  return ONEFOLD_NO_NODE;
}

onefold_node onefold_graph_output_at(const onefold_graph *graph, size_t index) {
  return graph && index < (size_t)graph->output_count ? graph->outputs[index] : ONEFOLD_NO_NODE;
}

onefold_shape onefold_graph_shape(const onefold_graph *graph, onefold_node node) {
  if (!graph || node < 0 || node >= graph->node_count) return (onefold_shape){0};
  return graph->nodes[node].shape;
}

onefold_graph_totals onefold_graph_count(const onefold_graph *graph) {
  onefold_graph_totals totals = {0};
  if (!graph) return totals;
  totals.nodes = graph->node_count;
  for (int32_t i = 0; i < graph->node_count; i++) {
    const onefold_graph_node *node = &graph->nodes[i];
    totals.parameters += types[node->kind]->parameters(graph, node);
    totals.macs += types[node->kind]->macs(graph, node);
  }
  return totals;
}

void onefold_graph_count_uses(const onefold_graph *graph, int32_t *uses) {
  for (int32_t i = 0; i < graph->node_count; i++) uses[i] = 0;
  for (int32_t i = 0; i < graph->output_count; i++) uses[graph->outputs[i]]++;
  for (int32_t i = graph->node_count - 1; i >= 0; i--)
    for (int32_t k = 0; uses[i] > 0 && k < graph->nodes[i].input_count; k++)
      uses[graph->nodes[i].inputs[k]]++;
}
