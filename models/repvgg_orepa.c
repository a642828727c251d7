// SPDX-License-Identifier: BSD-3-Clause
// RepVGG with OREPA as its dense branch (Hu et al., CVPR 2022; RepVGGBlock_OREPA and, in YOLOv7,
// RepConv_OREPA), and that branch alone (OREPA_3x3_RepVGG). The branch is OREPA without the 1x1
// branch, for one group and dilation 1; its `vector` has a row more than it uses where the
// channels agree and the stride is 1, which counts as parameters there and not here.
// Tensors: [rbr_dense.]weight_rbr_*, [rbr_dense.]vector, [rbr_dense.]bn, rbr_1x1.{conv,bn},
// rbr_identity, se.*.
#include "models/orepa_layer.h"
#include "models/parts.h"

#include <stdio.h>

static onefold_node build_dense(onefold_builder *builder, onefold_node input, const char *at) {
  const onefold_block_params *p = builder->params;
  const onefold_orepa_layer layer = {.at = at,
                                     .family = "weight_rbr_",
                                     .rows = 5 + (p->input.c == p->out_channels && p->stride == 1),
                                     .mid_channels = onefold_orepa_mid_channels(p),
                                     .conv = onefold_build_main_conv(p, 3)};
  char name[ONEFOLD_BUILD_NAME];
  snprintf(name, sizeof name, "%sbn", at);
  return onefold_build_batch_norm(builder, onefold_build_orepa_layer(builder, input, &layer), name);
}

onefold_node onefold_block_build_orepa_3x3(onefold_builder *builder, onefold_node input) {
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_HIDDEN))
    return ONEFOLD_NO_NODE;
  return onefold_build_activation(builder, build_dense(builder, input, ""));
}

onefold_node onefold_block_build_repvgg_orepa(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_HIDDEN |
                                          ONEFOLD_TAKES_IDENTITY | ONEFOLD_TAKES_SE))
    return ONEFOLD_NO_NODE;
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, 1);
  onefold_node branches[3];
  size_t count = 0;
  branches[count] = build_dense(builder, input, "rbr_dense.");
  if (p->orepa_inner_activation && builder->status == ONEFOLD_OK)
    branches[count] = onefold_build_finish(
        builder, onefold_graph_activation(builder->graph, branches[count], ONEFOLD_ACT_SILU, 0),
        "rbr_dense.activation");
  count++;
  branches[count++] = onefold_build_conv_bn(builder, input, "rbr_1x1", &point);
  if (onefold_build_has_identity(builder, p->input.c))
    branches[count++] = onefold_build_batch_norm(builder, input, "rbr_identity");
  onefold_node node = onefold_build_sum(builder, branches, count, "rbr_reparam");
  node = onefold_build_squeeze_excite(builder, node, NULL, NULL);
  return onefold_build_activation(builder, node);
}
