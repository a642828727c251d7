// SPDX-License-Identifier: BSD-3-Clause
// oneDNN's convolutions, in the layouts that they ask for.
#include "bench/peers/onednn.h"

/// Of each activation; undefined for none.
static const onednn_eltwise activations[ONEFOLD_ACT_COUNT] = {
    [ONEFOLD_ACT_RELU] = {dnnl_eltwise_relu, 0.0f, 0.0f},
    [ONEFOLD_ACT_RELU6] = {dnnl_eltwise_clip, 0.0f, 6.0f},
    [ONEFOLD_ACT_LEAKY_RELU] = {dnnl_eltwise_relu, 0.0f, 0.0f}, // alpha is the problem's
    [ONEFOLD_ACT_SILU] = {dnnl_eltwise_swish, 1.0f, 0.0f},
    [ONEFOLD_ACT_HARD_SWISH] = {dnnl_eltwise_hardswish, 1.0f / 6.0f, 0.5f},
    [ONEFOLD_ACT_HARD_SIGMOID] = {dnnl_alg_kind_undef, 0.0f, 0.0f},
    [ONEFOLD_ACT_SIGMOID] = {dnnl_eltwise_logistic, 0.0f, 0.0f},
};

int onefold_onednn_activates(onefold_activation activation) {
  return activation == ONEFOLD_ACT_NONE || activations[activation].kind != dnnl_alg_kind_undef;
}

onednn_eltwise onefold_onednn_eltwise(onefold_activation activation, float param) {
  onednn_eltwise e = activations[activation];
  if (activation == ONEFOLD_ACT_LEAKY_RELU) e.alpha = param;
  return e;
}

static onednn_eltwise eltwise_of(const onefold_conv2d_desc *d) {
  return onefold_onednn_eltwise(d->activation, d->activation_param);
}

// -------------------------------------------------------------- description

dnnl_status_t onefold_onednn_describe(const bench_peer_layer *l, onednn_geometry *g) {
  const onefold_conv2d_desc *d = &l->desc;
  const dnnl_dims_t source = {l->in.n, l->in.c, l->in.h, l->in.w};
  const dnnl_dims_t result = {l->out.n, l->out.c, l->out.h, l->out.w};
  const dnnl_dims_t dense = {d->out_channels, d->in_channels, d->kernel_h, d->kernel_w};
  const dnnl_dims_t grouped = {d->groups, d->out_channels / d->groups, d->in_channels / d->groups,
                               d->kernel_h, d->kernel_w};
  const dnnl_dims_t bias = {d->out_channels};
  const int has_groups = d->groups > 1;
  g->bias = onefold_onednn_layout(1, bias, dnnl_a);
  int made = g->bias != NULL;
  for (int i = 0; i < ONEDNN_LAYOUTS; i++) {
    const dnnl_format_tag_t image = i == ONEDNN_ANY ? dnnl_format_tag_any : dnnl_nchw;
    const dnnl_format_tag_t kernel = i == ONEDNN_ANY ? dnnl_format_tag_any
                                     : has_groups    ? dnnl_goihw
                                                     : dnnl_oihw;
    g->source[i] = onefold_onednn_layout(4, source, image);
    g->weights[i] = onefold_onednn_layout(has_groups ? 5 : 4, has_groups ? grouped : dense, kernel);
    g->result[i] = onefold_onednn_layout(4, result, image);
    made = made && g->source[i] && g->weights[i] && g->result[i];
  }
  g->window = (onednn_window){.kernel = {d->kernel_h, d->kernel_w},
                              .strides = {d->stride_h, d->stride_w},
                              .dilations = {d->dilation_h - 1, d->dilation_w - 1},
                              .padding_begin = {d->pad_top, d->pad_left},
                              .padding_end = {d->pad_bottom, d->pad_right}};
  return made ? dnnl_success : dnnl_out_of_memory;
}

// ----------------------------------------------------------------- primitives

/// Appends the activation, if there is one.
static dnnl_status_t append_activation(dnnl_post_ops_t ops, const onefold_conv2d_desc *d) {
  if (d->activation == ONEFOLD_ACT_NONE) return dnnl_success;
  const onednn_eltwise e = eltwise_of(d);
  return onefold_onednn_append_eltwise(ops, e.kind, e.alpha, e.beta);
}

