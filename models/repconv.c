// SPDX-License-Identifier: BSD-3-Clause
// YOLOv7's RepConv: y = act(BN(conv3x3(x)) + BN(conv1x1(x)) + BN(x)), where the identity exists
// if the channels agree and the stride is 1; and RepConvN, which never has one. Weight names:
// rbr_dense.{0,1}, rbr_1x1.{0,1}, rbr_identity; conv1.{conv,bn}, conv2.{conv,bn}.
#include "models/parts.h"

enum { TAKES = ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_GROUPS };

onefold_node onefold_block_build_repconv(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES | ONEFOLD_TAKES_IDENTITY)) return ONEFOLD_NO_NODE;
  const onefold_graph_conv2d_params dense = onefold_build_main_conv(p, 3);
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);
  onefold_node branches[3] = {
      onefold_build_conv_bn_as(builder, input, "rbr_dense.0", "rbr_dense.1", &dense),
      onefold_build_conv_bn_as(builder, input, "rbr_1x1.0", "rbr_1x1.1", &point)};
  size_t count = 2;
  if (onefold_build_has_identity(builder, p->input.c))
    branches[count++] = onefold_build_batch_norm(builder, input, "rbr_identity");
  const onefold_node sum = onefold_build_sum(builder, branches, count, "rbr_reparam");
  return onefold_build_activation(builder, sum);
}

onefold_node onefold_block_build_repconvn(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  const onefold_graph_conv2d_params dense = onefold_build_main_conv(p, 3);
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);
  const onefold_node branches[2] = {onefold_build_conv_bn(builder, input, "conv1", &dense),
                                    onefold_build_conv_bn(builder, input, "conv2", &point)};
  const onefold_node sum = onefold_build_sum(builder, branches, 2, "conv");
  return onefold_build_activation(builder, sum);
}
