// SPDX-License-Identifier: BSD-3-Clause
// The nodes of a network that are no convolutions, by oneDNN.
#include "bench/peers/onednn_net.h"

#include <string.h>

static int32_t input_of(const onednn_net *net, const onefold_node_info *n, size_t i) {
  return net->of_node[n->inputs[i]];
}

static onednn_layout any_of(onefold_shape s) {
  const dnnl_dims_t dims = {s.n, s.c, s.h, s.w};
  return onefold_onednn_layout(4, dims, dnnl_format_tag_any);
}

/// Adds the primitive of one source that `desc` describes, and the value of its result.
static dnnl_status_t add_unary(onednn_net *net, dnnl_primitive_desc_t desc, int32_t source,
                               int32_t *result) {
  *result = onefold_onednn_net_value(net, dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0));
  return onefold_onednn_net_add(
      net, desc, 2, (const onednn_net_argument[]){{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, *result}});
}

// -------------------------------------------------------------------- pooling

static dnnl_status_t add_pool(onednn_net *net, dnnl_alg_kind_t kind, const onefold_pool2d_params *p,
                              int32_t source, onefold_shape out, int32_t *result) {
  const onednn_window window = {.kernel = {p->kernel_h, p->kernel_w},
                                .strides = {p->stride_h, p->stride_w},
                                .padding_begin = {p->pad_top, p->pad_left},
                                .padding_end = {p->pad_bottom, p->pad_right}};
  dnnl_primitive_desc_t desc = NULL;
  const dnnl_status_t status = onefold_onednn_describe_pool(
      net->base.engine, kind, net->values[source].layout, any_of(out), &window, &desc);
  return status == dnnl_success ? add_unary(net, desc, source, result) : status;
}

static dnnl_status_t max_pool(onednn_net *net, const onefold_node_info *n, int32_t *result) {
  if (n->pool->ceil_mode) return dnnl_unimplemented;
  return add_pool(net, dnnl_pooling_max, n->pool, input_of(net, n, 0), n->shape, result);
}

/// The mean of each channel.
static dnnl_status_t add_mean(onednn_net *net, int32_t source, int32_t *result) {
  const int64_t *dims = onefold_onednn_dims(net->values[source].layout);
  const onefold_pool2d_params p = {
      .kernel_h = dims[2], .kernel_w = dims[3], .stride_h = 1, .stride_w = 1};
  const onefold_shape out = {dims[0], dims[1], 1, 1};
  return add_pool(net, dnnl_pooling_avg_exclude_padding, &p, source, out, result);
}

static dnnl_status_t global_pool(onednn_net *net, const onefold_node_info *n, int32_t *result) {
  return add_mean(net, input_of(net, n, 0), result);
}

static dnnl_status_t upsample(onednn_net *net, const onefold_node_info *n, int32_t *result) {
  const int32_t source = input_of(net, n, 0);
  dnnl_primitive_desc_t desc = NULL;
  const dnnl_status_t status = onefold_onednn_describe_nearest(
      net->base.engine, net->values[source].layout, any_of(n->shape), &desc);
  return status == dnnl_success ? add_unary(net, desc, source, result) : status;
}

// ---------------------------------------------------------------- elementwise

/// In place where nobody else reads the operand's bytes; else in a copy of them.
static dnnl_status_t activation(onednn_net *net, const onefold_node_info *n, int32_t *result) {
  onednn_post posts[ONEDNN_NET_POSTS];
  int count = 0;
  *result = input_of(net, n, 0);
  const onednn_value *v = &net->values[*result];
  dnnl_status_t status = dnnl_success;
  if (net->uses[n->inputs[0]] > 1 || v->parent != ONEDNN_NO_VALUE || v->constant) {
    const int32_t copy = onefold_onednn_net_value(net, v->layout);
    status = onefold_onednn_net_reorder(net, *result, copy);
    *result = copy;
  }
  onefold_onednn_net_activation(n->activation, n->activation_param, posts, &count);
  for (int i = 0; i < count && status == dnnl_success; i++)
    if (!onefold_onednn_net_post(net, *result, &posts[i], 1)) status = dnnl_unimplemented;
  return status;
}

