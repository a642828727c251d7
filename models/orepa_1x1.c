// SPDX-License-Identifier: BSD-3-Clause
// OREPA_1x1 (Hu et al., CVPR 2022): y = act(BN(v0*W0 x + v1*W2 (W1 x))), all of 1x1. W1 leads to
// as many channels as the smaller end has. Tensors: weight_or1x1_origin, weight_or1x1_l2i_conv1,
// weight_or1x1_l2i_conv2, vector [2][O], bn.
#include "models/parts.h"

static onefold_node build_point(onefold_builder *builder, onefold_node input, const char *name,
                                int64_t channels, int64_t stride) {
  const onefold_graph_conv2d_params params = onefold_graph_conv2d_square(channels, 1, stride, 1);
  const int64_t dims[4] = {channels, onefold_graph_shape(builder->graph, input).c, 1, 1};
  float *values = onefold_build_read(builder, name, "", dims, 4);
  return onefold_build_conv2d_values(builder, input, &params, values, 0, name);
}

onefold_node onefold_block_build_orepa_1x1(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  const int64_t in = p->input.c, out = p->out_channels;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_KERNEL | ONEFOLD_TAKES_STRIDE) ||
      !onefold_build_only(builder, "kernel", p->kernel, 1))
    return ONEFOLD_NO_NODE;
  float *vector = onefold_build_read(builder, "vector", "", (const int64_t[2]){2, out}, 2);
  if (!vector) return ONEFOLD_NO_NODE;
  onefold_node branches[2];
  branches[0] = build_point(builder, input, "weight_or1x1_origin", out, p->stride);
  branches[0] = onefold_build_scale(builder, branches[0], vector, "vector.origin");
  branches[1] = build_point(builder, input, "weight_or1x1_l2i_conv1", out > in ? in : out, 1);
  branches[1] = build_point(builder, branches[1], "weight_or1x1_l2i_conv2", out, p->stride);
  branches[1] = onefold_build_scale(builder, branches[1], vector + out, "vector.l2i");
  onefold_release(builder->context, vector);
  onefold_node node = onefold_build_sum(builder, branches, 2, "weight");
  node = onefold_build_batch_norm(builder, node, "bn");
  return onefold_build_activation(builder, node);
}
