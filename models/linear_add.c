// SPDX-License-Identifier: BSD-3-Clause
// LinearAddBlock, or CSLA, of RepOptimizer (Ding et al., 2022), without batch norms in branches:
//   y = act(BN(s3 * conv3x3(x) + s1 * conv1x1(x) + s0 * x))
// with one scale per channel; s0 exists where the channels agree and the stride is 1. Weight
// names: conv, scale_conv, conv_1x1, scale_1x1, scale_identity, bn.
#include "models/parts.h"

enum { TAKES = ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_GROUPS | ONEFOLD_TAKES_IDENTITY };

/// Reads <name>.weight.
static onefold_node scale(onefold_builder *builder, onefold_node input, const char *name) {
  const int64_t channels = onefold_build_channels(builder, input);
  float *values = onefold_build_read(builder, name, ".weight", &channels, 1);
  if (!values) return ONEFOLD_NO_NODE;
  const onefold_node node = onefold_graph_scale(builder->graph, input, values, NULL);
  onefold_release(builder->context, values);
  return onefold_build_finish(builder, node, name);
}

onefold_node onefold_block_build_linear_add(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  const onefold_graph_conv2d_params dense = onefold_build_main_conv(p, 3);
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);
  const onefold_node wide = onefold_build_conv2d(builder, input, "conv", &dense);
  const onefold_node narrow = onefold_build_conv2d(builder, input, "conv_1x1", &point);
  onefold_node branches[3] = {scale(builder, wide, "scale_conv"),
                              scale(builder, narrow, "scale_1x1")};
  size_t count = 2;
  if (onefold_build_has_identity(builder, p->input.c))
    branches[count++] = scale(builder, input, "scale_identity");
  const onefold_node sum = onefold_build_sum(builder, branches, count, "sum");
  return onefold_build_activation(builder, onefold_build_batch_norm(builder, sum, "bn"));
}
