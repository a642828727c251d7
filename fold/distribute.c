// SPDX-License-Identifier: BSD-3-Clause
// Moves the batch normalisation of a sum into the sum's terms: t*(a + b) + c = (t*a + c) + t*b.
#include "fold/rewrite.h"

/// Can the term take a scale without a pass of its own?
static int takes_scale(const onefold_graph *graph, const int32_t *uses, onefold_node term) {
  while (uses[term] == 1 && graph->nodes[term].kind == ONEFOLD_NODE_BATCH_NORM)
    term = graph->nodes[term].inputs[0];
  const onefold_node_kind kind = graph->nodes[term].kind;
  return uses[term] == 1 && (kind == ONEFOLD_NODE_CONV2D || kind == ONEFOLD_NODE_AVG_POOL);
}

/// The sum that a batch normalisation is to be moved into, or NULL. One tensor among the terms
/// may stay one: its scale goes into an epilogue.
static const onefold_graph_node *sum_below(const onefold_graph *graph, const int32_t *uses,
                                           const onefold_graph_node *node) {
  if (node->kind != ONEFOLD_NODE_BATCH_NORM || !node->as.batch_norm.mean) return NULL;
  const onefold_node below = node->inputs[0];
  const onefold_graph_node *sum = &graph->nodes[below];
  if (sum->kind != ONEFOLD_NODE_SUM || uses[below] != 1) return NULL;
  int32_t others = 0;
  for (int32_t k = 0; k < sum->input_count; k++)
    others += !takes_scale(graph, uses, sum->inputs[k]);
  return others <= 1 && sum->input_count > others ? sum : NULL;
}

/// The sum with a batch normalisation behind each term; the first term takes the shift.
static onefold_node spread(onefold_graph *target, const onefold_graph_node *sum,
                           const onefold_graph_node *norm, const float *zeros,
                           const onefold_node *map, onefold_node *terms) {
  onefold_batch_norm_params params = norm->as.batch_norm;
  for (int32_t k = 0; k < sum->input_count; k++) {
    terms[k] = onefold_graph_batch_norm(target, map[sum->inputs[k]], &params);
    onefold_graph_name(target, terms[k], norm->name);
    params.beta = NULL;
    params.mean = zeros;
  }
  return onefold_graph_sum(target, terms, (size_t)sum->input_count);
}

/// Arrays of a rewrite: per node, its readers, its copy, and the sum that it is to be moved into
/// or that moves (then marked by itself); and room for operands.
typedef struct scratch {
  int32_t *uses;
  onefold_node *map;
  const onefold_graph_node **sums;
  onefold_node *operands;
  float *zeros;
} scratch;

/// Fills sums[]; how many are to be moved.
static int32_t find_sums(const onefold_graph *source, const scratch *s) {
  int32_t found = 0;
  onefold_graph_count_uses(source, s->uses);
  for (onefold_node i = 0; i < source->node_count; i++) {
    const onefold_graph_node *node = &source->nodes[i];
    // A node that no output needs does not count as the sum's reader.
    if (s->uses[i] == 0 || !(s->sums[i] = sum_below(source, s->uses, node))) continue;
    s->sums[node->inputs[0]] = s->sums[i];
    found++;
  }
  return found;
}

static onefold_status rewrite(const onefold_graph *source, onefold_graph *target,
                              const scratch *s) {
  for (onefold_node i = 0; i < source->node_count; i++) {
    const onefold_graph_node *node = &source->nodes[i];
    if (s->uses[i] == 0 && node->kind != ONEFOLD_NODE_INPUT) continue;
    if (s->sums[i] == node) continue; // it is added by its reader
    if (s->sums[i]) {
      s->map[i] = spread(target, s->sums[i], node, s->zeros, s->map, s->operands);
      onefold_graph_name(target, s->map[i], node->name);
      continue;
    }
    for (int32_t k = 0; k < node->input_count; k++) s->operands[k] = s->map[node->inputs[k]];
    s->map[i] = onefold_graph_copy_node(target, source, i, s->operands);
  }
  for (int32_t k = 0; k < source->output_count; k++)
    onefold_graph_output(target, s->map[source->outputs[k]]);
  return target->status;
}

onefold_status onefold_fold_distribute(onefold_context *context, const onefold_graph *source,
                                       onefold_graph **target) {
  size_t count = (size_t)source->node_count, inputs = 1, channels = 1;
  for (onefold_node i = 0; i < source->node_count; i++) {
    const onefold_graph_node *node = &source->nodes[i];
    if ((size_t)node->input_count > inputs) inputs = (size_t)node->input_count;
    if ((size_t)node->shape.c > channels) channels = (size_t)node->shape.c;
  }
  const scratch s = {.uses = onefold_allocate(context, count * sizeof *s.uses),
                     .map = onefold_allocate(context, count * sizeof *s.map),
                     .sums = onefold_allocate(context, count * sizeof *s.sums),
                     .operands = onefold_allocate(context, inputs * sizeof *s.operands),
                     .zeros = onefold_allocate(context, channels * sizeof *s.zeros)};
  *target = NULL;
  onefold_status status = ONEFOLD_OK;
  if (!s.uses || !s.map || !s.sums || !s.operands || !s.zeros)
    status = onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu nodes", count);
  else if (find_sums(source, &s) > 0)
    status = onefold_graph_create(context, target);
  if (*target) status = rewrite(source, *target, &s);
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(*target);
    *target = NULL;
  }
  onefold_release(context, s.zeros);
  onefold_release(context, s.operands);
  onefold_release(context, (void *)s.sums);
  onefold_release(context, s.map);
  onefold_release(context, s.uses);
  return status;
}
