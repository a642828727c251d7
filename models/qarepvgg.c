// SPDX-License-Identifier: BSD-3-Clause
// QARepVGG block (Chu et al., 2022), RepVGG made fit for quantisation:
//   y = act(BN(BN(conv3x3(x)) + conv1x1(x) + x))
// Its second version adds avgpool3x3(x) to the sum. Both x and the pooling exist where the
// channels agree and the stride is 1. Weight names: rbr_dense.{conv,bn}, rbr_1x1, bn.
#include "models/parts.h"

enum { TAKES = ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_GROUPS | ONEFOLD_TAKES_IDENTITY };

static onefold_node build(onefold_builder *builder, onefold_node input, int pooling) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  const onefold_graph_conv2d_params dense = onefold_build_main_conv(p, 3);
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);
  onefold_node branches[4] = {onefold_build_conv_bn(builder, input, "rbr_dense", &dense),
                              onefold_build_conv2d(builder, input, "rbr_1x1", &point)};
  size_t count = 2;
  const int same = onefold_build_has_identity(builder, p->input.c);
  if (same) branches[count++] = input;
  if (same && pooling && builder->status == ONEFOLD_OK) {
    const onefold_pool2d_params mean = onefold_pool2d_square(3, 1, 1);
    branches[count++] = onefold_build_finish(
        builder, onefold_graph_avg_pool(builder->graph, input, &mean), "rbr_avg");
  }
  const onefold_node sum = onefold_build_sum(builder, branches, count, "rbr_reparam");
  return onefold_build_activation(builder, onefold_build_batch_norm(builder, sum, "bn"));
}

onefold_node onefold_block_build_qarepvgg(onefold_builder *builder, onefold_node input) {
  return build(builder, input, 0);
}

onefold_node onefold_block_build_qarepvgg_v2(onefold_builder *builder, onefold_node input) {
  return build(builder, input, 1);
}
