// SPDX-License-Identifier: BSD-3-Clause
// Bottleneck and C3 of YOLOv5 with RepVGG blocks of OREPA inside (Bottleneck_REPVGGOREPA and
// C3_REPVGGOREPA). `kernel` is the bottleneck's first: 3 for a second such block, as the printed
// log of the original has it, or 1 for a 1x1 convolution, as its code has it.
// Tensors: cv1, cv2 (and cv3) with {conv,bn} or rbr_*, m.<n>.cv1, m.<n>.cv2.
#include "models/builder.h"

#include <stdio.h>

/// floor(out_channels*expansion), `ratio` where no expansion is given.
static int64_t hidden_channels(onefold_builder *builder, double ratio) {
  const onefold_block_params *p = builder->params;
  const double expansion = p->expansion > 0 ? p->expansion : ratio;
  const double hidden = (double)p->out_channels * expansion;
  if (hidden >= 1 && hidden < 0x1p62) return (int64_t)hidden;
  onefold_build_fail(builder,
                     onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                  "%s: %lld out_channels with expansion %g give %g "
                                  "hidden channels",
                                  builder->block, (long long)p->out_channels, expansion, hidden));
  return 0;
}

static onefold_node build_repvgg(onefold_builder *builder, onefold_node input, const char *name,
                                 int64_t channels) {
  onefold_block_params params = onefold_build_inherit(builder, "repvgg_orepa");
  params.out_channels = channels;
  return onefold_build_block(builder, input, "repvgg_orepa", name, &params);
}

onefold_node onefold_block_build_bottleneck_orepa(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_takes(builder, "kernel expansion shortcut")) return ONEFOLD_NO_NODE;
  if (p->kernel != 1 && !onefold_build_only(builder, "kernel", p->kernel, 3))
    return ONEFOLD_NO_NODE;
  if (p->shortcut == 1 && p->input.c != p->out_channels)
    return onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                                                    "%s: no shortcut from %lld to %lld channels",
                                                    builder->block, (long long)p->input.c,
                                                    (long long)p->out_channels));
  const int64_t hidden = hidden_channels(builder, 0.5);
  const onefold_graph_conv2d_params point = onefold_graph_conv2d_square(hidden, 1, 1, 1);
  onefold_node node = p->kernel == 1 ? onefold_build_conv_bn_act(builder, input, "cv1", &point)
                                     : build_repvgg(builder, input, "cv1.", hidden);
  node = build_repvgg(builder, node, "cv2.", p->out_channels);
  if (p->shortcut == 0 || p->input.c != p->out_channels) return node;
  return onefold_build_sum(builder, (const onefold_node[2]){input, node}, 2, "shortcut");
}

onefold_node onefold_block_build_c3_orepa(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_takes(builder, "kernel expansion shortcut repeats")) return ONEFOLD_NO_NODE;
  const int64_t hidden = hidden_channels(builder, 0.5);
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
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  node = onefold_graph_concat(builder->graph, (const onefold_node[2]){node, side}, 2);
  node = onefold_build_finish(builder, node, "concat");
  return onefold_build_conv_bn_act(builder, node, "cv3", &last);
}