/// Appends a depthwise convolution.
static dnnl_status_t append_depthwise(dnnl_post_ops_t ops, const onefold_conv2d_desc *d) {
  return onefold_onednn_append_depthwise(ops, d->kernel_h, d->stride_h, d->pad_top);
}

/// Describes the primitive: the layer, its activation unless that is separate, and what is fused
/// behind it, or NULL.
static dnnl_status_t make_desc(dnnl_engine_t engine, const bench_peer_layer *layer,
                               const onednn_geometry *g, onednn_layout source, onednn_way way,
                               const bench_peer_layer *fused, dnnl_primitive_desc_t *desc) {
  const onednn_conv conv = {
      way.kind, source, g->weights[ONEDNN_ANY], g->bias, g->result[ONEDNN_ANY], &g->window};
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t ops = NULL;
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
  if (status == dnnl_success) status = dnnl_post_ops_create(&ops);
  if (status == dnnl_success && !way.separate) status = append_activation(ops, &layer->desc);
  if (status == dnnl_success && fused) status = append_depthwise(ops, &fused->desc);
  if (status == dnnl_success && fused) status = append_activation(ops, &fused->desc);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, ops);
  if (status == dnnl_success)
    status = onefold_onednn_describe_conv(engine, &conv, attributes, desc);
  if (ops) dnnl_post_ops_destroy(ops);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status;
}

/// The activation in place over the result.
static dnnl_status_t add_activation(onednn_variant *v, const onefold_conv2d_desc *d) {
  const onednn_eltwise e = eltwise_of(d);
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = onefold_onednn_describe_eltwise(
      v->engine, e.kind, onefold_onednn_layout_of(v->result), e.alpha, e.beta, &desc);
  if (status == dnnl_success) status = dnnl_primitive_create(&primitive, desc);
  if (desc) dnnl_primitive_desc_destroy(desc);
  const dnnl_exec_arg_t in_place[] = {{DNNL_ARG_SRC, v->result->memory},
                                      {DNNL_ARG_DST, v->result->memory}};
  if (status == dnnl_success) onefold_onednn_add_step(v, primitive, 2, in_place);
  return status;
}

// --------------------------------------------------------------------- steps

/// The tensor that the primitive reads: the input in its layout, the result before it, or a
/// reordered copy of that. NULL without memory.
static const onednn_tensor *source_of(onednn_variant *v, const onednn_geometry *g,
                                      dnnl_primitive_desc_t desc, const float *input) {
  const onednn_layout wanted = dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
  // A tensor between two convolutions is workspace, and so is a copy of it.
  if (v->result) v->bytes += (double)(v->result->floats * sizeof(float));
  if (v->result && dnnl_memory_desc_equal(wanted, onefold_onednn_layout_of(v->result)))
    return v->result;
  const onednn_tensor *source = onefold_onednn_tensor(v, wanted);
  if (!source) return NULL;
  if (v->result) {
    v->reorders = 1;
    v->bytes += (double)(source->floats * sizeof(float));
    return onefold_onednn_add_reorder(v, v->result, source) == dnnl_success ? source : NULL;
  }
  return onefold_onednn_fill(v, g->source[ONEDNN_PLAIN], input, source) == dnnl_success ? source
                                                                                        : NULL;
}

/// Adds a tensor that holds the values in the layout `wanted`, and an argument.
static dnnl_status_t add_constant(onednn_variant *v, onednn_layout wanted, onednn_layout plain,
                                  const float *values, int name, dnnl_exec_arg_t *argument) {
  const onednn_tensor *made = onefold_onednn_tensor(v, wanted);
  if (!made) return dnnl_out_of_memory;
  *argument = (dnnl_exec_arg_t){name, made->memory};
  v->bytes += (double)(made->floats * sizeof(float));
  return onefold_onednn_fill(v, plain, values, made);
}

