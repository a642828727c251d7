// SPDX-License-Identifier: BSD-3-Clause
// Diverse Branch Block (Ding et al., CVPR 2021), K x K, odd:
//   y = act(BN(KxK) + BN(1x1) + BN(KxK(pad(BN(1x1)))) + BN(avg(pad(BN(1x1)))))
// where pad surrounds the image by what the batch norm before it gives for zero; that is what
// lets the branch fold. A grouping of one output channel a group has no 1x1 branch, and a
// plain mean; its 1x1 of the third branch has twice the channels. Elsewhere that 1x1 has the
// identity added to it.
// Tensors: dbb_origin.{conv,bn}, dbb_1x1.{conv,bn}, dbb_1x1_kxk.{idconv1 or conv1,bn1.bn,conv2,
// bn2}, dbb_avg.{conv,bn.bn,avgbn}.
#include "graph/graph.h"
#include "models/parts.h"
#include "ops/batch_norm.h"

/// `padding` rows and columns of what the batch norm `node` gives for zero, in double, rounded.
static onefold_node pad_by_constant(onefold_builder *builder, onefold_node node, int64_t padding,
                                    const char *name) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const onefold_batch_norm_params *bn = &builder->graph->nodes[node].as.batch_norm;
  const int64_t channels = onefold_graph_shape(builder->graph, node).c;
  if (!bn->mean)
    return onefold_build_fail(builder,
                              onefold_fail(builder->context, ONEFOLD_UNSUPPORTED,
                                           "%s: '%s' is padded by its constant, and has "
                                           "no running statistics",
                                           builder->block, builder->graph->nodes[node].name));
  float *value = onefold_build_room(builder, name, &channels, 1);
  for (int64_t c = 0; value && c < channels; c++) {
    double scale, shift;
    onefold_batch_norm_channel(bn, (size_t)c, &scale, &shift);
    value[c] = (float)shift;
  }
  node = onefold_build_pad(builder, node, padding, value, name);
  onefold_release(builder->context, value);
  return node;
}

/// A 1x1 convolution to which the identity is added: weight [C][C/g].
static onefold_node build_identity_conv(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  const int64_t in = p->input.c / p->groups, dims[4] = {p->input.c, in, 1, 1};
  const onefold_graph_conv2d_params params =
      onefold_graph_conv2d_square(p->input.c, 1, 1, p->groups);
  static const char name[] = "dbb_1x1_kxk.idconv1";
  float *values = onefold_build_read(builder, name, ".weight", dims, 4);
  for (int64_t i = 0; values && i < dims[0]; i++) values[i * in + i % in] += 1;
  return onefold_build_conv2d_values(builder, input, &params, values, 0, name);
}

static onefold_node build_kxk(onefold_builder *builder, onefold_node input,
                              onefold_graph_conv2d_params main, int64_t padding) {
  const onefold_block_params *p = builder->params;
  const int64_t rule = p->groups < p->out_channels ? p->input.c : 2 * p->input.c;
  const int64_t mid = p->mid_channels > 0 ? p->mid_channels : rule;
  const onefold_graph_conv2d_params lead = onefold_graph_conv2d_square(mid, 1, 1, p->groups);
  onefold_node node = mid == p->input.c
                          ? build_identity_conv(builder, input)
                          : onefold_build_conv2d(builder, input, "dbb_1x1_kxk.conv1", &lead);
  node = onefold_build_batch_norm(builder, node, "dbb_1x1_kxk.bn1.bn");
  node = pad_by_constant(builder, node, padding, "dbb_1x1_kxk.pad");
  main.pad_top = main.pad_bottom = main.pad_left = main.pad_right = 0;
  return onefold_build_conv_bn_as(builder, node, "dbb_1x1_kxk.conv2", "dbb_1x1_kxk.bn2", &main);
}

static onefold_node build_avg(onefold_builder *builder, onefold_node node, int64_t padding) {
  const onefold_block_params *p = builder->params;
  if (p->groups < p->out_channels) {
    const onefold_graph_conv2d_params lead =
        onefold_graph_conv2d_square(p->out_channels, 1, 1, p->groups);
    node = onefold_build_conv_bn_as(builder, node, "dbb_avg.conv", "dbb_avg.bn.bn", &lead);
    node = pad_by_constant(builder, node, padding, "dbb_avg.pad");
    padding = 0;
  }
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  const onefold_pool2d_params pool = onefold_pool2d_square(p->kernel, p->stride, padding);
  node = onefold_graph_avg_pool(builder->graph, node, &pool);
  node = onefold_build_finish(builder, node, "dbb_avg.avg");
  return onefold_build_batch_norm(builder, node, "dbb_avg.avgbn");
}

onefold_node onefold_block_build_dbb(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE |
                                          ONEFOLD_TAKES_GROUPS | ONEFOLD_TAKES_HIDDEN))
    return ONEFOLD_NO_NODE;
  if (p->groups >= p->out_channels && p->input.c != p->out_channels)
    return onefold_build_fail(builder,
                              onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                                           "dbb: with %lld groups of one output channel the mean "
                                           "cannot lead from %lld to %lld channels",
                                           (long long)p->groups, (long long)p->input.c,
                                           (long long)p->out_channels));
  const int64_t padding = onefold_build_padding(p, p->kernel);
  const onefold_graph_conv2d_params main = onefold_build_main_conv(p, p->kernel);
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);
  onefold_node branches[4];
  size_t count = 0;
  branches[count++] = onefold_build_conv_bn(builder, input, "dbb_origin", &main);
  if (p->groups < p->out_channels)
    branches[count++] = onefold_build_conv_bn(builder, input, "dbb_1x1", &point);
  branches[count++] = build_avg(builder, input, padding);
  branches[count++] = build_kxk(builder, input, main, padding);
  return onefold_build_activation(builder, onefold_build_sum(builder, branches, count, "dbb"));
}
