// SPDX-License-Identifier: BSD-3-Clause
// Bottleneck and C3 of YOLOv5 with RepVGG blocks of OREPA inside (Bottleneck_REPVGGOREPA and
// C3_REPVGGOREPA). `kernel` is the bottleneck's first: 3 for a second such block, as the printed
// log of the original has it, or 1 for a 1x1 convolution, as its code has it.
// Tensors: cv1, cv2 (and cv3) with {conv,bn} or rbr_*, m.<n>.cv1, m.<n>.cv2.
#include "models/parts.h"

#include <stdio.h>

static onefold_node build_repvgg(onefold_builder *builder, onefold_node input, const char *name,
                                 int64_t channels) {
  onefold_block_params params = onefold_build_inherit(builder, "repvgg_orepa");
  params.out_channels = channels;
  return onefold_build_block(builder, input, "repvgg_orepa", name, &params);
}

onefold_node onefold_block_build_bottleneck_orepa(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_HIDDEN |
                                          ONEFOLD_TAKES_EXPANSION | ONEFOLD_TAKES_SHORTCUT))
    return ONEFOLD_NO_NODE;
  if (p->kernel != 1 && !onefold_build_only(builder, "kernel", p->kernel, 3))
    return ONEFOLD_NO_NODE;
  const int add = onefold_build_has_shortcut(builder);
  const int64_t hidden = onefold_build_hidden(builder, p->out_channels, 0.5);
  const onefold_graph_conv2d_params point = onefold_graph_conv2d_square(hidden, 1, 1, 1);
  onefold_node node = p->kernel == 1 ? onefold_build_conv_bn_act(builder, input, "cv1", &point)
                                     : build_repvgg(builder, input, "cv1.", hidden);
  node = build_repvgg(builder, node, "cv2.", p->out_channels);
  return add ? onefold_build_sum(builder, (const onefold_node[2]){input, node}, 2, "shortcut")
             : node;
}

onefold_node onefold_block_build_c3_orepa(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_HIDDEN |
                                          ONEFOLD_TAKES_EXPANSION | ONEFOLD_TAKES_SHORTCUT |
                                          ONEFOLD_TAKES_REPEATS))
    return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, p->out_channels, 0.5);
  const onefold_graph_conv2d_params lead = onefold_graph_conv2d_square(hidden, 1, 1, 1);
  const onefold_graph_conv2d_params last = onefold_graph_conv2d_square(p->out_channels, 1, 1, 1);
  onefold_node node = onefold_build_conv_bn_act(builder, input, "cv1", &lead);
  onefold_block_params inner = onefold_build_inherit(builder, "bottleneck_orepa");
  inner.out_channels = hidden;
  inner.kernel = p->kernel;
  inner.expansion = 1;
  inner.shortcut = p->shortcut == 1;
  for (int64_t n = 0; n < p->repeats && builder->status == ONEFOLD_OK; n++) {
    char name[32];
    snprintf(name, sizeof name, "m.%lld.", (long long)n);
    node = onefold_build_block(builder, node, "bottleneck_orepa", name, &inner);
  }
  const onefold_node side = onefold_build_conv_bn_act(builder, input, "cv2", &lead);
  node = onefold_build_concat(builder, (const onefold_node[2]){node, side}, 2, "concat");
  return onefold_build_conv_bn_act(builder, node, "cv3", &last);
}
