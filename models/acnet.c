// SPDX-License-Identifier: BSD-3-Clause
// ACNet's asymmetric convolution block (Ding et al., 2019):
//   y = act(BN(convKxK(x)) + BN(convKx1(x)) + BN(conv1xK(x)))
// With dilation d and r = d*(K-1)/2, a square convolution that pads by p has a vertical one that
// pads its columns by p - r, and a horizontal one that pads its rows by p - r; where that is
// negative it crops. Weight names: {square,ver,hor}_conv, {square,ver,hor}_bn.
#include "models/parts.h"

enum {
  TAKES = ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_DILATION |
          ONEFOLD_TAKES_GROUPS | ONEFOLD_TAKES_PADDING
};

/// The part of the padding that is left where the kernel is 1 wide, around the image: a
/// convolution cannot pad beyond its kernel.
static onefold_node pad(onefold_builder *builder, onefold_node input, int64_t rows, int64_t cols) {
  if (builder->status != ONEFOLD_OK || (rows <= 0 && cols <= 0)) return input;
  const onefold_pad_params params = {
      .top = rows, .bottom = rows, .left = cols, .right = cols, .value = NULL};
  return onefold_build_finish(builder, onefold_graph_pad(builder->graph, input, &params), "pad");
}

onefold_node onefold_block_build_acnet(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  onefold_block_params centred = *p;
  centred.padding = -1;
  const int64_t side =
      onefold_build_padding(p, p->kernel) - onefold_build_padding(&centred, p->kernel);
  const int64_t crop = side < 0 ? side : 0, around = side > 0 ? side : 0;
  const onefold_graph_conv2d_params square = onefold_build_main_conv(p, p->kernel);
  onefold_graph_conv2d_params vertical = square, horizontal = square;
  vertical.kernel_w = horizontal.kernel_h = 1;
  vertical.pad_left = vertical.pad_right = crop;
  horizontal.pad_top = horizontal.pad_bottom = crop;
  const onefold_node columns = pad(builder, input, 0, around),
                     rows = pad(builder, input, around, 0);
  const onefold_node branches[3] = {
      onefold_build_conv_bn_as(builder, input, "square_conv", "square_bn", &square),
      onefold_build_conv_bn_as(builder, columns, "ver_conv", "ver_bn", &vertical),
      onefold_build_conv_bn_as(builder, rows, "hor_conv", "hor_bn", &horizontal)};
  const onefold_node sum = onefold_build_sum(builder, branches, 3, "fused_conv");
  return onefold_build_activation(builder, sum);
}
