// SPDX-License-Identifier: BSD-3-Clause
// Moves the batch normalisation of a sum into the sum's terms: t*(a + b) + c = (t*a + c) + t*b.
#include "fold/rewrite.h"

// The sum that a batch normalisation is to be moved into; of that sum, its own number.
enum { SUM };

/// Can the term take a scale without a pass of its own?
static int takes_scale(const onefold_rewriting *r, onefold_node term) {
  const onefold_graph_node *nodes = r->source->nodes;
  while (r->uses[term] == 1 && nodes[term].kind == ONEFOLD_NODE_BATCH_NORM)
    term = nodes[term].inputs[0];
  const onefold_node_kind kind = nodes[term].kind;
  return r->uses[term] == 1 && (kind == ONEFOLD_NODE_CONV2D || kind == ONEFOLD_NODE_AVG_POOL);
}

/// Is the node a batch normalisation to be moved into the sum below? One tensor among the terms
/// may stay one: its scale goes into an epilogue.
static int moves(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *norm = &r->source->nodes[node];
  if (norm->kind != ONEFOLD_NODE_BATCH_NORM || !norm->as.batch_norm.mean) return 0;
  const onefold_node below = norm->inputs[0];
  const onefold_graph_node *sum = &r->source->nodes[below];
  if (sum->kind != ONEFOLD_NODE_SUM || r->uses[below] != 1) return 0;
  int32_t others = 0;
  for (int32_t k = 0; k < sum->input_count; k++) others += !takes_scale(r, sum->inputs[k]);
  return others <= 1 && sum->input_count > others;
}

static int find(const onefold_rewriting *r) {
  int found = 0;
  for (onefold_node i = 0; i < r->source->node_count; i++) {
    // A node that no output needs does not count as the sum's reader.
    if (r->uses[i] == 0 || !moves(r, i)) continue;
    const onefold_node below = r->source->nodes[i].inputs[0];
    r->notes[SUM][i] = r->notes[SUM][below] = below;
    found = 1;
  }
  return found;
}

/// The sum with the batch normalisation behind each term; the first term takes the shift.
static int replace(const onefold_rewriting *r, onefold_node node) {
  const onefold_node below = r->notes[SUM][node];
  if (below == ONEFOLD_NO_NODE) return 0;
  if (below == node) return 1; // it is added by its reader
  const onefold_graph_node *norm = &r->source->nodes[node], *sum = &r->source->nodes[below];
  float *zeros = onefold_rewrite_floats(r, node, (size_t)norm->shape.c);
  if (!zeros) return 1;
  onefold_batch_norm_params params = norm->as.batch_norm;
  for (int32_t k = 0; k < sum->input_count; k++) {
    r->operands[k] = onefold_graph_batch_norm(r->target, r->map[sum->inputs[k]], &params);
    onefold_graph_name(r->target, r->operands[k], norm->name);
    params.beta = NULL;
    params.mean = zeros;
  }
  r->map[node] = onefold_graph_sum(r->target, r->operands, (size_t)sum->input_count);
  onefold_graph_name(r->target, r->map[node], norm->name);
  onefold_release(r->source->context, zeros);
  return 1;
}

const onefold_rewrite onefold_rewrite_distribute = {find, replace};
