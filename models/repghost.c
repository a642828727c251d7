// SPDX-License-Identifier: BSD-3-Clause
// RepGhost (Chen et al., 2022). The module:
//   x1 = act(BN(convKxK(x)))    y = act(BN(dw3x3(x1)) + BN(x1) + x1)
// where reparam_bn and reparam_identity say whether the last two terms exist. The bottleneck:
//   y = ghost2(se(BN(dw(ghost1(x))))) + shortcut(x)
// where ghost2 has no activations, dw exists where the stride is not 1, and the shortcut is x, or
// BN(conv1x1(BN(dw(x)))) where channels or image differ; `shortcut` 0 takes the plain x away.
// `kernel` is that of the module's first convolution, and of the bottleneck's dw. Weight names:
// primary_conv.{0,1}, cheap_operation.{0,1}, fusion_bn.0; ghost1, conv_dw, bn_dw,
// se.conv_{reduce,expand}, ghost2, shortcut.{0,1,2,3}.
#include "models/parts.h"

/// A depthwise convolution that keeps the channels and pads by (kernel-1)/2, and its batch norm.
static onefold_node depthwise(onefold_builder *builder, onefold_node input, const char *conv,
                              const char *bn, int64_t kernel, int64_t stride) {
  const int64_t channels = onefold_build_channels(builder, input);
  const onefold_graph_conv2d_params params =
      onefold_graph_conv2d_square(channels, kernel, stride, channels);
  return onefold_build_conv_bn_as(builder, input, conv, bn, &params);
}

onefold_node onefold_block_build_repghost(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE |
                                          ONEFOLD_TAKES_REPARAM))
    return ONEFOLD_NO_NODE;
  const onefold_graph_conv2d_params conv = onefold_build_main_conv(p, p->kernel);
  onefold_node primary =
      onefold_build_conv_bn_as(builder, input, "primary_conv.0", "primary_conv.1", &conv);
  primary = onefold_build_activation(builder, primary);
  onefold_node branches[3];
  size_t count = 0;
  branches[count++] = depthwise(builder, primary, "cheap_operation.0", "cheap_operation.1", 3, 1);
  if (p->reparam_bn) branches[count++] = onefold_build_batch_norm(builder, primary, "fusion_bn.0");
  if (p->reparam_identity) branches[count++] = primary;
  const onefold_node sum =
      count > 1 ? onefold_build_sum(builder, branches, count, "cheap_operation") : branches[0];
  return onefold_build_activation(builder, sum);
}

static onefold_node ghost(onefold_builder *builder, onefold_node input, const char *name,
                          int64_t channels, onefold_activation activation) {
  onefold_block_params params = onefold_build_inherit(builder, "repghost");
  params.out_channels = channels;
  params.activation = activation;
  params.reparam_bn = builder->params->reparam_bn;
  params.reparam_identity = builder->params->reparam_identity;
  return onefold_build_block(builder, input, "repghost", name, &params);
}

static onefold_node shortcut(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  const onefold_graph_conv2d_params point = onefold_graph_conv2d_square(p->out_channels, 1, 1, 1);
  const onefold_node dw =
      depthwise(builder, input, "shortcut.0", "shortcut.1", p->kernel, p->stride);
  return onefold_build_conv_bn_as(builder, dw, "shortcut.2", "shortcut.3", &point);
}

onefold_node onefold_block_build_repghost_bottleneck(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  const unsigned takes = ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_HIDDEN |
                         ONEFOLD_TAKES_EXPANSION | ONEFOLD_TAKES_SHORTCUT | ONEFOLD_TAKES_SE |
                         ONEFOLD_TAKES_REPARAM;
  if (!onefold_build_choices(builder, takes)) return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, p->out_channels, 1);
  onefold_node node = ghost(builder, input, "ghost1.", hidden, p->activation);
  if (p->stride > 1) node = depthwise(builder, node, "conv_dw", "bn_dw", p->kernel, p->stride);
  node = onefold_build_squeeze_excite_as(builder, node, ONEFOLD_SE_HARD_SIGMOID, NULL, NULL);
  node = ghost(builder, node, "ghost2.", p->out_channels, ONEFOLD_ACT_NONE);
  const int plain = p->input.c == p->out_channels && p->stride == 1;
  if (plain && p->shortcut == 0) return node;
  const onefold_node ends[2] = {node, plain ? input : shortcut(builder, input)};
  return onefold_build_sum(builder, ends, 2, "sum");
}
