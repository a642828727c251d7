// SPDX-License-Identifier: BSD-3-Clause
// YOLOv7's downsampling by half, of Convs, for images of even height and width:
//   MPC-B  y = cat(bottom, top)         top = cv1(maxpool2x2(x)), bottom = cv3(cv2(x))
//   MPC-N  y = cat(bottom, top, route)  route is the second input, half the image
// cv1 and cv2 are 1x1, cv3 is 3x3 with stride 2; top and bottom have half of the channels that
// the route leaves of out_channels. The original has no module for either: its layers are rows of
// a model. Here they are named in the order of those rows: cv1.{conv,bn}, ...
#include "models/parts.h"

static onefold_node build(onefold_builder *builder, onefold_node input, int64_t route_channels,
                          int has_route) {
  const onefold_block_params *p = builder->params;
  const int64_t left = p->out_channels - route_channels;
  if (p->input.h % 2 || p->input.w % 2)
    return onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                                    "%s: the image is %lldx%lld, both must be even",
                                                    builder->block, (long long)p->input.h,
                                                    (long long)p->input.w));
  if (left < 2 || left % 2)
    return onefold_build_fail(
        builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                              "%s: out_channels is %lld, %lld of them for two equal parts",
                              builder->block, (long long)p->out_channels, (long long)left));
  onefold_pool2d_params half = onefold_pool2d_square(2, 2, 0);
  onefold_node top =
      onefold_build_finish(builder, onefold_graph_max_pool(builder->graph, input, &half), "mp");
  top = onefold_build_yolo_conv(builder, top, "cv1", left / 2, 1, 1);
  onefold_node bottom = onefold_build_yolo_conv(builder, input, "cv2", left / 2, 1, 1);
  bottom = onefold_build_yolo_conv(builder, bottom, "cv3", left / 2, 3, 2);
  onefold_node parts[3] = {bottom, top};
  if (has_route) parts[2] = onefold_build_route(builder, onefold_graph_shape(builder->graph, top));
  return onefold_build_concat(builder, parts, has_route ? 3 : 2, "concat");
}

onefold_node onefold_block_build_mpc_b(onefold_builder *builder, onefold_node input) {
  if (!onefold_build_choices(builder, 0)) return ONEFOLD_NO_NODE;
  return build(builder, input, 0, 0);
}

onefold_node onefold_block_build_mpc_n(onefold_builder *builder, onefold_node input) {
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ROUTE)) return ONEFOLD_NO_NODE;
  return build(builder, input, builder->params->route_channels, 1);
}
