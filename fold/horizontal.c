// SPDX-License-Identifier: BSD-3-Clause
// Joins convolutions that stand side by side: of one input, with one geometry, in one group, and
// with one activation after them or none. Their outputs become slices of one result.
#include "fold/rewrite.h"

#include <string.h>

/// Arrays of the rewrite, per node: its readers, its only reader, its copy; `leader` is the first
/// convolution of the group that a convolution belongs to, itself where it stands alone.
typedef struct scratch {
  const onefold_graph *source;
  onefold_graph *target;
  int32_t *uses;
  onefold_node *reader, *map, *leader, *operands;
} scratch;

/// The activation that alone reads a convolution, or ONEFOLD_NO_NODE.
static onefold_node activation_of(const scratch *s, onefold_node conv) {
  const onefold_node reader = s->reader[conv];
  return s->uses[conv] == 1 && reader != ONEFOLD_NO_NODE &&
                 s->source->nodes[reader].kind == ONEFOLD_NODE_ACTIVATION
             ? reader
             : ONEFOLD_NO_NODE;
}

/// A sum adds to a convolution in its epilogue; a border does too. Both want one of their own. A
/// fixed filter would count as trained.
static int may_join(const scratch *s, onefold_node node) {
  const onefold_graph_node *n = &s->source->nodes[node];
  if (n->kind != ONEFOLD_NODE_CONV2D || n->as.conv2d.fixed || n->as.conv2d.params.groups != 1)
    return 0;
  if (s->uses[node] != 1 || s->reader[node] == ONEFOLD_NO_NODE) return s->uses[node] > 0;
  const onefold_node_kind reader = s->source->nodes[s->reader[node]].kind;
  return reader != ONEFOLD_NODE_SUM && reader != ONEFOLD_NODE_BORDER;
}

static int same_activation(const scratch *s, onefold_node a, onefold_node b) {
  const onefold_node x = activation_of(s, a), y = activation_of(s, b);
  if (x == ONEFOLD_NO_NODE || y == ONEFOLD_NO_NODE) return x == y;
  const onefold_node_activation *p = &s->source->nodes[x].as.activation;
  const onefold_node_activation *q = &s->source->nodes[y].as.activation;
  return p->function == q->function && p->param == q->param;
}

static int side_by_side(const scratch *s, onefold_node a, onefold_node b) {
  const onefold_graph_node *x = &s->source->nodes[a], *y = &s->source->nodes[b];
  onefold_graph_conv2d_params p = x->as.conv2d.params;
  p.out_channels = y->as.conv2d.params.out_channels;
  return x->inputs[0] == y->inputs[0] && memcmp(&p, &y->as.conv2d.params, sizeof p) == 0 &&
         same_activation(s, a, b);
}

static void find_groups(const scratch *s) {
  for (onefold_node i = 0; i < s->source->node_count; i++) {
    s->leader[i] = i;
    for (onefold_node k = 0; may_join(s, i) && k < i; k++)
      if (s->leader[k] == k && may_join(s, k) && side_by_side(s, k, i)) {
        s->leader[i] = k;
        break;
      }
  }
}

/// The result that a convolution of a group stands for: its activation's, or its own.
static onefold_node result_of(const scratch *s, onefold_node conv) {
  const onefold_node activation = activation_of(s, conv);
  return activation == ONEFOLD_NO_NODE ? conv : activation;
}

/// Weights and biases of the group one after the other, as one convolution; or ONEFOLD_NO_NODE.
static onefold_node emit_conv(const scratch *s, onefold_node leader, int64_t channels) {
  const onefold_graph_node *first = &s->source->nodes[leader];
  onefold_graph_conv2d_params params = first->as.conv2d.params;
  const size_t row =
      (size_t)(s->source->nodes[first->inputs[0]].shape.c * params.kernel_h * params.kernel_w);
  params.out_channels = channels;
  onefold_context *context = s->source->context;
  float *weight = onefold_allocate(context, (size_t)channels * (row + 1) * sizeof *weight);
  if (!weight) {
    onefold_graph_fail(s->target, onefold_fail(context, ONEFOLD_OUT_OF_MEMORY,
                                               "no memory to join '%s'", first->name));
    return ONEFOLD_NO_NODE;
  }
  float *bias = weight + (size_t)channels * row;
  size_t at = 0;
  for (onefold_node i = leader; i < s->source->node_count; i++) {
    if (s->leader[i] != leader) continue;
    const onefold_node_conv2d *conv = &s->source->nodes[i].as.conv2d;
    const size_t own = (size_t)conv->params.out_channels;
    memcpy(weight + at * row, conv->weight, own * row * sizeof *weight);
    if (conv->bias) memcpy(bias + at, conv->bias, own * sizeof *bias);
    at += own;
  }
  const onefold_node input = s->map[first->inputs[0]];
  const onefold_node node = onefold_graph_conv2d(s->target, input, &params, weight, bias);
  onefold_graph_name(s->target, node, first->name);
  onefold_release(context, weight);
  return node;
}

