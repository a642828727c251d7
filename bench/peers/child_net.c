// SPDX-License-Identifier: BSD-3-Clause
// Hands a folded network on to a peer in a process of its own, node by node.
#include "bench/peers/child.h"

#include <inttypes.h>
#include <string.h>

typedef struct kind {
  const char *name;
  /// What follows the shape in the node's line; NULL for nothing.
  int (*line)(bench_peer_state *peer, const onefold_node_info *n);
  /// The node's arrays; NULL for none.
  int (*arrays)(bench_peer_state *peer, const onefold_node_info *n, int64_t channels);
} kind;

static int send_numbers(bench_peer_state *peer, const int64_t *numbers, size_t count) {
  int lost = 0;
  for (size_t i = 0; i < count; i++) lost |= onefold_child_send_line(peer, " %" PRId64, numbers[i]);
  return lost;
}

static int conv_line(bench_peer_state *peer, const onefold_node_info *n) {
  const onefold_graph_conv2d_params *p = n->conv2d;
  const int64_t numbers[] = {p->kernel_h,   p->kernel_w,   p->stride_h, p->stride_w,
                             p->dilation_h, p->dilation_w, p->pad_top,  p->pad_bottom,
                             p->pad_left,   p->pad_right,  p->groups,   n->bias != NULL};
  return send_numbers(peer, numbers, sizeof numbers / sizeof numbers[0]);
}

static int conv_arrays(bench_peer_state *peer, const onefold_node_info *n, int64_t channels) {
  const onefold_graph_conv2d_params *p = n->conv2d;
  const int64_t weights = p->out_channels * (channels / p->groups) * p->kernel_h * p->kernel_w;
  return onefold_child_send_floats(peer, n->weight, weights) ||
         (n->bias && onefold_child_send_floats(peer, n->bias, p->out_channels));
}

static int activation_line(bench_peer_state *peer, const onefold_node_info *n) {
  return onefold_child_send_line(peer, " %s %.9g", onefold_activation_name(n->activation),
                                 (double)n->activation_param);
}

static int pool_line(bench_peer_state *peer, const onefold_node_info *n) {
  const onefold_pool2d_params *p = n->pool;
  const int64_t numbers[] = {p->kernel_h, p->kernel_w,   p->stride_h, p->stride_w,
                             p->pad_top,  p->pad_bottom, p->pad_left, p->pad_right};
  return send_numbers(peer, numbers, sizeof numbers / sizeof numbers[0]);
}

static int upsample_line(bench_peer_state *peer, const onefold_node_info *n) {
  return send_numbers(peer, &n->upsample_factor, 1);
}

static int slice_line(bench_peer_state *peer, const onefold_node_info *n) {
  return send_numbers(peer, &n->slice_begin, 1);
}

static int excite_line(bench_peer_state *peer, const onefold_node_info *n) {
  return onefold_child_send_line(peer, " %" PRId64 " %s", n->squeeze_excite->hidden,
                                 onefold_activation_name(n->squeeze_excite->gate));
}

static int excite_arrays(bench_peer_state *peer, const onefold_node_info *n, int64_t channels) {
  const onefold_squeeze_excite_params *p = n->squeeze_excite;
  return onefold_child_send_floats(peer, p->reduce_weight, p->hidden * channels) ||
         onefold_child_send_floats(peer, p->reduce_bias, p->hidden) ||
         onefold_child_send_floats(peer, p->expand_weight, p->hidden * channels) ||
         onefold_child_send_floats(peer, p->expand_bias, channels);
}

static const kind kinds[] = {
    {"input", NULL, NULL},
    {"conv", conv_line, conv_arrays},
    {"activation", activation_line, NULL},
    {"sum", NULL, NULL},
    {"concat", NULL, NULL},
    {"slice", slice_line, NULL},
    {"max_pool", pool_line, NULL},
    {"global_pool", NULL, NULL},
    {"upsample", upsample_line, NULL},
    {"squeeze_excite", excite_line, excite_arrays},
};

/// NULL for nodes that the protocol does not have.
static const kind *find_kind(const onefold_node_info *n) {
  if (n->pool && n->pool->ceil_mode) return NULL;
  if (n->squeeze_excite && (!n->squeeze_excite->reduce_bias || !n->squeeze_excite->expand_bias))
    return NULL;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].name, n->kind) == 0) return &kinds[i];
  return NULL;
}

static onefold_node_info node_at(const onefold_graph *graph, onefold_node node) {
  onefold_node_info info = {0};
  onefold_graph_get_node(graph, node, &info);
  return info;
}

static int send_node(bench_peer_state *peer, const onefold_node_info *n) {
  const kind *k = find_kind(n);
  const int64_t shape[] = {n->shape.n, n->shape.c, n->shape.h, n->shape.w};
  int lost = onefold_child_send_line(peer, "%s %zu", k->name, n->input_count);
  for (size_t i = 0; i < n->input_count; i++)
    lost |= onefold_child_send_line(peer, " %d", (int)n->inputs[i]);
  lost |= send_numbers(peer, shape, 4) || (k->line && k->line(peer, n));
  return lost || onefold_child_send_line(peer, "\n");
}

bench_peer_made onefold_child_make_net(bench_peer_state *peer, const bench_peer_problem *p) {
  const onefold_node count = (onefold_node)onefold_graph_count(p->network).nodes;
  size_t outputs = 0;
  while (onefold_graph_output_at(p->network, outputs) != ONEFOLD_NO_NODE) outputs++;
  for (onefold_node i = 0; i < count; i++) {
    const onefold_node_info n = node_at(p->network, i);
    if (!find_kind(&n))
      return onefold_peer_say(peer, BENCH_PEER_REFUSED, "no way to hand on %s '%s'", n.kind,
                              n.name);
  }
  const onefold_shape in = onefold_graph_shape(p->network, onefold_graph_input_at(p->network, 0));
  int lost = onefold_child_send_line(peer, "net %d %zu\n", (int)count, outputs);
  for (onefold_node i = 0; i < count && !lost; i++) {
    const onefold_node_info n = node_at(p->network, i);
    lost = send_node(peer, &n);
  }
  for (size_t k = 0; k < outputs; k++)
    lost |= onefold_child_send_line(peer, "%s%d", k ? " " : "",
                                    (int)onefold_graph_output_at(p->network, k));
  lost |= onefold_child_send_line(peer, "\n") ||
          onefold_child_send_floats(peer, p->input, in.n * in.c * in.h * in.w);
  for (onefold_node i = 0; i < count && !lost; i++) {
    const onefold_node_info n = node_at(p->network, i);
    const kind *k = find_kind(&n);
    if (k->arrays) lost = k->arrays(peer, &n, onefold_graph_shape(p->network, n.inputs[0]).c);
  }
  return onefold_child_variants(peer); // says so where anything was lost
}
