// SPDX-License-Identifier: BSD-3-Clause
// Convolutions of a network by oneDNN: in the layouts that they ask for or in channel blocks, with
// post-ops as far as they cost no other implementation.
#include "bench/peers/onednn_net.h"

#include <string.h>

void onefold_onednn_net_activation(onefold_activation function, float param, onednn_post *posts,
                                   int *count) {
  if (function == ONEFOLD_ACT_NONE) return;
  if (function != ONEFOLD_ACT_HARD_SIGMOID) {
    posts[(*count)++] = (onednn_post){onefold_onednn_eltwise(function, param), ONEDNN_NO_VALUE};
    return;
  }
  const onednn_eltwise parts[2] = {{dnnl_eltwise_linear, 1.0f / 6.0f, 0.5f},
                                   {dnnl_eltwise_clip, 0.0f, 1.0f}};
  for (int i = 0; i < 2; i++) posts[(*count)++] = (onednn_post){parts[i], ONEDNN_NO_VALUE};
}

/// Attributes with the first `count` posts as post-ops. NULL where one is none.
static dnnl_primitive_attr_t attributes_of(const onednn_net *net, const onednn_post *posts,
                                           int count) {
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t ops = NULL;
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
  if (status == dnnl_success) status = dnnl_post_ops_create(&ops);
  for (int i = 0; i < count && status == dnnl_success; i++) {
    const onednn_eltwise *e = &posts[i].eltwise;
    status =
        posts[i].value == ONEDNN_NO_VALUE
            ? onefold_onednn_append_eltwise(ops, e->kind, e->alpha, e->beta)
            : dnnl_post_ops_append_binary(ops, dnnl_binary_add, net->values[posts[i].value].layout);
  }
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, ops);
  if (ops) dnnl_post_ops_destroy(ops);
  if (status == dnnl_success) return attributes;
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return NULL;
}

/// The arguments that post-ops read.
static int add_arguments(const onednn_post *posts, int count, onednn_net_argument *arguments) {
  int added = 0;
  for (int i = 0; i < count; i++)
    if (posts[i].value != ONEDNN_NO_VALUE)
      arguments[added++] =
          (onednn_net_argument){DNNL_ARG_ATTR_MULTIPLE_POST_OP(i) | DNNL_ARG_SRC_1, posts[i].value};
  return added;
}

static const char *implementation(const_dnnl_primitive_desc_t desc) {
  const char *name = NULL;
  dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, (void *)&name);
  return name ? name : "";
}

static int same_implementation(const_dnnl_primitive_desc_t a, const_dnnl_primitive_desc_t b) {
  return strcmp(implementation(a), implementation(b)) == 0;
}

/// A convolution under way.
typedef struct conv {
  onednn_net *net;
  onednn_geometry geometry;
  const float *bias;
  const onednn_post *posts;
  dnnl_alg_kind_t kind;
  onednn_layout source, result; // what is asked for
} conv;

/// NULL where oneDNN has none.
static dnnl_primitive_desc_t describe(const conv *c, onednn_layout source, int posts) {
  const onednn_geometry *g = &c->geometry;
  const onednn_conv asked = {c->kind,   source,    g->weights[ONEDNN_ANY], c->bias ? g->bias : NULL,
                             c->result, &g->window};
  dnnl_primitive_desc_t made = NULL;
  dnnl_primitive_attr_t attributes = attributes_of(c->net, c->posts, posts);
  if (!attributes ||
      onefold_onednn_describe_conv(c->net->base.engine, &asked, attributes, &made) != dnnl_success)
    made = NULL;
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return made;
}

/// Keeps the better of two descriptions of one convolution: the second where it is there and has
/// the first's implementation. Destroys the other.
static int take(dnnl_primitive_desc_t *best, dnnl_primitive_desc_t other) {
  const int taken = other && same_implementation(*best, other);
  dnnl_primitive_desc_t lost = taken ? *best : other;
  if (taken) *best = other;
  if (lost) dnnl_primitive_desc_destroy(lost);
  return taken;
}

/// Asks for channel blocks at both ends, or for the input of a network as it is, in place of any
/// layout.
static dnnl_status_t ask_for_blocks(conv *c, const bench_peer_layer *l, int is_input,
                                    onednn_layout have) {
  const dnnl_format_tag_t blocks = onefold_onednn_net_blocked();
  const dnnl_dims_t in = {l->in.n, l->in.c, l->in.h, l->in.w};
  const dnnl_dims_t out = {l->out.n, l->out.c, l->out.h, l->out.w};
  c->source = is_input ? have : onefold_onednn_layout(4, in, blocks);
  c->result = onefold_onednn_layout(4, out, blocks);
  return c->source && c->result ? dnnl_success : dnnl_out_of_memory;
}

/// What is asked for with as many posts as it takes. Where the layout of the source is free, as it
/// is, if the best implementation reads that. NULL where blocks have none but the slow reference.
static dnnl_primitive_desc_t choose(const conv *c, onednn_layout have, int *posts) {
  onednn_layout source = c->source;
  dnnl_primitive_desc_t best = describe(c, source, 0);
  const int count = *posts, is_free = onefold_onednn_is_any(source);
  *posts = 0;
  if (!best) return NULL;
  if (!is_free && strncmp(implementation(best), "ref", 3) == 0) {
    dnnl_primitive_desc_destroy(best);
    return NULL;
  }
  if (is_free && take(&best, describe(c, have, 0))) source = have;
  for (int n = count; n > 0; n--)
    if (take(&best, describe(c, source, n))) {
      *posts = n;
      break;
    }
  return best;
}