/// The joined convolution, its activation, and a slice for each result of the group.
static void emit_group(const scratch *s, onefold_node leader) {
  const onefold_graph *source = s->source;
  int64_t channels = 0, begin = 0;
  for (onefold_node i = leader; i < source->node_count; i++)
    if (s->leader[i] == leader) channels += source->nodes[i].shape.c;
  onefold_node node = emit_conv(s, leader, channels);
  const onefold_node activation = activation_of(s, leader);
  if (activation != ONEFOLD_NO_NODE) {
    node = onefold_graph_copy_node(s->target, source, activation, &node);
  }
  for (onefold_node i = leader; i < source->node_count; i++) {
    if (s->leader[i] != leader) continue;
    const onefold_node result = result_of(s, i);
    s->map[result] = onefold_graph_slice(s->target, node, begin, source->nodes[i].shape.c);
    onefold_graph_name(s->target, s->map[result], source->nodes[result].name);
    begin += source->nodes[i].shape.c;
  }
}

static int has_followers(const scratch *s, onefold_node leader) {
  for (onefold_node i = leader + 1; i < s->source->node_count; i++)
    if (s->leader[i] == leader) return 1;
  return 0;
}

/// Fills the arrays; non-zero when there is something to join.
static int find_work(const scratch *s) {
  const onefold_graph *source = s->source;
  int found = 0;
  onefold_graph_count_uses(source, s->uses);
  for (onefold_node i = 0; i < source->node_count; i++) {
    s->reader[i] = s->map[i] = ONEFOLD_NO_NODE;
    for (int32_t k = 0; s->uses[i] > 0 && k < source->nodes[i].input_count; k++)
      s->reader[source->nodes[i].inputs[k]] = i;
  }
  find_groups(s);
  for (onefold_node i = 0; i < source->node_count; i++) found |= s->leader[i] != i;
  return found;
}

static onefold_status rewrite(const scratch *s) {
  const onefold_graph *source = s->source;
  for (onefold_node i = 0; i < source->node_count; i++) {
    const onefold_graph_node *node = &source->nodes[i];
    if (s->leader[i] == i && may_join(s, i) && has_followers(s, i)) emit_group(s, i);
    const int joined = s->leader[i] != i || (may_join(s, i) && has_followers(s, i));
    if (joined || s->map[i] != ONEFOLD_NO_NODE) continue;
    for (int32_t k = 0; k < node->input_count; k++) s->operands[k] = s->map[node->inputs[k]];
    s->map[i] = onefold_graph_copy_node(s->target, source, i, s->operands);
  }
  for (int32_t k = 0; k < source->output_count; k++)
    onefold_graph_output(s->target, s->map[source->outputs[k]]);
  return s->target->status;
}

onefold_status onefold_fold_horizontal(onefold_context *context, const onefold_graph *source,
                                       onefold_graph **target) {
  size_t count = (size_t)source->node_count, inputs = 1;
  for (onefold_node i = 0; i < source->node_count; i++)
    if ((size_t)source->nodes[i].input_count > inputs)
      inputs = (size_t)source->nodes[i].input_count;
  *target = NULL;
  onefold_node *arrays = onefold_allocate(context, (4 * count + inputs) * sizeof *arrays);
  onefold_status status = ONEFOLD_OK;
  if (!arrays)
    status = onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu nodes", count);
  scratch s = {.source = source};
  if (arrays) {
    s.uses = arrays;
    s.reader = arrays + count;
    s.map = arrays + 2 * count;
    s.leader = arrays + 3 * count;
    s.operands = arrays + 4 * count;
    if (find_work(&s)) status = onefold_graph_create(context, target);
  }
  if (*target) {
    s.target = *target;
    status = rewrite(&s);
  }
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(*target);
    *target = NULL;
  }
  onefold_release(context, arrays);
  return status;
}
