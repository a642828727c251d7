// SPDX-License-Identifier: BSD-3-Clause
// Runs a region and what it became on the same random data, in float32.
#include "fold/pass.h"

#include <onefold/exec.h>

#include <math.h>

/// One side of the comparison: a graph of its own, and for each of its inputs the node of the
/// target whose data it takes.
typedef struct side {
  onefold_graph *graph;
  onefold_node *copy;   // per node of the original: its copy, or ONEFOLD_NO_NODE
  onefold_node *inputs; // per input of the graph
  int32_t input_count;
  float *values, *result; // all inputs one after the other; the output
  size_t result_count;
} side;

/// The copy of an operand; an input in the place of a node outside the region.
static onefold_node operand(side *s, const onefold_graph *from, onefold_node node,
                            onefold_node data) {
  if (s->copy[node] == ONEFOLD_NO_NODE) {
    s->copy[node] = onefold_graph_input(s->graph, from->nodes[node].shape);
    s->inputs[s->input_count++] = data;
  }
  return s->copy[node];
}

static int prepare(const onefold_folding *folding, const onefold_graph *from, side *s) {
  const size_t count = (size_t)from->node_count;
  s->copy = onefold_allocate(folding->context, 2 * count * sizeof *s->copy);
  if (!s->copy || onefold_graph_create(folding->context, &s->graph) != ONEFOLD_OK) return 0;
  s->inputs = s->copy + count;
  for (size_t i = 0; i < count; i++) s->copy[i] = ONEFOLD_NO_NODE;
  return 1;
}

static int extract_before(const onefold_folding *folding, onefold_node root, side *s,
                          onefold_node *operands) {
  const onefold_graph *from = folding->source;
  if (!prepare(folding, from, s)) return 0;
  for (onefold_node i = folding->regions.first[root]; i != ONEFOLD_NO_NODE;
       i = folding->regions.next[i]) {
    for (int32_t k = 0; k < from->nodes[i].input_count; k++) {
      const onefold_node input = from->nodes[i].inputs[k];
      operands[k] = operand(s, from, input, folding->map[input]);
    }
    s->copy[i] = onefold_graph_copy_node(s->graph, from, i, operands);
  }
  return onefold_graph_output(s->graph, s->copy[root]) == ONEFOLD_OK;
}

static int extract_after(const onefold_folding *folding, onefold_node root, onefold_node begin,
                         side *s, onefold_node *operands) {
  const onefold_graph *from = folding->target;
  if (!prepare(folding, from, s)) return 0;
  for (onefold_node i = begin; i < from->node_count; i++) {
    for (int32_t k = 0; k < from->nodes[i].input_count; k++) {
      const onefold_node input = from->nodes[i].inputs[k];
      operands[k] = operand(s, from, input, input);
    }
    s->copy[i] = onefold_graph_copy_node(s->graph, from, i, operands);
  }
  const onefold_node result = folding->map[root];
  return onefold_graph_output(s->graph, operand(s, from, result, result)) == ONEFOLD_OK;
}

/// Uniform in [-1, 1): splitmix64 of the seed, the node and the index.
static float random_value(uint64_t seed, onefold_node node, size_t index) {
  uint64_t x = seed + 0x9e3779b97f4a7c15u * (((uint64_t)node << 40) + index + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return (float)(x >> 40) * 0x1p-23f - 1;
}

static int run(const onefold_folding *folding, side *s, int fused) {
  onefold_context *context = folding->context;
  const onefold_exec_options options = {.struct_size = sizeof options, .fuse_epilogues = fused};
  const float **inputs = onefold_allocate(context, ((size_t)s->input_count + 1) * sizeof *inputs);
  size_t total = 0, at = 0;
  for (int32_t i = 0; i < s->input_count; i++)
    total +=
        onefold_tensor_elements(context, folding->target->nodes[s->inputs[i]].shape, ONEFOLD_NCHW);
  s->result_count =
      onefold_tensor_elements(context, s->graph->nodes[s->graph->outputs[0]].shape, ONEFOLD_NCHW);
  s->values = onefold_allocate(context, (total + 1) * sizeof *s->values);
  s->result = onefold_allocate(context, s->result_count * sizeof *s->result);
  onefold_exec *exec = NULL;
  int done = inputs && s->values && s->result &&
             onefold_exec_create(context, s->graph, &options, &exec) == ONEFOLD_OK &&
             onefold_exec_pack(exec) == ONEFOLD_OK;
  for (int32_t i = 0; done && i < s->input_count; i++) {
    const onefold_shape shape = folding->target->nodes[s->inputs[i]].shape;
    const size_t count = onefold_tensor_elements(context, shape, ONEFOLD_NCHW);
    inputs[i] = s->values + at;
    for (size_t k = 0; k < count; k++)
      s->values[at + k] = random_value(folding->options->seed, s->inputs[i], k);
    at += count;
  }
  done = done && onefold_exec_run(exec, inputs, &s->result) == ONEFOLD_OK;
  onefold_exec_destroy(exec);
  onefold_release(context, inputs);
  return done;
}

static void destroy(const onefold_folding *folding, side *s) {
  onefold_release(folding->context, s->values);
  onefold_release(folding->context, s->result);
  onefold_release(folding->context, s->copy);
  onefold_graph_destroy(s->graph);
}

void onefold_fold_measure(const onefold_folding *folding, onefold_node root, onefold_node begin,
                          onefold_fold_region *region) {
  side before = {0}, after = {0};
  onefold_node *operands = folding->operands;
  if (extract_before(folding, root, &before, operands) &&
      extract_after(folding, root, begin, &after, operands) && run(folding, &before, 0) &&
      run(folding, &after, 1)) {
    double largest = 0, error = 0;
    for (size_t i = 0; i < before.result_count; i++) {
      const double a = (double)before.result[i], b = (double)after.result[i];
      const double difference = isnan(a - b) ? INFINITY : fabs(a - b);
      if (fabs(a) > largest) largest = fabs(a);
      if (difference > error) error = difference;
    }
    region->max_abs_error = error;
    region->max_rel_error = isinf(error) ? INFINITY : error > 0 ? error / largest : 0;
  }
  destroy(folding, &before);
  destroy(folding, &after);
}
