// SPDX-License-Identifier: BSD-3-Clause
// Lowering of sums. Convolutions that only the sum reads become a chain: the first writes the
// result, each further one adds to it in its epilogue, and the last applies the activation.
// A tensor among the terms is the residual of the first one.
#include "graph/lower.h"
#include "ops/batch_norm.h"

/// Terms of a sum by what becomes of them.
typedef struct terms {
  int32_t convs, tensors;  // absorbed convolutions, and the rest
  onefold_node tensor;     // the last of the rest
  onefold_node activation; // an activation of a convolution that only the sum reads
} terms;

static terms classify(const onefold_lowering *lowering, onefold_node sum) {
  const onefold_graph *graph = lowering->graph;
  terms t = {0, 0, ONEFOLD_NO_NODE, ONEFOLD_NO_NODE};
  for (int32_t k = 0; k < graph->nodes[sum].input_count; k++) {
    const onefold_node term = graph->nodes[sum].inputs[k];
    const onefold_graph_node *n = &graph->nodes[term];
    if (lowering->uses[term] == 1 && n->kind == ONEFOLD_NODE_CONV2D) {
      t.convs++;
      continue;
    }
    t.tensors++;
    if (lowering->uses[term] == 1 && n->kind == ONEFOLD_NODE_ACTIVATION &&
        t.activation == ONEFOLD_NO_NODE && lowering->into[n->inputs[0]] == term &&
        graph->nodes[n->inputs[0]].kind == ONEFOLD_NODE_CONV2D)
      t.activation = term;
    else
      t.tensor = term;
  }
  return t;
}

static void absorb_sum(onefold_lowering *lowering, onefold_node sum) {
  const onefold_graph *graph = lowering->graph;
  const onefold_graph_node *n = &graph->nodes[sum];
  const terms t = classify(lowering, sum);
  for (int32_t k = 0; k < n->input_count; k++) {
    const onefold_node term = n->inputs[k];
    if (lowering->uses[term] == 1 && graph->nodes[term].kind == ONEFOLD_NODE_CONV2D)
      lowering->into[term] = sum;
  }
  if (t.convs > 0 && t.tensors == 1 && t.tensor != ONEFOLD_NO_NODE &&
      lowering->uses[t.tensor] == 1 && graph->nodes[t.tensor].kind == ONEFOLD_NODE_BATCH_NORM)
    lowering->into[t.tensor] = sum;
  if (t.convs == 0 && t.tensors == 2 && t.activation != ONEFOLD_NO_NODE)
    lowering->into[t.activation] = sum;
}

/// Non-zero when the last step of a node can apply an activation.
static int takes_activation(const onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  if (n->kind == ONEFOLD_NODE_SUM) return classify(lowering, node).convs > 0;
  if (n->kind == ONEFOLD_NODE_BORDER) return lowering->into[n->inputs[0]] == node;
  return n->kind == ONEFOLD_NODE_CONV2D || n->kind == ONEFOLD_NODE_SQUEEZE_EXCITE;
}

/// Non-zero when the steps of a node can add a tensor: of a convolution, or of a chain whose
/// residual is not taken by a batch normalisation.
static int takes_residual(const onefold_lowering *lowering, onefold_node node) {
  const onefold_graph *graph = lowering->graph;
  const onefold_graph_node *n = &graph->nodes[node];
  if (n->kind != ONEFOLD_NODE_SUM) return n->kind == ONEFOLD_NODE_CONV2D;
  for (int32_t k = 0; k < n->input_count; k++)
    if (lowering->into[n->inputs[k]] == node &&
        graph->nodes[n->inputs[k]].kind != ONEFOLD_NODE_CONV2D)
      return 0;
  return classify(lowering, node).convs > 0;
}

void onefold_lower_absorb(onefold_lowering *lowering) {
  for (int32_t i = 0; i < lowering->graph->node_count; i++) {
    const onefold_graph_node *n = &lowering->graph->nodes[i];
    if (lowering->uses[i] == 0) continue;
    if (n->kind == ONEFOLD_NODE_SUM) absorb_sum(lowering, i);
    if (n->kind == ONEFOLD_NODE_BORDER && lowering->uses[n->inputs[0]] == 1 &&
        takes_residual(lowering, n->inputs[0]))
      lowering->into[n->inputs[0]] = i;
    if (n->kind == ONEFOLD_NODE_ACTIVATION && lowering->uses[n->inputs[0]] == 1 &&
        takes_activation(lowering, n->inputs[0]))
      lowering->into[n->inputs[0]] = i;
  }
}

/// Adds the terms that are tensors, and the constant of a border node that the sum went into;
/// *owned is set when the result may be overwritten.
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

