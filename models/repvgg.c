// SPDX-License-Identifier: BSD-3-Clause
// RepVGG block (Ding et al., 2021):
//   y = act(se(BN(conv3x3(x)) + BN(conv1x1(x)) + BN(x)))
// The identity exists where the channels agree and the stride is 1. With dilation d the 3x3
// pads by d. Weight names: rbr_dense.{conv,bn}, rbr_1x1.{conv,bn}, rbr_identity, se.{down,up}.
#include "models/builder.h"

onefold_node onefold_block_build_repvgg(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (p->kernel != 3)
    return onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                                    "repvgg: kernel is %lld, the block has 3",
                                                    (long long)p->kernel));
  onefold_graph_conv2d_params dense =
      onefold_graph_conv2d_square(p->out_channels, 3, p->stride, p->groups);
  dense.dilation_h = dense.dilation_w = p->dilation;
  dense.pad_top = dense.pad_bottom = dense.pad_left = dense.pad_right = p->dilation;
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);

  onefold_node branches[3];
  size_t count = 0;
  branches[count++] = onefold_build_conv_bn(builder, input, "rbr_dense", &dense);
  branches[count++] = onefold_build_conv_bn(builder, input, "rbr_1x1", &point);
  if (p->input.c == p->out_channels && p->stride == 1)
    branches[count++] = onefold_build_batch_norm(builder, input, "rbr_identity");
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;

  onefold_node node = onefold_graph_sum(builder->graph, branches, count);
  onefold_graph_name(builder->graph, node, "rbr_reparam");
  if (p->se_hidden > 0)
    node = onefold_build_squeeze_excite(builder, node, "se.down", "se.up", p->se_hidden,
                                        ONEFOLD_ACT_SIGMOID);
  return onefold_build_activation(builder, node);
}
