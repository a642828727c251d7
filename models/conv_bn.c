// SPDX-License-Identifier: BSD-3-Clause
// One convolution and one batch normalisation: y = act(BN(conv(x))). ConvBN pads by
// dilation*(kernel - 1)/2, the Conv of the YOLO family by (dilation*(kernel - 1) + 1)/2, which is
// kernel/2 without dilation; both differ for even kernels alone. Weight names: conv, bn.
#include "models/parts.h"

enum {
  TAKES = ONEFOLD_TAKES_KERNEL | ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_DILATION |
          ONEFOLD_TAKES_GROUPS | ONEFOLD_TAKES_PADDING
};

static onefold_node build(onefold_builder *builder, onefold_node input,
                          const onefold_graph_conv2d_params *conv) {
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  const onefold_node node = onefold_build_conv_bn_as(builder, input, "conv", "bn", conv);
  return onefold_build_activation(builder, node);
}

onefold_node onefold_block_build_conv_bn(onefold_builder *builder, onefold_node input) {
  const onefold_graph_conv2d_params conv =
      onefold_build_main_conv(builder->params, builder->params->kernel);
  return build(builder, input, &conv);
}

onefold_node onefold_block_build_conv(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  onefold_graph_conv2d_params conv = onefold_build_main_conv(p, p->kernel);
  const int half = p->padding < 0 && p->kernel % 2 == 0 && p->dilation % 2 == 1;
  if (half && conv.pad_top < INT64_MAX)
    conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = conv.pad_top + 1;
  return build(builder, input, &conv);
}
