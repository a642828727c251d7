// SPDX-License-Identifier: BSD-3-Clause
// What every builder shares: failures, parameters, reading of tensors, blocks inside blocks.
#include "models/builder.h"

#include "graph/graph.h"
#include "models/safetensors.h"

#include <stdio.h>
#include <string.h>

onefold_node onefold_build_fail(onefold_builder *builder, onefold_status status) {
  if (builder->status == ONEFOLD_OK) builder->status = status;
  return onefold_graph_fail(builder->graph, status);
}

int onefold_build_only(onefold_builder *builder, const char *name, int64_t value, int64_t only) {
  if (value == only) return 1;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                           "%s: %s is %lld, the block has %lld", builder->block,
                                           name, (long long)value, (long long)only));
  return 0;
}

int onefold_build_odd_kernel(onefold_builder *builder) {
  const int64_t kernel = builder->params->kernel;
  if (kernel % 2 == 1) return 1;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                           "%s: kernel is %lld, it must be odd", builder->block,
                                           (long long)kernel));
  return 0;
}

int64_t onefold_build_padding(const onefold_block_params *params, int64_t kernel) {
  if (params->padding >= 0) return params->padding;
  int64_t pad;
  if (__builtin_mul_overflow(params->dilation, kernel - 1, &pad)) return INT64_MAX;
  return pad / 2;
}

int onefold_build_has_identity(onefold_builder *builder, int64_t in) {
  const onefold_block_params *p = builder->params;
  const int possible = in == p->out_channels && p->stride == 1;
  if (p->identity != 1 || possible) return p->identity != 0 && possible;
  onefold_build_fail(builder,
                     onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                                  "%s: no identity from %lld to %lld channels with stride %lld",
                                  builder->block, (long long)in, (long long)p->out_channels,
                                  (long long)p->stride));
  return 0;
}

onefold_graph_conv2d_params onefold_build_main_conv(const onefold_block_params *params,
                                                    int64_t kernel) {
  onefold_graph_conv2d_params conv =
      onefold_graph_conv2d_square(params->out_channels, kernel, params->stride, params->groups);
  conv.dilation_h = conv.dilation_w = params->dilation;
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right =
      onefold_build_padding(params, kernel);
  return conv;
}

/// <prefix><name><suffix>; zero where it is too long.
static int full_name(const onefold_builder *builder, const char *name, const char *suffix,
                     char text[ONEFOLD_BUILD_NAME]) {
  const char *prefix = builder->params->prefix ? builder->params->prefix : "";
  const int length = snprintf(text, ONEFOLD_BUILD_NAME, "%s%s%s", prefix, name, suffix);
  return length >= 0 && length < ONEFOLD_BUILD_NAME;
}

static int demand_name(onefold_builder *builder, const char *name, const char *suffix,
                       char text[ONEFOLD_BUILD_NAME]) {
  if (builder->status != ONEFOLD_OK) return 0;
  if (full_name(builder, name, suffix, text)) return 1;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                           "the weight name '%.60s...' is longer than %d bytes",
                                           text, ONEFOLD_BUILD_NAME - 1));
  return 0;
}

int onefold_build_has(const onefold_builder *builder, const char *name, const char *suffix) {
  char text[ONEFOLD_BUILD_NAME];
  const onefold_safetensors *file = onefold_weights_file(builder->weights);
  return file && full_name(builder, name, suffix, text) && onefold_safetensors_find(file, text);
}

/// Room for a tensor with its full name, by one of the two ways to allocate.
static float *allocate(onefold_builder *builder, const char *text, const int64_t *dims,
                       int32_t rank, void *(*way)(const onefold_context *context, size_t size)) {
  size_t bytes = sizeof(float);
  int fits = 1;
  for (int32_t i = 0; i < rank; i++)
    fits &= dims[i] >= 0 && onefold_mul(bytes, (size_t)dims[i], &bytes) && bytes <= PTRDIFF_MAX;
  float *values = fits ? way(builder->context, bytes) : NULL;
  if (!fits)
    onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_OVERFLOW,
                                             "'%s' does not fit in memory", text));
  else if (!values)
    onefold_build_fail(
        builder, onefold_fail(builder->context, ONEFOLD_OUT_OF_MEMORY, "no memory for '%s'", text));
  return values;
}

