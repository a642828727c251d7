// SPDX-License-Identifier: BSD-3-Clause
// Lowering of sums. In a fused execution the additions go into the epilogues of convolutions:
//
//   a(x) + b(y) + t   a chain: a writes a(x) + t, b adds b(y) to that; the last one applies the
//                     activation of the sum. t is one tensor, or what several were added up to;
//   a(x) + norm(t)    the same, with a batch normalisation in a's epilogue as a residual's scale;
//   act(a(x)) + t     one convolution, which adds t after its activation.
//
// All else is added by steps of its own: the other tensors of a chain, sums without convolutions,
// and every sum in an execution that is not fused.
#include "graph/lower.h"
#include "ops/batch_norm.h"

// ------------------------------------------------------------------- planning

int onefold_lower_is_link(const onefold_lowering *lowering, onefold_node term) {
  return lowering->uses[term] == 1 && lowering->graph->nodes[term].kind == ONEFOLD_NODE_CONV2D;
}

/// A batch normalisation that only the sum reads.
static int is_norm(const onefold_lowering *lowering, onefold_node term) {
  return lowering->uses[term] == 1 && lowering->graph->nodes[term].kind == ONEFOLD_NODE_BATCH_NORM;
}

/// An activation that only the sum reads, and that a convolution applies.
static int is_activated(const onefold_lowering *lowering, onefold_node term) {
  const onefold_graph_node *n = &lowering->graph->nodes[term];
  return lowering->uses[term] == 1 && n->kind == ONEFOLD_NODE_ACTIVATION &&
         lowering->into[n->inputs[0]] == term &&
         lowering->graph->nodes[n->inputs[0]].kind == ONEFOLD_NODE_CONV2D;
}

onefold_sum_plan onefold_lower_plan_sum(const onefold_lowering *lowering, onefold_node sum) {
  const onefold_graph_node *n = &lowering->graph->nodes[sum];
  onefold_sum_plan plan = {0, ONEFOLD_NO_NODE, ONEFOLD_NO_NODE};
  if (!lowering->fused) return plan;
  int32_t others = 0;
  for (int32_t k = 0; k < n->input_count; k++) {
    const onefold_node term = n->inputs[k];
    plan.links += onefold_lower_is_link(lowering, term);
    others += !onefold_lower_is_link(lowering, term);
    if (is_norm(lowering, term)) plan.scaled = term;
    if (plan.activated == ONEFOLD_NO_NODE && is_activated(lowering, term)) plan.activated = term;
  }
  // An epilogue adds one tensor: a norm has to be the only one, and a convolution with an
  // activation of its own cannot be a link.
  if (plan.links == 0 || others != 1) plan.scaled = ONEFOLD_NO_NODE;
  if (plan.links > 0 || others != 2) plan.activated = ONEFOLD_NO_NODE;
  return plan;
}

// ------------------------------------------------------------------- emitting

/// The sum of all terms that are tensors of their own, and of the constant of a border node that
/// the sum went into; ONEFOLD_NO_VALUE where there is none. *owned: it may be overwritten.
static int32_t add_tensors(onefold_lowering *lowering, onefold_node sum, int *owned) {
  const onefold_graph_node *n = &lowering->graph->nodes[sum];
  int32_t total = onefold_lower_absorbed_border(lowering, sum);
  *owned = 0;
  for (int32_t k = 0; k < n->input_count; k++) {
    const onefold_node term = n->inputs[k];
    if (lowering->into[term] == sum) continue;
    const int32_t value = onefold_lower_operand(lowering, term);
    if (total == ONEFOLD_NO_VALUE) {
      total = value;
      *owned = onefold_lower_in_place(lowering, term) != ONEFOLD_NO_VALUE;
      continue;
    }
    const int32_t dst = *owned ? total : onefold_lower_in_place(lowering, term);
    total = onefold_emit_add(lowering, n->name, total, value, dst);
    *owned = 1;
  }
  return total;
}

/// The links, one after the other. `conv` says what the first one adds, and where it writes.
static int32_t emit_chain(onefold_lowering *lowering, onefold_node sum, int32_t links,
                          onefold_emit_conv conv) {
  const onefold_graph_node *n = &lowering->graph->nodes[sum];
  for (int32_t k = 0; k < n->input_count; k++) {
    if (!onefold_lower_is_link(lowering, n->inputs[k])) continue;
    onefold_lower_set_conv(lowering, n->inputs[k], &conv);
    if (--links == 0) conv.activation = onefold_lower_absorbed_activation(lowering, sum);
    conv.dst = onefold_emit_conv2d(lowering, &conv);
    conv.residual = conv.dst;
    conv.residual_scale = conv.shift = NULL;
  }
  return conv.dst;
}

/// The links of a chain whose first one normalises what it adds.
static int32_t emit_scaled_chain(onefold_lowering *lowering, onefold_node sum,
                                 const onefold_sum_plan *plan, onefold_emit_conv conv) {
  const onefold_graph_node *norm = &lowering->graph->nodes[plan->scaled];
  const size_t channels = (size_t)norm->shape.c;
  double *scale = onefold_allocate(lowering->exec->context, 2 * channels * sizeof *scale);
  if (!scale) return onefold_emit_out_of_memory(lowering);
  double *shift = scale + channels;
  for (size_t c = 0; c < channels; c++)
    onefold_batch_norm_channel(&norm->as.batch_norm, c, &scale[c], &shift[c]);
  conv.residual = onefold_lower_operand(lowering, norm->inputs[0]);
  conv.residual_scale = scale;
  conv.shift = shift;
  const int32_t result = emit_chain(lowering, sum, plan->links, conv);
  onefold_release(lowering->exec->context, scale);
  return result;
}

/// act(conv) + tensor.
static int32_t emit_activated(onefold_lowering *lowering, onefold_node activation,
                              onefold_emit_conv conv) {
  const onefold_graph_node *n = &lowering->graph->nodes[activation];
  onefold_lower_set_conv(lowering, n->inputs[0], &conv);
  conv.residual_mode = ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
  conv.activation = n->as.activation;
  return onefold_emit_conv2d(lowering, &conv);
}

int32_t onefold_lower_sum(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const onefold_sum_plan plan = onefold_lower_plan_sum(lowering, node);
  int owned;
  const int32_t tensors = add_tensors(lowering, node, &owned);
  const onefold_emit_conv conv = {.residual = tensors,
                                  .residual_mode = ONEFOLD_RESIDUAL_BEFORE_ACTIVATION,
                                  .dst = owned ? tensors : ONEFOLD_NO_VALUE};
  if (plan.activated != ONEFOLD_NO_NODE) return emit_activated(lowering, plan.activated, conv);
  if (plan.scaled != ONEFOLD_NO_NODE) return emit_scaled_chain(lowering, node, &plan, conv);
  if (plan.links > 0) return emit_chain(lowering, node, plan.links, conv);
  if (n->input_count > 1) return tensors;
  // A sum of one is its term. It has a value of its own, because whether a value may be overwritten
  // is asked of the readers of one node.
  return lowering->fused ? onefold_emit_view(lowering, tensors, 0, n->shape)
                         : onefold_emit_reorder(lowering, n->name, tensors, ONEFOLD_BLOCKED);
}
