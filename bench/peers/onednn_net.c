// SPDX-License-Identifier: BSD-3-Clause
// A folded network by oneDNN, layer by layer: each convolution with what alone reads it, in order;
// tensors stay in oneDNN's own layouts from the input, NCHW, to the outputs, NCHW.
#include "bench/peers/onednn_net.h"

#include "bench/clock.h"

#include <stdlib.h>
#include <string.h>

static onefold_node_info info_of(const onednn_net *net, int32_t node) {
  onefold_node_info info = {0};
  onefold_graph_get_node(net->graph, node, &info);
  return info;
}

static int is(const onefold_node_info *n, const char *kind) {
  return strcmp(n->kind, kind) == 0;
}

// -------------------------------------------------------------------- planning

static dnnl_status_t make_arrays(onednn_net *net, const onefold_graph *graph) {
  net->graph = graph;
  net->node_count = (int32_t)onefold_graph_count(graph).nodes;
  while (onefold_graph_output_at(graph, (size_t)net->output_count) != ONEFOLD_NO_NODE)
    net->output_count++;
  const size_t count = (size_t)net->node_count;
  int32_t *arrays = net->uses = malloc((5 * count + (size_t)net->output_count) * sizeof *arrays);
  if (!arrays) return dnnl_out_of_memory;
  net->reader = arrays + count;
  net->into = arrays + 2 * count;
  net->end = arrays + 3 * count;
  net->of_node = arrays + 4 * count;
  net->outputs = arrays + 5 * count;
  for (size_t i = 0; i < count; i++) {
    net->uses[i] = 0;
    net->reader[i] = net->into[i] = net->end[i] = net->of_node[i] = -1;
  }
  for (int32_t k = 0; k < net->output_count; k++) {
    net->outputs[k] = ONEDNN_NO_VALUE;
    net->uses[onefold_graph_output_at(graph, (size_t)k)]++;
  }
  for (int32_t i = 0; i < net->node_count; i++) {
    const onefold_node_info n = info_of(net, i);
    for (size_t k = 0; k < n.input_count; k++) {
      net->uses[n.inputs[k]]++;
      net->reader[n.inputs[k]] = i;
    }
  }
  return dnnl_success;
}

/// What alone reads a convolution and can happen to its result: activations, and sums with another
/// tensor. into[node] becomes the convolution, end[convolution] the last of them.
static void absorb(onednn_net *net, int32_t conv) {
  int32_t at = conv;
  for (int posts = 0; posts < ONEDNN_NET_POSTS / 2; posts++) {
    const int32_t reader = net->reader[at];
    if (net->uses[at] != 1 || reader < 0 || net->into[reader] >= 0) break;
    const onefold_node_info n = info_of(net, reader);
    const int adds = is(&n, "sum") && n.input_count == 2 && n.inputs[0] != n.inputs[1];
    if (!adds && !is(&n, "activation")) break;
    net->into[reader] = conv;
    at = reader;
  }
  net->end[conv] = at;
}

static void absorb_all(onednn_net *net) {
  for (int32_t i = 0; i < net->node_count; i++) {
    const onefold_node_info n = info_of(net, i);
    if (is(&n, "conv")) absorb(net, i);
  }
}

// ---------------------------------------------------------------------- making

static bench_peer_layer layer_of(const onednn_net *net, const onefold_node_info *n) {
  const onefold_graph_conv2d_params *p = n->conv2d;
  bench_peer_layer layer = {.in = onefold_graph_shape(net->graph, n->inputs[0]),
                            .out = n->shape,
                            .weight = n->weight,
                            .bias = n->bias};
  onefold_conv2d_desc *d = &layer.desc;
  onefold_conv2d_desc_init(d);
  d->batch = layer.in.n;
  d->in_channels = layer.in.c;
  d->in_h = layer.in.h;
  d->in_w = layer.in.w;
  d->out_channels = p->out_channels;
  d->kernel_h = p->kernel_h;
  d->kernel_w = p->kernel_w;
  d->stride_h = p->stride_h;
  d->stride_w = p->stride_w;
  d->dilation_h = p->dilation_h;
  d->dilation_w = p->dilation_w;
  d->pad_top = p->pad_top;
  d->pad_bottom = p->pad_bottom;
  d->pad_left = p->pad_left;
  d->pad_right = p->pad_right;
  d->groups = p->groups;
  return layer;
}