static dnnl_status_t sum(onednn_net *net, const onefold_node_info *n, int32_t *result) {
  onednn_layout sources[ONEDNN_SUMMANDS];
  onednn_net_argument arguments[ONEDNN_NET_ARGUMENTS];
  const int count = (int)n->input_count;
  if (count > ONEDNN_SUMMANDS) return dnnl_unimplemented;
  for (int i = 0; i < count; i++) {
    arguments[i] = (onednn_net_argument){DNNL_ARG_MULTIPLE_SRC + i, input_of(net, n, (size_t)i)};
    sources[i] = net->values[arguments[i].value].layout;
  }
  dnnl_primitive_desc_t desc = NULL;
  const dnnl_status_t status = onefold_onednn_describe_sum(net->base.engine, count, sources, &desc);
  if (status != dnnl_success) return status;
  *result = onefold_onednn_net_value(net, dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0));
  arguments[count] = (onednn_net_argument){DNNL_ARG_DST, *result};
  return onefold_onednn_net_add(net, desc, count + 1, arguments);
}

/// A 1x1 convolution of one pixel.
static dnnl_status_t add_linear(onednn_net *net, int32_t source, int64_t in, int64_t out,
                                const float *weight, const float *bias, onefold_activation function,
                                int32_t *result) {
  onednn_post posts[ONEDNN_NET_POSTS];
  int count = 0;
  onefold_onednn_net_activation(function, 0, posts, &count);
  const int64_t images = onefold_onednn_dims(net->values[source].layout)[0];
  bench_peer_layer layer = {
      .in = {images, in, 1, 1}, .out = {images, out, 1, 1}, .weight = weight, .bias = bias};
  onefold_conv2d_desc_init(&layer.desc);
  layer.desc.batch = images;
  layer.desc.in_channels = in;
  layer.desc.in_h = layer.desc.in_w = 1;
  layer.desc.out_channels = out;
  return onefold_onednn_net_conv(net, &layer, source, posts, count, result);
}

static dnnl_status_t squeeze_excite(onednn_net *net, const onefold_node_info *n, int32_t *result) {
  const onefold_squeeze_excite_params *p = n->squeeze_excite;
  const int32_t source = input_of(net, n, 0);
  int32_t mean = ONEDNN_NO_VALUE, reduced = ONEDNN_NO_VALUE, gate = ONEDNN_NO_VALUE;
  dnnl_status_t status = add_mean(net, source, &mean);
  if (status == dnnl_success)
    status = add_linear(net, mean, n->shape.c, p->hidden, p->reduce_weight, p->reduce_bias,
                        ONEFOLD_ACT_RELU, &reduced);
  if (status == dnnl_success)
    status = add_linear(net, reduced, p->hidden, n->shape.c, p->expand_weight, p->expand_bias,
                        p->gate, &gate);
  dnnl_primitive_desc_t desc = NULL;
  if (status == dnnl_success) status = onefold_onednn_net_bring(net, source, &gate);
  if (status != dnnl_success) return status;
  const onednn_layout have = net->values[source].layout;
  status = onefold_onednn_describe_binary(net->base.engine, dnnl_binary_mul, have,
                                          net->values[gate].layout, NULL, &desc);
  if (status != dnnl_success) return status;
  *result = onefold_onednn_net_value(net, have);
  return onefold_onednn_net_add(net, desc, 3,
                                (const onednn_net_argument[]){{DNNL_ARG_SRC_0, source},
                                                              {DNNL_ARG_SRC_1, gate},
                                                              {DNNL_ARG_DST, *result}});
}

static const struct {
  const char *kind;
  dnnl_status_t (*add)(onednn_net *net, const onefold_node_info *n, int32_t *result);
} kinds[] = {
    {"activation", activation},
    {"sum", sum},
    {"concat", onefold_onednn_net_concat},
    {"slice", onefold_onednn_net_slice},
    {"max_pool", max_pool},
    {"global_pool", global_pool},
    {"upsample", upsample},
    {"squeeze_excite", squeeze_excite},
};

dnnl_status_t onefold_onednn_net_node(onednn_net *net, const onefold_node_info *n,
                                      int32_t *result) {
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].kind, n->kind) == 0) return kinds[i].add(net, n, result);
  return dnnl_unimplemented;
}
