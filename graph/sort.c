// SPDX-License-Identifier: BSD-3-Clause
// The order of a graph's nodes.
#include "graph/graph.h"

#include <string.h>

/// A walk over the nodes that gives each a new number.
typedef struct walk {
  const onefold_graph *graph;
  onefold_node *place; // per node: its new number, or ONEFOLD_NO_NODE
  onefold_node *stack; // nodes whose operands are being placed
  int32_t count;
} walk;

/// The first operand of a node that has no place yet, or ONEFOLD_NO_NODE.
static onefold_node next_operand(const walk *w, onefold_node node) {
  const onefold_graph_node *n = &w->graph->nodes[node];
  for (int32_t k = 0; k < n->input_count; k++)
    if (w->place[n->inputs[k]] == ONEFOLD_NO_NODE) return n->inputs[k];
  return ONEFOLD_NO_NODE;
}

/// Places a node behind all that it reads.
static void place(walk *w, onefold_node node) {
  int32_t depth = 0;
  if (w->place[node] == ONEFOLD_NO_NODE) w->stack[depth++] = node;
  while (depth > 0) {
    const onefold_node top = w->stack[depth - 1], operand = next_operand(w, top);
    if (operand != ONEFOLD_NO_NODE)
      w->stack[depth++] = operand;
    else
      w->place[w->stack[--depth]] = w->count++;
  }
}

/// Moves the nodes to their places; `nodes` has room for all of them.
static void move(onefold_graph *graph, const onefold_node *to, int32_t count,
                 onefold_graph_node *nodes) {
  for (onefold_node i = 0; i < graph->node_count; i++) {
    onefold_graph_node *node = &graph->nodes[i];
    if (to[i] == ONEFOLD_NO_NODE) {
      onefold_release(graph->context, node->inputs);
      onefold_release(graph->context, node->weights);
      continue;
    }
    for (int32_t k = 0; k < node->input_count; k++) node->inputs[k] = to[node->inputs[k]];
    nodes[to[i]] = *node;
  }
  memcpy(graph->nodes, nodes, (size_t)count * sizeof *nodes);
  graph->node_count = count;
  for (int32_t k = 0; k < graph->output_count; k++) graph->outputs[k] = to[graph->outputs[k]];
}

onefold_status onefold_graph_sort(onefold_graph *graph) {
  const size_t count = (size_t)graph->node_count;
  const onefold_context *context = graph->context;
  if (graph->output_count == 0) return ONEFOLD_OK;
  onefold_node *arrays = onefold_allocate(context, 2 * count * sizeof *arrays);
  onefold_graph_node *nodes = onefold_allocate(context, count * sizeof *nodes);
  onefold_status status = ONEFOLD_OK;
  if (arrays && nodes) {
    walk w = {.graph = graph, .place = arrays, .stack = arrays + count};
    for (size_t i = 0; i < count; i++) w.place[i] = ONEFOLD_NO_NODE;
    for (onefold_node i = 0; i < graph->node_count; i++)
      if (graph->nodes[i].kind == ONEFOLD_NODE_INPUT) place(&w, i);
    for (int32_t k = 0; k < graph->output_count; k++) place(&w, graph->outputs[k]);
    move(graph, w.place, w.count, nodes);
  } else {
    status = onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to sort %zu nodes", count);
  }
  onefold_release(context, nodes);
  onefold_release(context, arrays);
  return status;
}