/// The convolution and all that it absorbed.
static dnnl_status_t make_conv(onednn_net *net, int32_t conv) {
  const onefold_node_info n = info_of(net, conv);
  const bench_peer_layer layer = layer_of(net, &n);
  onednn_post posts[ONEDNN_NET_POSTS];
  int count = 0;
  for (int32_t at = conv; at != net->end[conv];) {
    const int32_t below = at;
    at = net->reader[at];
    const onefold_node_info post = info_of(net, at);
    if (is(&post, "activation")) {
      onefold_onednn_net_activation(post.activation, post.activation_param, posts, &count);
    } else {
      const int32_t other = post.inputs[post.inputs[0] == below];
      posts[count++] = (onednn_post){.value = net->of_node[other]};
    }
  }
  net->node = conv;
  return onefold_onednn_net_conv(net, &layer, net->of_node[n.inputs[0]], posts, count,
                                 &net->of_node[net->end[conv]]);
}

static dnnl_status_t make_input(onednn_net *net, const onefold_node_info *n, const float *input,
                                int32_t *result) {
  const dnnl_dims_t dims = {n->shape.n, n->shape.c, n->shape.h, n->shape.w};
  const onednn_layout plain = onefold_onednn_layout(4, dims, dnnl_nchw);
  *result = onefold_onednn_net_constant(net, plain, plain, input);
  return *result == ONEDNN_NO_VALUE ? dnnl_out_of_memory : dnnl_success;
}

static dnnl_status_t make_node(onednn_net *net, int32_t i, const float *input) {
  const onefold_node_info n = info_of(net, i);
  const int is_conv = is(&n, "conv");
  const int32_t conv = is_conv ? i : net->into[i];
  net->node = i;
  if (conv >= 0 && net->end[conv] != i) return dnnl_success; // made with what follows
  if (conv >= 0) return make_conv(net, conv);
  if (is(&n, "input")) return make_input(net, &n, input, &net->of_node[i]);
  return onefold_onednn_net_node(net, &n, &net->of_node[i]);
}

static dnnl_status_t make_outputs(onednn_net *net) {
  dnnl_status_t status = dnnl_success;
  for (int32_t k = 0; k < net->output_count && status == dnnl_success; k++) {
    const onefold_node node = onefold_graph_output_at(net->graph, (size_t)k);
    const onefold_shape s = onefold_graph_shape(net->graph, node);
    const dnnl_dims_t dims = {s.n, s.c, s.h, s.w};
    const onednn_layout plain = onefold_onednn_layout(4, dims, dnnl_nchw);
    net->node = node;
    net->outputs[k] = onefold_onednn_net_constant(net, plain, plain, NULL);
    status = onefold_onednn_net_reorder(net, net->of_node[node], net->outputs[k]);
  }
  return status;
}

dnnl_status_t onefold_onednn_net_make(onednn_net *net, const bench_peer_problem *problem) {
  dnnl_status_t status = make_arrays(net, problem->network);
  if (status != dnnl_success) return status;
  absorb_all(net);
  for (int32_t i = 0; i < net->node_count && status == dnnl_success; i++) {
    status = make_node(net, i, problem->input);
    if (status == dnnl_success || status == dnnl_out_of_memory) continue;
    const onefold_node_info n = info_of(net, i);
    snprintf(net->refusal, sizeof net->refusal, "no primitive for %s '%s'", n.kind, n.name);
  }
  if (status == dnnl_success) status = make_outputs(net);
  return status == dnnl_success ? onefold_onednn_net_bind(net) : status;
}

void onefold_onednn_net_clear(onednn_net *net) {
  onefold_onednn_net_release(net);
  free(net->uses);
  *net = (onednn_net){.base = {.engine = net->base.engine, .stream = net->base.stream}};
}

// --------------------------------------------------------------------- running

int onefold_onednn_net_run(onednn_net *net, double *seconds) {
  double before = seconds ? onefold_bench_now() : 0;
  for (int32_t i = 0; i < net->step_count; i++) {
    const onednn_net_step *s = &net->steps[i];
    if (onefold_onednn_execute(s->primitive, net->base.stream, s->count, s->bound) != dnnl_success)
      return 1;
    if (!seconds) continue;
    const double after = onefold_bench_now();
    seconds[s->node] += after - before;
    before = after;
  }
  return 0;
}
