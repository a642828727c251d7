// SPDX-License-Identifier: BSD-3-Clause
// RepVGG block (Ding et al., 2021), and that of its authors' RepVGGplus:
//   y = act(se(BN(conv3x3(x)) + BN(conv1x1(x)) + BN(x)))
//   y = se(act(BN(conv3x3(x)) + BN(conv1x1(x)) + BN(x)))
// The identity exists where the channels agree and the stride is 1, unless `identity` says
// otherwise. With dilation d the 3x3 pads by d. Weight names: rbr_dense.{conv,bn},
// rbr_1x1.{conv,bn}, rbr_identity, se.{down,up} or post_se.{down,up}.
#include "models/parts.h"

enum {
  TAKES = ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_DILATION | ONEFOLD_TAKES_GROUPS |
          ONEFOLD_TAKES_IDENTITY | ONEFOLD_TAKES_SE
};

/// The three branches and their sum.
static onefold_node branches_of(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  const onefold_graph_conv2d_params dense = onefold_build_main_conv(p, 3);
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);
  onefold_node branches[3];
  size_t count = 0;
  branches[count++] = onefold_build_conv_bn(builder, input, "rbr_dense", &dense);
  branches[count++] = onefold_build_conv_bn(builder, input, "rbr_1x1", &point);
  if (onefold_build_has_identity(builder, p->input.c))
    branches[count++] = onefold_build_batch_norm(builder, input, "rbr_identity");
  return onefold_build_sum(builder, branches, count, "rbr_reparam");
}

onefold_node onefold_block_build_repvgg(onefold_builder *builder, onefold_node input) {
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  onefold_node node = branches_of(builder, input);
  node = onefold_build_squeeze_excite(builder, node, NULL, NULL);
  return onefold_build_activation(builder, node);
}

onefold_node onefold_block_build_repvggplus(onefold_builder *builder, onefold_node input) {
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  const onefold_node node = onefold_build_activation(builder, branches_of(builder, input));
  return onefold_build_squeeze_excite(builder, node, "post_se.down", "post_se.up");
}
