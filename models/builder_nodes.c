// SPDX-License-Identifier: BSD-3-Clause
// Nodes whose weights are read by name.
#include "models/builder.h"

#include <stdio.h>

static onefold_node build_conv(onefold_builder *builder, onefold_node input, const char *name,
                               const onefold_graph_conv2d_params *params, int with_bias) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const int64_t channels = onefold_graph_shape(builder->graph, input).c;
  if (params->groups <= 0 || channels % params->groups != 0)
    return onefold_build_fail(builder,
                              onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                                           "%s: %lld groups do not divide %lld channels", name,
                                           (long long)params->groups, (long long)channels));
  const int64_t dims[4] = {params->out_channels, channels / params->groups, params->kernel_h,
                           params->kernel_w};
  float *weight = onefold_build_read(builder, name, ".weight", dims, 4);
  float *bias = with_bias ? onefold_build_read(builder, name, ".bias", dims, 1) : NULL;
  const onefold_node node = builder->status == ONEFOLD_OK
                                ? onefold_graph_conv2d(builder->graph, input, params, weight, bias)
                                : ONEFOLD_NO_NODE;
  onefold_release(builder->context, bias);
  onefold_release(builder->context, weight);
  return onefold_build_finish(builder, node, name);
}

onefold_node onefold_build_conv2d(onefold_builder *builder, onefold_node input, const char *name,
                                  const onefold_graph_conv2d_params *params) {
  return build_conv(builder, input, name, params, onefold_build_has(builder, name, ".bias"));
}

onefold_node onefold_build_conv2d_bias(onefold_builder *builder, onefold_node input,
                                       const char *name,
                                       const onefold_graph_conv2d_params *params) {
  return build_conv(builder, input, name, params, 1);
}

onefold_node onefold_build_batch_norm(onefold_builder *builder, onefold_node input,
                                      const char *name) {
  static const char *const suffixes[4] = {".weight", ".bias", ".running_mean", ".running_var"};
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const int64_t channels = onefold_graph_shape(builder->graph, input).c;
  const int affine = onefold_build_has(builder, name, suffixes[0]);
  const int statistics = onefold_build_has(builder, name, suffixes[2]);
  const int wanted[2] = {affine || !statistics, statistics || !affine};
  float *arrays[4] = {NULL};
  for (int i = 0; i < 4; i++)
    if (wanted[i / 2]) arrays[i] = onefold_build_read(builder, name, suffixes[i], &channels, 1);
  const onefold_batch_norm_params params = {.gamma = arrays[0],
                                            .beta = arrays[1],
                                            .mean = arrays[2],
                                            .variance = arrays[3],
                                            .epsilon = builder->params->bn_epsilon};
  const onefold_node node = builder->status == ONEFOLD_OK
                                ? onefold_graph_batch_norm(builder->graph, input, &params)
                                : ONEFOLD_NO_NODE;
  for (int i = 0; i < 4; i++) onefold_release(builder->context, arrays[i]);
  return onefold_build_finish(builder, node, name);
}

onefold_node onefold_build_conv_bn_as(onefold_builder *builder, onefold_node input,
                                      const char *conv, const char *bn,
                                      const onefold_graph_conv2d_params *params) {
  return onefold_build_batch_norm(builder, onefold_build_conv2d(builder, input, conv, params), bn);
}

onefold_node onefold_build_conv_bn(onefold_builder *builder, onefold_node input, const char *name,
                                   const onefold_graph_conv2d_params *params) {
  char conv[ONEFOLD_BUILD_NAME], bn[ONEFOLD_BUILD_NAME];
  snprintf(conv, sizeof conv, "%s.conv", name);
  snprintf(bn, sizeof bn, "%s.bn", name);
  return onefold_build_conv_bn_as(builder, input, conv, bn, params);
}

onefold_node onefold_build_conv_bn_act(onefold_builder *builder, onefold_node input,
                                       const char *name,
                                       const onefold_graph_conv2d_params *params) {
  return onefold_build_activation(builder, onefold_build_conv_bn(builder, input, name, params));
}