/// The BN that went into the sum as scale[c] and shift[c]; its input is the residual.
static onefold_node absorbed_batch_norm(const onefold_lowering *lowering, onefold_node sum,
                                        double *scale, double *shift) {
  const onefold_graph_node *n = &lowering->graph->nodes[sum];
  for (int32_t k = 0; k < n->input_count; k++) {
    const onefold_graph_node *term = &lowering->graph->nodes[n->inputs[k]];
    if (term->kind != ONEFOLD_NODE_BATCH_NORM || lowering->into[n->inputs[k]] != sum) continue;
    const onefold_batch_norm_params *p = &term->as.batch_norm;
    for (int64_t c = 0; c < term->shape.c; c++)
      onefold_batch_norm_channel(p, (size_t)c, &scale[c], &shift[c]);
    return term->inputs[0];
  }
  return ONEFOLD_NO_NODE;
}

/// The convolutions that went into the sum, one after the other.
static int32_t emit_chain(onefold_lowering *lowering, onefold_node sum, int32_t convs,
                          onefold_emit_conv first) {
  const onefold_graph *graph = lowering->graph;
  const onefold_graph_node *n = &graph->nodes[sum];
  onefold_emit_conv conv = first;
  for (int32_t k = 0; k < n->input_count; k++) {
    const onefold_node term = n->inputs[k];
    if (lowering->into[term] != sum || graph->nodes[term].kind != ONEFOLD_NODE_CONV2D) continue;
    const onefold_graph_node *c = &graph->nodes[term];
    conv.name = c->name;
    conv.weight = c->as.conv2d.weight;
    conv.bias = c->as.conv2d.bias;
    conv.src = onefold_lower_conv_source(lowering, term);
    onefold_node_conv2d_desc(graph, c, &conv.desc);
    if (--convs == 0) conv.activation = onefold_lower_absorbed_activation(lowering, sum);
    conv.dst = onefold_emit_conv2d(lowering, &conv);
    conv.residual = conv.dst;
    conv.residual_scale = conv.shift = NULL;
  }
  return conv.dst;
}

/// act(conv) + tensor, in the convolution's epilogue.
static int32_t emit_after_activation(onefold_lowering *lowering, onefold_node activation,
                                     onefold_emit_conv conv) {
  const onefold_graph *graph = lowering->graph;
  const onefold_node source = graph->nodes[activation].inputs[0];
  const onefold_graph_node *c = &graph->nodes[source];
  conv.name = c->name;
  conv.weight = c->as.conv2d.weight;
  conv.bias = c->as.conv2d.bias;
  conv.src = onefold_lower_conv_source(lowering, source);
  conv.residual_mode = ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
  conv.activation = graph->nodes[activation].as.activation;
  onefold_node_conv2d_desc(graph, c, &conv.desc);
  return onefold_emit_conv2d(lowering, &conv);
}

int32_t onefold_lower_sum(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const size_t channels = (size_t)n->shape.c;
  const terms t = classify(lowering, node);
  int owned;
  onefold_emit_conv conv = {.residual = add_tensors(lowering, node, &owned),
                            .residual_mode = ONEFOLD_RESIDUAL_BEFORE_ACTIVATION};
  conv.dst = owned ? conv.residual : ONEFOLD_NO_VALUE;
  if (lowering->fused && t.activation != ONEFOLD_NO_NODE && lowering->into[t.activation] == node)
    return emit_after_activation(lowering, t.activation, conv);
  if (!lowering->fused || t.convs == 0) {
    if (n->input_count > 1) return conv.residual;
    return lowering->fused
               ? onefold_emit_view(lowering, conv.residual, 0, n->shape)
               : onefold_emit_reorder(lowering, n->name, conv.residual, ONEFOLD_BLOCKED);
  }

  double *vectors = onefold_allocate(lowering->exec->context, 2 * channels * sizeof *vectors);
  if (!vectors) {
    lowering->status = onefold_fail(lowering->exec->context, ONEFOLD_OUT_OF_MEMORY,
                                    "no memory to plan '%s'", n->name);
    return ONEFOLD_NO_VALUE;
  }
  const onefold_node scaled = absorbed_batch_norm(lowering, node, vectors, vectors + channels);
  if (scaled != ONEFOLD_NO_NODE) {
    conv.residual = onefold_lower_operand(lowering, scaled);
    conv.residual_scale = vectors;
    conv.shift = vectors + channels;
  }
  const int32_t result = emit_chain(lowering, node, t.convs, conv);
  onefold_release(lowering->exec->context, vectors);
  return result;
}
