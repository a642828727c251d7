// SPDX-License-Identifier: BSD-3-Clause
// YOLOv7's efficient layer aggregation (Wang et al., 2022), of Convs. With h hidden channels:
//   a = cv1(x), b = cv2(x) 1x1; r1 = cv3(b), r2 = cv4(r1), r3 = cv5(r2), r4 = cv6(r3) 3x3
//   ELAN    y = cv7(cat(r4, r2, b, a)), a and b of h channels, h = out_channels/4
//   ELAN-H  y = cv7(cat(r4, r3, r2, r1, b, a)), a and b of 2h, h = out_channels/2
// r1 to r4 have h channels, cv7 is 1x1. The original has no module for either: its layers are
// rows of a model. Here they are named cv1 to cv7 in the order of those rows: cv1.{conv,bn}, ...
#include "models/parts.h"

/// `kept` numbers the layers that are joined, from 1 for a to 6 for r4.
static onefold_node build(onefold_builder *builder, onefold_node input, double expansion,
                          int64_t width, const int *kept, size_t count) {
  static const char *const names[6] = {"cv1", "cv2", "cv3", "cv4", "cv5", "cv6"};
  const int64_t out = builder->params->out_channels;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_HIDDEN | ONEFOLD_TAKES_EXPANSION))
    return ONEFOLD_NO_NODE;
  const int64_t hidden = onefold_build_hidden(builder, out, expansion);
  onefold_node layers[6], parts[6];
  for (size_t i = 0; i < 2; i++)
    layers[i] = onefold_build_yolo_conv(builder, input, names[i], width * hidden, 1, 1);
  for (size_t i = 2; i < 6; i++)
    layers[i] = onefold_build_yolo_conv(builder, layers[i - 1], names[i], hidden, 3, 1);
  for (size_t i = 0; i < count; i++) parts[i] = layers[kept[i] - 1];
  const onefold_node joined = onefold_build_concat(builder, parts, count, "concat");
  return onefold_build_yolo_conv(builder, joined, "cv7", out, 1, 1);
}

onefold_node onefold_block_build_elan(onefold_builder *builder, onefold_node input) {
  return build(builder, input, 0.25, 1, (const int[]){6, 4, 2, 1}, 4);
}

onefold_node onefold_block_build_elan_h(onefold_builder *builder, onefold_node input) {
  return build(builder, input, 0.5, 2, (const int[]){6, 5, 4, 3, 2, 1}, 6);
}
