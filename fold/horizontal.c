// SPDX-License-Identifier: BSD-3-Clause
// Joins convolutions that stand side by side: of one input, with one geometry, in one group, and
// with one activation after them or none. Their outputs become slices of one result.
#include "fold/rewrite.h"

#include <string.h>

// The last reader of a node; of a convolution that is joined with others, the first of these.
enum { READER, FIRST };

/// The activation that alone reads a convolution, or ONEFOLD_NO_NODE.
static onefold_node activation_of(const onefold_rewriting *r, onefold_node conv) {
  const onefold_node reader = r->notes[READER][conv];
  return r->uses[conv] == 1 && reader != ONEFOLD_NO_NODE &&
                 r->source->nodes[reader].kind == ONEFOLD_NODE_ACTIVATION
             ? reader
             : ONEFOLD_NO_NODE;
}

/// A sum adds to a convolution in its epilogue; a border does too. Both want one of their own. A
/// fixed filter would count as trained.
static int may_join(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *n = &r->source->nodes[node];
  if (n->kind != ONEFOLD_NODE_CONV2D || n->as.conv2d.fixed || n->as.conv2d.params.groups != 1)
    return 0;
  if (r->uses[node] != 1 || r->notes[READER][node] == ONEFOLD_NO_NODE) return r->uses[node] > 0;
  const onefold_node_kind reader = r->source->nodes[r->notes[READER][node]].kind;
  return reader != ONEFOLD_NODE_SUM && reader != ONEFOLD_NODE_BORDER;
}

static int same_activation(const onefold_rewriting *r, onefold_node a, onefold_node b) {
  const onefold_node x = activation_of(r, a), y = activation_of(r, b);
  if (x == ONEFOLD_NO_NODE || y == ONEFOLD_NO_NODE) return x == y;
  const onefold_node_activation *p = &r->source->nodes[x].as.activation;
  const onefold_node_activation *q = &r->source->nodes[y].as.activation;
  return p->function == q->function && p->param == q->param;
}

static int side_by_side(const onefold_rewriting *r, onefold_node a, onefold_node b) {
  const onefold_graph_node *x = &r->source->nodes[a], *y = &r->source->nodes[b];
  onefold_graph_conv2d_params p = x->as.conv2d.params;
  p.out_channels = y->as.conv2d.params.out_channels;
  return x->inputs[0] == y->inputs[0] && memcmp(&p, &y->as.conv2d.params, sizeof p) == 0 &&
         same_activation(r, a, b);
}

/// The result that a convolution of a group stands for: its activation's, or its own.
static onefold_node result_of(const onefold_rewriting *r, onefold_node conv) {
  const onefold_node activation = activation_of(r, conv);
  return activation == ONEFOLD_NO_NODE ? conv : activation;
}

/// Weights and biases of the group one after the other, as one convolution; or ONEFOLD_NO_NODE.
static onefold_node emit_conv(const onefold_rewriting *r, onefold_node first, int64_t channels) {
  const onefold_graph_node *n = &r->source->nodes[first];
  onefold_graph_conv2d_params params = n->as.conv2d.params;
  const size_t row =
      (size_t)(r->source->nodes[n->inputs[0]].shape.c * params.kernel_h * params.kernel_w);
  params.out_channels = channels;
  float *weight = onefold_rewrite_floats(r, first, (size_t)channels * (row + 1));
  if (!weight) return ONEFOLD_NO_NODE;
  float *bias = weight + (size_t)channels * row;
  size_t at = 0;
  for (onefold_node i = first; i < r->source->node_count; i++) {
    if (r->notes[FIRST][i] != first) continue;
    const onefold_node_conv2d *conv = &r->source->nodes[i].as.conv2d;
    const size_t own = (size_t)conv->params.out_channels;
    memcpy(weight + at * row, conv->weight, own * row * sizeof *weight);
    if (conv->bias) memcpy(bias + at, conv->bias, own * sizeof *bias);
    at += own;
  }
  const onefold_node input = r->map[n->inputs[0]];
  const onefold_node node = onefold_graph_conv2d(r->target, input, &params, weight, bias);
  onefold_graph_name(r->target, node, n->name);
  onefold_release(r->source->context, weight);
  return node;
}

/// The joined convolution, its activation, and a slice for each result of the group.
static void emit_group(const onefold_rewriting *r, onefold_node first) {
  const onefold_graph *source = r->source;
  int64_t channels = 0, begin = 0;
  for (onefold_node i = first; i < source->node_count; i++)
    if (r->notes[FIRST][i] == first) channels += source->nodes[i].shape.c;
  onefold_node node = emit_conv(r, first, channels);
  const onefold_node activation = activation_of(r, first);
  if (activation != ONEFOLD_NO_NODE)
    node = onefold_graph_copy_node(r->target, source, activation, &node);
  for (onefold_node i = first; i < source->node_count; i++) {
    if (r->notes[FIRST][i] != first) continue;
    const onefold_node result = result_of(r, i);
    r->map[result] = onefold_graph_slice(r->target, node, begin, source->nodes[i].shape.c);
    onefold_graph_name(r->target, r->map[result], source->nodes[result].name);
    begin += source->nodes[i].shape.c;
  }
}

static int find(const onefold_rewriting *r) {
  const onefold_graph *source = r->source;
  onefold_node *const reader = r->notes[READER], *const first = r->notes[FIRST];
  int found = 0;
  for (onefold_node i = 0; i < source->node_count; i++)
    for (int32_t k = 0; r->uses[i] > 0 && k < source->nodes[i].input_count; k++)
      reader[source->nodes[i].inputs[k]] = i;
  for (onefold_node i = 0; i < source->node_count; i++)
    for (onefold_node k = 0; may_join(r, i) && k < i; k++) {
      const int leads = first[k] == ONEFOLD_NO_NODE || first[k] == k;
      if (!leads || !may_join(r, k) || !side_by_side(r, k, i)) continue;
      first[k] = first[i] = k;
      found = 1;
      break;
    }
  return found;
}

static int replace(const onefold_rewriting *r, onefold_node node) {
  if (r->notes[FIRST][node] == ONEFOLD_NO_NODE) return 0;
  if (r->notes[FIRST][node] == node) emit_group(r, node);
  return 1;
}

const onefold_rewrite onefold_rewrite_horizontal = {find, replace};