float *onefold_build_room(onefold_builder *builder, const char *name, const int64_t *dims,
                          int32_t rank) {
  char text[ONEFOLD_BUILD_NAME];
  return demand_name(builder, name, "", text)
             ? allocate(builder, text, dims, rank, onefold_allocate)
             : NULL;
}

float *onefold_build_read(onefold_builder *builder, const char *name, const char *suffix,
                          const int64_t *dims, int32_t rank) {
  char text[ONEFOLD_BUILD_NAME];
  float *values = demand_name(builder, name, suffix, text)
                      ? allocate(builder, text, dims, rank, onefold_allocate_unset)
                      : NULL;
  if (!values) return NULL;
  const onefold_status status = onefold_weights_read(builder->weights, text, dims, rank, values);
  if (status == ONEFOLD_OK) return values;
  onefold_build_fail(builder, status);
  onefold_release(builder->context, values);
  return NULL;
}

onefold_node onefold_build_finish(onefold_builder *builder, onefold_node node, const char *name) {
  char text[ONEFOLD_BUILD_NAME];
  full_name(builder, name, "", text);
  onefold_graph_name(builder->graph, node, text);
  const onefold_status status = onefold_graph_status(builder->graph);
  return status == ONEFOLD_OK ? node : onefold_build_fail(builder, status);
}

onefold_node onefold_build_route(onefold_builder *builder, onefold_shape grid) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  grid.c = builder->params->route_channels;
  if (builder->route == ONEFOLD_NO_NODE) {
    if (!builder->adds_route)
      return onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                                      "%s has two inputs, it was given one",
                                                      builder->block));
    if (grid.c < 1)
      return onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                                      "%s: route_channels is %lld", builder->block,
                                                      (long long)grid.c));
    builder->route = onefold_graph_input(builder->graph, grid);
    onefold_graph_name(builder->graph, builder->route, "route");
  }
  const onefold_shape has = onefold_graph_shape(builder->graph, builder->route);
  if (has.n != grid.n || has.h != grid.h || has.w != grid.w)
    return onefold_build_fail(
        builder,
        onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                     "%s: the second input is %lldx%lldx%lldx%lld, %lldx?x%lldx%lld is "
                     "needed",
                     builder->block, (long long)has.n, (long long)has.c, (long long)has.h,
                     (long long)has.w, (long long)grid.n, (long long)grid.h, (long long)grid.w));
  return builder->route;
}

onefold_block_params onefold_build_inherit(onefold_builder *builder, const char *block) {
  const onefold_block_params *own = builder->params;
  onefold_block_params params = *own;
  const onefold_status status = onefold_block_params_init(builder->context, block, &params);
  if (status != ONEFOLD_OK) onefold_build_fail(builder, status);
  params.activation = own->activation;
  params.activation_param = own->activation_param;
  params.bn_epsilon = own->bn_epsilon;
  params.se_style = own->se_style;
  params.orepa_row_order = own->orepa_row_order;
  params.orepa_prior = own->orepa_prior;
  params.orepa_inner_activation = own->orepa_inner_activation;
  return params;
}

onefold_node onefold_build_block(onefold_builder *builder, onefold_node input, const char *block,
                                 const char *name, const onefold_block_params *params) {
  char prefix[ONEFOLD_BUILD_NAME];
  if (!demand_name(builder, name, "", prefix)) return ONEFOLD_NO_NODE;
  onefold_block_params inner = *params;
  inner.prefix = prefix;
  onefold_node output;
  const onefold_status status = onefold_block_append(builder->context, builder->graph, &input, 1,
                                                     block, &inner, builder->weights, &output);
  return status == ONEFOLD_OK ? output : onefold_build_fail(builder, status);
}
