// SPDX-License-Identifier: BSD-3-Clause
// What all rewrites of a graph share: the walk over its nodes, and copies of those that stay.
#include "fold/rewrite.h"

void onefold_rewrite_copy(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *n = &r->source->nodes[node];
  for (int32_t k = 0; k < n->input_count; k++) r->operands[k] = r->map[n->inputs[k]];
  r->map[node] = onefold_graph_copy_node(r->target, r->source, node, r->operands);
}

float *onefold_rewrite_floats(const onefold_rewriting *r, onefold_node node, size_t count) {
  float *values = onefold_allocate(r->source->context, count * sizeof *values);
  if (!values)
    onefold_graph_fail(r->target,
                       onefold_fail(r->source->context, ONEFOLD_OUT_OF_MEMORY,
                                    "no memory to rewrite '%s'", r->source->nodes[node].name));
  return values;
}

static onefold_status walk(const onefold_rewrite *rewrite, const onefold_rewriting *r) {
  const onefold_graph *source = r->source;
  for (onefold_node i = 0; i < source->node_count && r->target->status == ONEFOLD_OK; i++) {
    const int needed = r->uses[i] > 0 || source->nodes[i].kind == ONEFOLD_NODE_INPUT;
    if (needed && r->map[i] == ONEFOLD_NO_NODE && !rewrite->replace(r, i))
      onefold_rewrite_copy(r, i);
  }
  for (int32_t k = 0; k < source->output_count && r->target->status == ONEFOLD_OK; k++)
    onefold_graph_output(r->target, r->map[source->outputs[k]]);
  return r->target->status;
}

onefold_status onefold_rewrite_graph(const onefold_rewrite *rewrite, const onefold_graph *source,
                                     onefold_graph **target) {
  enum { ARRAYS = 2 + ONEFOLD_REWRITE_NOTES };
  onefold_context *context = source->context;
  const size_t count = (size_t)source->node_count;
  size_t inputs = 1;
  for (onefold_node i = 0; i < source->node_count; i++)
    if ((size_t)source->nodes[i].input_count > inputs)
      inputs = (size_t)source->nodes[i].input_count;
  *target = NULL;
  onefold_node *arrays = onefold_allocate(context, (ARRAYS * count + inputs) * sizeof *arrays);
  if (!arrays)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to rewrite %zu nodes", count);
  for (size_t i = 0; i < ARRAYS * count; i++) arrays[i] = ONEFOLD_NO_NODE;
  onefold_rewriting r = {
      .source = source, .uses = arrays, .map = arrays + count, .operands = arrays + ARRAYS * count};
  for (size_t i = 0; i < ONEFOLD_REWRITE_NOTES; i++) r.notes[i] = arrays + (2 + i) * count;
  onefold_graph_count_uses(source, r.uses);
  onefold_status status = ONEFOLD_OK;
  if (rewrite->find(&r)) status = onefold_graph_create(context, &r.target);
  if (r.target) status = walk(rewrite, &r);
  if (status == ONEFOLD_OK)
    *target = r.target;
  else
    onefold_graph_destroy(r.target);
  onefold_release(context, arrays);
  return status;
}