/// By the way that is wanted, or else by those before it.
static dnnl_primitive_desc_t choose_way(conv *c, const bench_peer_layer *layer, int is_input,
                                        onednn_layout have, int *posts) {
  const onednn_net *net = c->net;
  const int count = *posts;
  dnnl_primitive_desc_t desc = NULL;
  for (int w = net->ways ? net->ways[net->node] : (int)net->way; w > ONEDNN_FREE && !desc; w--) {
    c->kind = w == ONEDNN_WINOGRAD ? dnnl_convolution_winograd : dnnl_convolution_direct;
    *posts = count;
    if (ask_for_blocks(c, layer, is_input, have) == dnnl_success) desc = choose(c, have, posts);
  }
  if (desc) return desc;
  c->kind = dnnl_convolution_direct;
  c->source = c->geometry.source[ONEDNN_ANY];
  c->result = c->geometry.result[ONEDNN_ANY];
  *posts = count;
  return choose(c, have, posts);
}

/// The source in the layout that the primitive reads, behind a reorder where it has another.
static dnnl_status_t bring_source(onednn_net *net, dnnl_primitive_desc_t desc, int32_t *source) {
  const onednn_layout wanted = dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
  if (dnnl_memory_desc_equal(wanted, net->values[*source].layout)) return dnnl_success;
  const int32_t copy = onefold_onednn_net_value(net, wanted);
  const dnnl_status_t status = onefold_onednn_net_reorder(net, *source, copy);
  *source = copy;
  return status;
}

dnnl_status_t onefold_onednn_net_conv(onednn_net *net, const bench_peer_layer *layer,
                                      int32_t source, const onednn_post *posts, int count,
                                      int32_t *result) {
  conv c = {.net = net, .bias = layer->bias, .posts = posts};
  dnnl_status_t status = onefold_onednn_describe(layer, &c.geometry);
  if (status != dnnl_success) return status;
  const onednn_layout have = net->values[source].layout;
  int fused = count;
  dnnl_primitive_desc_t desc =
      choose_way(&c, layer, net->values[source].constant != NULL, have, &fused);
  if (!desc) return dnnl_unimplemented;
  status = bring_source(net, desc, &source);
  if (status != dnnl_success) {
    dnnl_primitive_desc_destroy(desc);
    return status;
  }
  onednn_net_argument arguments[ONEDNN_NET_ARGUMENTS] = {{DNNL_ARG_SRC, source}};
  int used = 1;
  arguments[used++] = (onednn_net_argument){
      DNNL_ARG_WEIGHTS,
      onefold_onednn_net_constant(net, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0),
                                  c.geometry.weights[ONEDNN_PLAIN], layer->weight)};
  if (layer->bias)
    arguments[used++] = (onednn_net_argument){
        DNNL_ARG_BIAS,
        onefold_onednn_net_constant(net, c.geometry.bias, c.geometry.bias, layer->bias)};
  *result = onefold_onednn_net_value(net, dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0));
  arguments[used++] = (onednn_net_argument){DNNL_ARG_DST, *result};
  used += add_arguments(posts, fused, &arguments[used]);
  status = onefold_onednn_net_add(net, desc, used, arguments);
  while (fused < count && status == dnnl_success) {
    const int done = onefold_onednn_net_post(net, *result, posts + fused, count - fused);
    if (!done) status = dnnl_unimplemented;
    fused += done;
  }
  return status;
}

static dnnl_primitive_desc_t describe_eltwise(const onednn_net *net, int32_t value,
                                              const onednn_post *post) {
  dnnl_primitive_desc_t made = NULL;
  const onednn_eltwise *e = &post->eltwise;
  const dnnl_status_t status = onefold_onednn_describe_eltwise(
      net->base.engine, e->kind, net->values[value].layout, e->alpha, e->beta, &made);
  return status == dnnl_success ? made : NULL;
}

/// The addition of a value, and `more` activations behind it.
static dnnl_primitive_desc_t describe_sum(const onednn_net *net, int32_t value, int32_t other,
                                          const onednn_post *posts, int more) {
  dnnl_primitive_desc_t made = NULL;
  dnnl_primitive_attr_t attributes = attributes_of(net, posts, more);
  if (!attributes ||
      onefold_onednn_describe_binary(net->base.engine, dnnl_binary_add, net->values[value].layout,
                                     net->values[other].layout, attributes, &made) != dnnl_success)
    made = NULL;
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return made;
}

int onefold_onednn_net_post(onednn_net *net, int32_t value, const onednn_post *posts, int count) {
  if (posts->value == ONEDNN_NO_VALUE) {
    dnnl_primitive_desc_t desc = describe_eltwise(net, value, posts);
    return desc && onefold_onednn_net_add(net, desc, 2,
                                          (const onednn_net_argument[]){{DNNL_ARG_SRC, value},
                                                                        {DNNL_ARG_DST, value}}) ==
                       dnnl_success;
  }
  int more = 0;
  while (1 + more < count && posts[1 + more].value == ONEDNN_NO_VALUE) more++;
  int32_t other = posts->value;
  if (onefold_onednn_net_bring(net, value, &other) != dnnl_success || other == ONEDNN_NO_VALUE)
    return 0;
  dnnl_primitive_desc_t desc = describe_sum(net, value, other, posts + 1, more);
  const onednn_net_argument arguments[] = {
      {DNNL_ARG_SRC_0, value}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, value}};
  if (!desc || onefold_onednn_net_add(net, desc, 3, arguments) != dnnl_success) return 0;
  return 1 + more;
}
