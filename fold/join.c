// SPDX-License-Identifier: BSD-3-Clause
// Joins: nodes that put several maps together. What sums and concatenations share.
#include "fold/region.h"

void onefold_join_terms(onefold_folding *folding, onefold_node node) {
  const onefold_graph_node *join = &folding->source->nodes[node];
  for (int32_t k = 0; k < join->input_count; k++)
    folding->terms[k] = onefold_region_operand(folding, node, join->inputs[k]);
}

onefold_form onefold_join_emit(onefold_folding *folding, onefold_node node) {
  const onefold_graph_node *join = &folding->source->nodes[node];
  int32_t left = 0;
  for (int32_t k = 0; k < join->input_count; k++) {
    onefold_form *term = &folding->terms[k];
    if (term->base == ONEFOLD_NO_NODE) continue;
    const onefold_node named = term->source != ONEFOLD_NO_NODE ? term->source : join->inputs[k];
    folding->operands[left++] = onefold_form_emit(folding, term, named);
  }
  onefold_form form = onefold_no_form;
  if (folding->status != ONEFOLD_OK || folding->broken) return form;
  form.base = join->kind == ONEFOLD_NODE_SUM
                  ? onefold_graph_sum(folding->target, folding->operands, (size_t)left)
                  : onefold_graph_concat(folding->target, folding->operands, (size_t)left);
  onefold_graph_name(folding->target, form.base, join->name);
  if (folding->status == ONEFOLD_OK) folding->status = folding->target->status;
  return form;
}