onefold_node onefold_build_conv2d_values(onefold_builder *builder, onefold_node input,
                                         const onefold_graph_conv2d_params *params, float *values,
                                         int fixed, const char *name) {
  onefold_node node = ONEFOLD_NO_NODE;
  if (builder->status == ONEFOLD_OK)
    node = fixed ? onefold_graph_filter(builder->graph, input, params, values, NULL)
                 : onefold_graph_conv2d(builder->graph, input, params, values, NULL);
  onefold_release(builder->context, values);
  return onefold_build_finish(builder, node, name);
}

onefold_node onefold_build_scale(onefold_builder *builder, onefold_node input, const float *scale,
                                 const char *name) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  return onefold_build_finish(builder, onefold_graph_scale(builder->graph, input, scale, NULL),
                              name);
}

onefold_node onefold_build_pad(onefold_builder *builder, onefold_node input, int64_t pad,
                               const float *value, const char *name) {
  const onefold_pad_params params = {pad, pad, pad, pad, value};
  if (builder->status != ONEFOLD_OK || pad == 0) return input;
  return onefold_build_finish(builder, onefold_graph_pad(builder->graph, input, &params), name);
}

onefold_node onefold_build_sum(onefold_builder *builder, const onefold_node *branches, size_t count,
                               const char *name) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  return onefold_build_finish(builder, onefold_graph_sum(builder->graph, branches, count), name);
}

onefold_node onefold_build_squeeze_excite_as(onefold_builder *builder, onefold_node input,
                                             onefold_se_style style, const char *reduce,
                                             const char *expand) {
  static const struct {
    const char *reduce, *expand;
    int32_t rank, biases;
    onefold_activation gate;
  } styles[] = {
      [ONEFOLD_SE_CONV] = {"se.down", "se.up", 4, 1, ONEFOLD_ACT_SIGMOID},
      [ONEFOLD_SE_LINEAR] = {"se.fc.0", "se.fc.2", 2, 0, ONEFOLD_ACT_SIGMOID},
      [ONEFOLD_SE_HARD_SIGMOID] = {"se.conv_reduce", "se.conv_expand", 4, 1,
                                   ONEFOLD_ACT_HARD_SIGMOID},
  };
  const int64_t hidden = builder->params->se_hidden;
  if (builder->status != ONEFOLD_OK || hidden == 0) return input;
  if (!reduce) reduce = styles[style].reduce;
  if (!expand) expand = styles[style].expand;
  const int64_t channels = onefold_graph_shape(builder->graph, input).c;
  const int64_t down[4] = {hidden, channels, 1, 1}, up[4] = {channels, hidden, 1, 1};
  const int32_t rank = styles[style].rank;
  float *arrays[4] = {onefold_build_read(builder, reduce, ".weight", down, rank),
                      onefold_build_read(builder, expand, ".weight", up, rank), NULL, NULL};
  if (styles[style].biases) {
    arrays[2] = onefold_build_read(builder, reduce, ".bias", down, 1);
    arrays[3] = onefold_build_read(builder, expand, ".bias", up, 1);
  }
  const onefold_squeeze_excite_params params = {.hidden = hidden,
                                                .reduce_weight = arrays[0],
                                                .reduce_bias = arrays[2],
                                                .expand_weight = arrays[1],
                                                .expand_bias = arrays[3],
                                                .gate = styles[style].gate};
  const onefold_node node = builder->status == ONEFOLD_OK
                                ? onefold_graph_squeeze_excite(builder->graph, input, &params)
                                : ONEFOLD_NO_NODE;
  for (int i = 0; i < 4; i++) onefold_release(builder->context, arrays[i]);
  return onefold_build_finish(builder, node, "se");
}

onefold_node onefold_build_squeeze_excite(onefold_builder *builder, onefold_node input,
                                          const char *reduce, const char *expand) {
  return onefold_build_squeeze_excite_as(builder, input, builder->params->se_style, reduce, expand);
}

onefold_node onefold_build_activation(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *params = builder->params;
  if (builder->status != ONEFOLD_OK || params->activation == ONEFOLD_ACT_NONE) return input;
  const onefold_node node =
      onefold_graph_activation(builder->graph, input, params->activation, params->activation_param);
  return onefold_build_finish(builder, node, "activation");
}