/// Adds the step that `desc` describes, with its tensors.
static dnnl_status_t add_step(onednn_variant *v, dnnl_primitive_desc_t desc,
                              const bench_peer_layer *layer, const onednn_geometry *g,
                              const bench_peer_layer *fused, const float *input) {
  dnnl_exec_arg_t arguments[ONEDNN_ARGUMENTS];
  int count = 0;
  const onednn_tensor *source = source_of(v, g, desc, input);
  if (!source) return dnnl_out_of_memory;
  arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_SRC, source->memory};
  dnnl_status_t status =
      add_constant(v, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0),
                   g->weights[ONEDNN_PLAIN], layer->weight, DNNL_ARG_WEIGHTS, &arguments[count++]);
  if (status == dnnl_success)
    status = add_constant(v, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 1), g->bias,
                          layer->bias, DNNL_ARG_BIAS, &arguments[count++]);
  if (status == dnnl_success && fused) {
    enum {
      FUSED_WEIGHTS = DNNL_ARG_ATTR_POST_OP_DW | DNNL_ARG_WEIGHTS,
      FUSED_BIAS = DNNL_ARG_ATTR_POST_OP_DW | DNNL_ARG_BIAS
    };
    onednn_geometry behind;
    status = onefold_onednn_describe(fused, &behind);
    if (status == dnnl_success)
      status = add_constant(
          v, dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, FUSED_WEIGHTS),
          behind.weights[ONEDNN_PLAIN], fused->weight, FUSED_WEIGHTS, &arguments[count++]);
    if (status == dnnl_success)
      status =
          add_constant(v, dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, FUSED_BIAS),
                       behind.bias, fused->bias, FUSED_BIAS, &arguments[count++]);
  }
  if (status != dnnl_success) return status;
  const onednn_tensor *result =
      onefold_onednn_tensor(v, dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0));
  if (!result) return dnnl_out_of_memory;
  arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_DST, result->memory};
  dnnl_primitive_t primitive = NULL;
  status = dnnl_primitive_create(&primitive, desc);
  if (status != dnnl_success) return status;
  onefold_onednn_add_step(v, primitive, count, arguments);
  v->result = result;
  int64_t scratch = 0;
  dnnl_primitive_desc_query(desc, dnnl_query_memory_consumption_s64, 0, &scratch);
  v->bytes += (double)scratch;
  return dnnl_success;
}

static dnnl_status_t add(onednn_variant *v, const bench_peer_layer *layer, onednn_way way,
                         const bench_peer_layer *fused, const float *input) {
  onednn_geometry g;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status = onefold_onednn_describe(layer, &g);
  const onednn_layout source =
      v->result && !way.any_source ? onefold_onednn_layout_of(v->result) : g.source[ONEDNN_ANY];
  if (status == dnnl_success) status = make_desc(v->engine, layer, &g, source, way, fused, &desc);
  if (status == dnnl_success) status = add_step(v, desc, layer, &g, fused, input);
  if (desc) dnnl_primitive_desc_destroy(desc);
  return status;
}

dnnl_status_t onefold_onednn_add_conv(onednn_variant *variant, const bench_peer_layer *layer,
                                      onednn_way way, const float *input) {
  const dnnl_status_t status = add(variant, layer, way, NULL, input);
  if (status != dnnl_success || !way.separate || layer->desc.activation == ONEFOLD_ACT_NONE)
    return status;
  return add_activation(variant, &layer->desc);
}

dnnl_status_t onefold_onednn_add_fused(onednn_variant *variant, const bench_peer_layer *first,
                                       const bench_peer_layer *second, const float *input) {
  const onefold_conv2d_desc *a = &first->desc, *b = &second->desc;
  const int pointwise = a->kernel_h == 1 && a->kernel_w == 1 && a->groups == 1;
  const int depthwise = b->groups == b->in_channels && b->groups == b->out_channels &&
                        b->kernel_h == 3 && b->kernel_w == 3 && b->dilation_h == 1 &&
                        b->dilation_w == 1 && b->stride_h == b->stride_w && b->pad_top == 1 &&
                        b->pad_bottom == 1 && b->pad_left == 1 && b->pad_right == 1;
  if (!pointwise || !depthwise) return dnnl_unimplemented;
  return add(variant, first, (onednn_way){.kind = dnnl_convolution_direct}, second, input);
}
