// SPDX-License-Identifier: BSD-3-Clause
// Spatial pyramid pooling, of Convs; every pooling has stride 1 and keeps the image's size:
//   SPP      x = cv1(x), y = cv2(cat(x, max_k(x), max_2k-1(x), max_3k-2(x))): 5, 9, 13
//   SPPF     the same with max_k three times in a chain, which is equal to the bit
//   SPP3     a = avg3(cn1(x)), y = cn2(cat(cn1(x), a, avg5(a), avg7(a))), padding counted
//   SPPCSPC  x1 = cv4(cv3(cv1(x))), y = cv7(cat(cv6(cv5(SPP's concat of x1)), cv2(x)))
// cv3 and cv6 are 3x3, all others 1x1. Hidden channels are half of the input's, in SPPCSPC as
// many as the output's. Weight names: cv1.{conv,bn}, ...; SPP3's are cn1, cn2.
#include "models/parts.h"

enum { TAKES = ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_HIDDEN };

static int check(onefold_builder *builder) {
  const int64_t kernel = builder->params->kernel;
  if (!onefold_build_choices(builder, TAKES)) return 0;
  if (kernel <= INT32_MAX) return 1;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_OVERFLOW, "%s: kernel is %lld",
                                           builder->block, (long long)kernel));
  return 0;
}

/// x and its three poolings, joined; chained, each pools the one before.
static onefold_node pyramid(onefold_builder *builder, onefold_node input, int chained) {
  static const char *const names[4] = {"", "m.0", "m.1", "m.2"};
  const int64_t kernel = builder->params->kernel;
  onefold_node parts[4] = {input};
  for (int i = 1; i < 4; i++)
    parts[i] = onefold_build_max_pool(builder, chained ? parts[i - 1] : input,
                                      chained ? kernel : i * (kernel - 1) + 1, names[i]);
  return onefold_build_concat(builder, parts, 4, "concat");
}

static onefold_node build(onefold_builder *builder, onefold_node input, int chained) {
  const onefold_block_params *p = builder->params;
  if (!check(builder)) return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, p->input.c, 0.5);
  onefold_node node = onefold_build_yolo_conv(builder, input, "cv1", hidden, 1, 1);
  node = pyramid(builder, node, chained);
  return onefold_build_yolo_conv(builder, node, "cv2", p->out_channels, 1, 1);
}

onefold_node onefold_block_build_spp(onefold_builder *builder, onefold_node input) {
  return build(builder, input, 0);
}

onefold_node onefold_block_build_sppf(onefold_builder *builder, onefold_node input) {
  return build(builder, input, 1);
}

static onefold_node mean(onefold_builder *builder, onefold_node input, int64_t kernel,
                         const char *name) {
  const onefold_pool2d_params pool = onefold_pool2d_square(kernel, 1, kernel / 2);
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  return onefold_build_finish(builder, onefold_graph_avg_pool(builder->graph, input, &pool), name);
}

onefold_node onefold_block_build_spp3(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_HIDDEN)) return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, p->input.c, 0.5);
  onefold_node parts[4] = {onefold_build_yolo_conv(builder, input, "cn1", hidden, 1, 1)};
  parts[1] = mean(builder, parts[0], 3, "m1");
  parts[2] = mean(builder, parts[1], 5, "m2");
  parts[3] = mean(builder, parts[1], 7, "m3");
  const onefold_node joined = onefold_build_concat(builder, parts, 4, "concat");
  return onefold_build_yolo_conv(builder, joined, "cn2", p->out_channels, 1, 1);
}

onefold_node onefold_block_build_sppcspc(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!check(builder)) return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, p->out_channels, 1);
  onefold_node node = onefold_build_yolo_conv(builder, input, "cv1", hidden, 1, 1);
  const onefold_node side = onefold_build_yolo_conv(builder, input, "cv2", hidden, 1, 1);
  node = onefold_build_yolo_conv(builder, node, "cv3", hidden, 3, 1);
  node = onefold_build_yolo_conv(builder, node, "cv4", hidden, 1, 1);
  node = onefold_build_yolo_conv(builder, pyramid(builder, node, 0), "cv5", hidden, 1, 1);
  node = onefold_build_yolo_conv(builder, node, "cv6", hidden, 3, 1);
  node = onefold_build_concat(builder, (const onefold_node[]){node, side}, 2, "concat");
  return onefold_build_yolo_conv(builder, node, "cv7", p->out_channels, 1, 1);
}
