// SPDX-License-Identifier: BSD-3-Clause
// YOLOv5's Bottleneck and C3, and YOLOv8's Bottleneck and C2f, of Convs (convolution, batch norm,
// activation):
//   Bottleneck  x + cv2(cv1(x))                                     cv1 1x1 (v8: 3x3), cv2 3x3
//   C3          cv3(cat(m(cv1(x)), cv2(x)))                         m: `repeats` Bottlenecks
//   C2f         cv2(cat(a, b, m0(b), m1(m0(b)), ...)), a, b halves of cv1(x); cv1 of m* is 3x3
// Hidden channels are `expansion` (1/2) of the output's, within C3 and C2f those of the
// Bottlenecks as well. `shortcut` -1 adds x in Bottleneck and C3 where the channels agree, and
// does not in C2f. `groups` are those of the Bottlenecks' cv2. Weight names: cv1.{conv,bn}, ...,
// m.{n}.cv1.{conv,bn}, ...
#include "models/parts.h"

#include <stdio.h>

enum {
  TAKES = ONEFOLD_TAKES_INNER_GROUPS | ONEFOLD_TAKES_HIDDEN | ONEFOLD_TAKES_EXPANSION |
          ONEFOLD_TAKES_SHORTCUT
};

/// A Bottleneck whose names begin with `path`.
static onefold_node bottleneck(onefold_builder *builder, onefold_node input, const char *path,
                               int64_t hidden, int64_t out_channels, int64_t first_kernel,
                               int add) {
  char name[48];
  const onefold_graph_conv2d_params second =
      onefold_graph_conv2d_square(out_channels, 3, 1, builder->params->groups);
  snprintf(name, sizeof name, "%scv1", path);
  onefold_node node = onefold_build_yolo_conv(builder, input, name, hidden, first_kernel, 1);
  snprintf(name, sizeof name, "%scv2", path);
  node = onefold_build_conv_bn_act(builder, node, name, &second);
  if (!add) return node;
  snprintf(name, sizeof name, "%ssum", path);
  return onefold_build_sum(builder, (const onefold_node[]){input, node}, 2, name);
}

/// A Bottleneck by itself.
static onefold_node alone(onefold_builder *builder, onefold_node input, int64_t first_kernel) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  const int add = onefold_build_has_shortcut(builder);
  const int64_t hidden = onefold_build_hidden(builder, p->out_channels, 0.5);
  return bottleneck(builder, input, "", hidden, p->out_channels, first_kernel, add);
}

onefold_node onefold_block_build_bottleneck(onefold_builder *builder, onefold_node input) {
  return alone(builder, input, 1);
}

onefold_node onefold_block_build_bottleneck_v8(onefold_builder *builder, onefold_node input) {
  return alone(builder, input, 3);
}

onefold_node onefold_block_build_c3(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES | ONEFOLD_TAKES_REPEATS)) return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, p->out_channels, 0.5);
  onefold_node deep = onefold_build_yolo_conv(builder, input, "cv1", hidden, 1, 1);
  for (int64_t n = 0; n < p->repeats; n++) {
    char path[32];
    snprintf(path, sizeof path, "m.%d.", (int)n);
    deep = bottleneck(builder, deep, path, hidden, hidden, 1, p->shortcut != 0);
  }
  const onefold_node ends[2] = {deep, onefold_build_yolo_conv(builder, input, "cv2", hidden, 1, 1)};
  const onefold_node joined = onefold_build_concat(builder, ends, 2, "concat");
  return onefold_build_yolo_conv(builder, joined, "cv3", p->out_channels, 1, 1);
}

onefold_node onefold_block_build_c2f(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES | ONEFOLD_TAKES_REPEATS)) return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, p->out_channels, 0.5);
  const onefold_node both = onefold_build_yolo_conv(builder, input, "cv1", 2 * hidden, 1, 1);
  onefold_node parts[ONEFOLD_MAX_REPEATS + 2];
  size_t count = 2;
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  onefold_graph_split(builder->graph, both, (const int64_t[]){hidden, hidden}, 2, parts);
  for (int64_t n = 0; n < p->repeats; n++, count++) {
    char path[32];
    snprintf(path, sizeof path, "m.%d.", (int)n);
    parts[count] = bottleneck(builder, parts[count - 1], path, hidden, hidden, 3, p->shortcut == 1);
  }
  const onefold_node joined = onefold_build_concat(builder, parts, count, "concat");
  return onefold_build_yolo_conv(builder, joined, "cv2", p->out_channels, 1, 1);
}
