// SPDX-License-Identifier: BSD-3-Clause
// Lowering of a graph, and of the kinds of nodes that have no file of their own.
#include "graph/lower.h"

static onefold_lower_fn *const lower_kind[ONEFOLD_NODE_KIND_COUNT] = {
#define ONEFOLD_NODE(id, name) [ONEFOLD_NODE_##id] = onefold_lower_##name,
#include "graph/node_list.def"
};

int32_t onefold_lower_node(onefold_lowering *lowering, onefold_node node) {
  return lower_kind[lowering->graph->nodes[node].kind](lowering, node);
}

int32_t onefold_lower_input(onefold_lowering *lowering, onefold_node node) {
  return lowering->value[node];
}

int32_t onefold_lower_conv2d(onefold_lowering *lowering, onefold_node node) {
  onefold_emit_conv conv = {.residual_mode = ONEFOLD_RESIDUAL_BEFORE_ACTIVATION,
                            .activation = onefold_lower_absorbed_activation(lowering, node),
                            .dst = ONEFOLD_NO_VALUE};
  onefold_lower_set_conv(lowering, node, &conv);
  conv.residual = onefold_lower_absorbed_border(lowering, node);
  return onefold_emit_conv2d(lowering, &conv);
}

int32_t onefold_lower_batch_norm(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const int32_t src = onefold_lower_operand(lowering, n->inputs[0]);
  return onefold_emit_batch_norm(lowering, n->name, &n->as.batch_norm, src,
                                 onefold_lower_in_place(lowering, n->inputs[0]));
}

int32_t onefold_lower_activation(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const onefold_node input = n->inputs[0];
  if (lowering->into[input] == node) return onefold_lower_node(lowering, input);
  const int32_t src = onefold_lower_operand(lowering, input);
  return onefold_emit_activation(lowering, n->name, n->as.activation, src,
                                 onefold_lower_in_place(lowering, input));
}

/// A fully connected layer: a 1x1 convolution of a 1x1 image.
static int32_t emit_linear(onefold_lowering *lowering, const char *name, onefold_shape in,
                           int64_t out, const float *weight, const float *bias, int32_t src,
                           onefold_activation activation) {
  onefold_emit_conv conv = {.name = name,
                            .weight = weight,
                            .bias = bias,
                            .src = src,
                            .residual = ONEFOLD_NO_VALUE,
                            .activation = {activation, 0},
                            .dst = ONEFOLD_NO_VALUE};
  onefold_conv2d_desc_init(&conv.desc);
  conv.desc.batch = in.n;
  conv.desc.in_channels = in.c;
  conv.desc.in_h = conv.desc.in_w = 1;
  conv.desc.out_channels = out;
  return onefold_emit_conv2d(lowering, &conv);
}

int32_t onefold_lower_squeeze_excite(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const onefold_squeeze_excite_params *p = &n->as.squeeze_excite;
  const onefold_shape hidden = {n->shape.n, p->hidden, 1, 1};
  const int32_t src = onefold_lower_operand(lowering, n->inputs[0]);
  const int32_t mean = onefold_emit_mean(lowering, n->name, src);
  const int32_t reduced = emit_linear(lowering, n->name, n->shape, p->hidden, p->reduce_weight,
                                      p->reduce_bias, mean, ONEFOLD_ACT_RELU);
  const int32_t gate = emit_linear(lowering, n->name, hidden, n->shape.c, p->expand_weight,
                                   p->expand_bias, reduced, p->gate);
  return onefold_emit_channel_scale(lowering, n->name, src, gate,
                                    onefold_lower_absorbed_activation(lowering, node),
                                    onefold_lower_in_place(lowering, n->inputs[0]));
}

/// The caller's buffers that the graph reads: one value each, in the order of declaration.
static void lower_inputs(onefold_lowering *lowering) {
  int32_t count = 0;
  for (int32_t i = 0; i < lowering->graph->node_count; i++) {
    const onefold_graph_node *n = &lowering->graph->nodes[i];
    if (n->kind != ONEFOLD_NODE_INPUT) continue;
    const int32_t value = onefold_emit_value(lowering, n->shape, lowering->in_layout);
    if (value == ONEFOLD_NO_VALUE) return;
    lowering->exec->values[value].input = count++;
    if (lowering->in_layout == ONEFOLD_BLOCKED)
      lowering->value[i] = value;
    else
      lowering->plain[i] = value;
  }
}

/// Binds results to the caller's buffers; reorders or copies those that cannot be written there.
static void lower_outputs(onefold_lowering *lowering) {
  onefold_exec *exec = lowering->exec;
  for (int32_t k = 0; k < lowering->graph->output_count; k++) {
    const onefold_node node = lowering->graph->outputs[k];
    int32_t value = lowering->plain[node] != ONEFOLD_NO_VALUE
                        ? lowering->plain[node]
                        : onefold_lower_operand(lowering, node);
    if (value == ONEFOLD_NO_VALUE) return;
    const onefold_value *v = &exec->values[value];
    if (v->layout != lowering->out_layout || v->input >= 0 || v->output >= 0 ||
        v->parent != ONEFOLD_NO_VALUE)
      value = onefold_emit_reorder(lowering, lowering->graph->nodes[node].name, value,
                                   lowering->out_layout);
    if (value == ONEFOLD_NO_VALUE) return;
    exec->values[value].output = k;
  }
}

/// Fails where the result depends on the batch.
static void check_statistics(onefold_lowering *lowering) {
  const onefold_graph *graph = lowering->graph;
  for (int32_t i = 0; i < graph->node_count && lowering->status == ONEFOLD_OK; i++) {
    const onefold_graph_node *n = &graph->nodes[i];
    if (lowering->uses[i] > 0 && n->kind == ONEFOLD_NODE_BATCH_NORM && !n->as.batch_norm.mean)
      onefold_emit_fail(lowering, onefold_fail(graph->context, ONEFOLD_UNSUPPORTED,
                                               "'%s' has no running statistics: its result "
                                               "depends on the batch",
                                               n->name));
  }
}

onefold_status onefold_lower(onefold_exec *exec, const onefold_graph *graph,
                             const onefold_exec_options *options) {
  const onefold_context *context = exec->context;
  const size_t count = (size_t)graph->node_count;
  onefold_lowering lowering = {.exec = exec,
                               .graph = graph,
                               .in_layout = options->in_layout,
                               .out_layout = options->out_layout,
                               .fused = options->fuse_epilogues != 0,
                               .copies_parts = options->copies_parts != 0};
  int32_t *arrays = onefold_allocate(context, 4 * count * sizeof *arrays);
  if (!arrays) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to plan the graph");
  lowering.uses = arrays;
  lowering.value = arrays + count;
  lowering.plain = arrays + 2 * count;
  lowering.into = arrays + 3 * count;
  onefold_graph_count_uses(graph, lowering.uses);
  for (int32_t i = 0; i < graph->node_count; i++) {
    lowering.value[i] = lowering.plain[i] = ONEFOLD_NO_VALUE;
    lowering.into[i] = i;
  }
  check_statistics(&lowering);
  if (lowering.fused) onefold_lower_absorb(&lowering);
  lower_inputs(&lowering);
  for (int32_t i = 0; i < graph->node_count && lowering.status == ONEFOLD_OK; i++)
    if (lowering.into[i] == i && lowering.uses[i] > 0)
      lowering.value[i] = onefold_lower_node(&lowering, i);
  lower_outputs(&lowering);
  if (lowering.fused && lowering.status == ONEFOLD_OK) onefold_lower_pairs(exec, options->pairs);
  onefold_release(context, arrays);
  return lowering.status;
}
