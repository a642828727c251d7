// SPDX-License-Identifier: BSD-3-Clause
// Nodes whose weights are read by name.
#include "models/builder.h"

#include <stdio.h>

// Bytes of the longest tensor name.
#define MAX_NAME 512

onefold_node onefold_build_fail(onefold_builder *builder, onefold_status status) {
  if (builder->status == ONEFOLD_OK) builder->status = status;
  return ONEFOLD_NO_NODE;
}

/// <prefix><name><suffix>; zero where it is too long.
static int full_name(onefold_builder *builder, const char *name, const char *suffix,
                     char text[MAX_NAME]) {
  const char *prefix = builder->params->prefix ? builder->params->prefix : "";
  const int length = snprintf(text, MAX_NAME, "%s%s%s", prefix, name, suffix);
  if (length >= 0 && length < MAX_NAME) return 1;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                           "the weight name '%.60s...' is longer than %d bytes",
                                           text, MAX_NAME - 1));
  return 0;
}

/// A tensor in memory of the context; NULL after a failure.
static float *read_tensor(onefold_builder *builder, const char *name, const char *suffix,
                          const int64_t *dims, int32_t rank) {
  char text[MAX_NAME];
  if (builder->status != ONEFOLD_OK || !full_name(builder, name, suffix, text)) return NULL;
  size_t bytes = sizeof(float);
  int fits = 1;
  for (int32_t i = 0; i < rank; i++)
    fits &= dims[i] >= 0 && onefold_mul(bytes, (size_t)dims[i], &bytes) && bytes <= PTRDIFF_MAX;
  if (!fits) {
    onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_OVERFLOW,
                                             "'%s' does not fit in memory", text));
    return NULL;
  }
  float *values = onefold_allocate(builder->context, bytes);
  const onefold_status status =
      values ? onefold_weights_read(builder->weights, text, dims, rank, values)
             : onefold_fail(builder->context, ONEFOLD_OUT_OF_MEMORY, "no memory for '%s'", text);
  if (status == ONEFOLD_OK) return values;
  onefold_build_fail(builder, status);
  onefold_release(builder->context, values);
  return NULL;
}

/// Names the node and picks up a failure of the graph.
static onefold_node finish(onefold_builder *builder, onefold_node node, const char *name) {
  onefold_graph_name(builder->graph, node, name);
  const onefold_status status = onefold_graph_status(builder->graph);
  return status == ONEFOLD_OK ? node : onefold_build_fail(builder, status);
}

onefold_node onefold_build_conv2d(onefold_builder *builder, onefold_node input, const char *name,
                                  const onefold_graph_conv2d_params *params) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const int64_t channels = onefold_graph_shape(builder->graph, input).c;
  if (params->groups <= 0 || channels % params->groups != 0)
    return onefold_build_fail(builder,
                              onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                                           "%s: %lld groups do not divide %lld channels", name,
                                           (long long)params->groups, (long long)channels));
  const int64_t dims[4] = {params->out_channels, channels / params->groups, params->kernel_h,
                           params->kernel_w};
  float *weight = read_tensor(builder, name, ".weight", dims, 4);
  if (!weight) return ONEFOLD_NO_NODE;
  const onefold_node node = onefold_graph_conv2d(builder->graph, input, params, weight, NULL);
  onefold_release(builder->context, weight);
  return finish(builder, node, name);
}

onefold_node onefold_build_batch_norm(onefold_builder *builder, onefold_node input,
                                      const char *name) {
  static const char *const suffixes[4] = {".weight", ".bias", ".running_mean", ".running_var"};
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const int64_t channels = onefold_graph_shape(builder->graph, input).c;
  float *arrays[4] = {NULL};
  int complete = 1;
  for (int i = 0; i < 4 && complete; i++)
    complete = (arrays[i] = read_tensor(builder, name, suffixes[i], &channels, 1)) != NULL;
  const onefold_batch_norm_params params = {.gamma = arrays[0],
                                            .beta = arrays[1],
                                            .mean = arrays[2],
                                            .variance = arrays[3],
                                            .epsilon = builder->params->bn_epsilon};
  const onefold_node node =
      complete ? onefold_graph_batch_norm(builder->graph, input, &params) : ONEFOLD_NO_NODE;
  for (int i = 0; i < 4; i++) onefold_release(builder->context, arrays[i]);
  return finish(builder, node, name);
}

onefold_node onefold_build_conv_bn(onefold_builder *builder, onefold_node input, const char *name,
                                   const onefold_graph_conv2d_params *params) {
  char part[MAX_NAME];
  snprintf(part, sizeof part, "%s.conv", name);
  const onefold_node conv = onefold_build_conv2d(builder, input, part, params);
  snprintf(part, sizeof part, "%s.bn", name);
  return onefold_build_batch_norm(builder, conv, part);
}

onefold_node onefold_build_squeeze_excite(onefold_builder *builder, onefold_node input,
                                          const char *reduce, const char *expand, int64_t hidden,
                                          onefold_activation gate) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const int64_t channels = onefold_graph_shape(builder->graph, input).c;
  const int64_t down[4] = {hidden, channels, 1, 1}, up[4] = {channels, hidden, 1, 1};
  float *arrays[4] = {read_tensor(builder, reduce, ".weight", down, 4),
                      read_tensor(builder, reduce, ".bias", down, 1),
                      read_tensor(builder, expand, ".weight", up, 4),
                      read_tensor(builder, expand, ".bias", up, 1)};
  const onefold_squeeze_excite_params params = {.hidden = hidden,
                                                .reduce_weight = arrays[0],
                                                .reduce_bias = arrays[1],
                                                .expand_weight = arrays[2],
                                                .expand_bias = arrays[3],
                                                .gate = gate};
  const onefold_node node = builder->status == ONEFOLD_OK
                                ? onefold_graph_squeeze_excite(builder->graph, input, &params)
                                : ONEFOLD_NO_NODE;
  for (int i = 0; i < 4; i++) onefold_release(builder->context, arrays[i]);
  return finish(builder, node, "se");
}

onefold_node onefold_build_activation(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *params = builder->params;
  if (builder->status != ONEFOLD_OK || params->activation == ONEFOLD_ACT_NONE) return input;
  const onefold_node node =
      onefold_graph_activation(builder->graph, input, params->activation, params->activation_param);
  return finish(builder, node, "activation");
}
