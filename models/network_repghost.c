// SPDX-License-Identifier: BSD-3-Clause
// RepGhostNet (Chen et al., 2022): channels are multiples of 4.
#include "models/network.h"

/// A bottleneck: its hidden and its output channels, the depthwise kernel, the stride, hidden
/// channels of the squeeze-and-excitation or 0.
#define BOTTLENECK(stage, mid, out, k, s, se)                                                      \
  ONEFOLD_NETWORK_ROW("repghost_bottleneck", "blocks." #stage ".#.",                               \
                      "mid_channels=" #mid " out_channels=" #out " kernel=" #k " stride=" #s       \
                      " se_hidden=" #se)
#define RELU ONEFOLD_NETWORK_ROW("activation", "", "activation=relu")
#define CONV_BN_RELU(conv, bn, out, k, s)                                                          \
  ONEFOLD_NETWORK_ROW("conv2d", conv, "out_channels=" #out " kernel=" #k " stride=" #s),           \
      ONEFOLD_NETWORK_ROW("batch_norm", bn, ""), RELU
#define CLASSIFIER                                                                                 \
  ONEFOLD_NETWORK_ROW("global_pool", "", ""),                                                      \
      ONEFOLD_NETWORK_ROW("conv2d_bias", "conv_head", "out_channels=1280 kernel=1"), RELU,         \
      ONEFOLD_NETWORK_ROW("linear", "classifier", "out_channels=1000"),                            \
      ONEFOLD_NETWORK_ROW("output", "", "")

// clang-format off
const onefold_network_row onefold_network_rows_repghostnet_05[] = {
    CONV_BN_RELU("conv_stem", "bn1", 8, 3, 2),
    BOTTLENECK(0, 4, 8, 3, 1, 0),
    BOTTLENECK(1, 12, 12, 3, 2, 0),
    BOTTLENECK(2, 20, 12, 3, 1, 0),
    BOTTLENECK(3, 20, 20, 5, 2, 8),
    BOTTLENECK(4, 32, 20, 5, 1, 8),
    BOTTLENECK(5, 60, 40, 3, 2, 0),
    BOTTLENECK(6, 52, 40, 3, 1, 0),
    BOTTLENECK(6, 60, 40, 3, 1, 0),
    BOTTLENECK(6, 60, 40, 3, 1, 0),
    BOTTLENECK(6, 120, 56, 3, 1, 32),
    BOTTLENECK(6, 168, 56, 3, 1, 44),
    BOTTLENECK(7, 168, 80, 5, 2, 44),
    BOTTLENECK(8, 240, 80, 5, 1, 0),
    BOTTLENECK(8, 240, 80, 5, 1, 60),
    BOTTLENECK(8, 240, 80, 5, 1, 0),
    BOTTLENECK(8, 240, 80, 5, 1, 60),
    CONV_BN_RELU("blocks.9.0.conv", "blocks.9.0.bn1", 480, 1, 1),
    CLASSIFIER,
};
const onefold_network_row onefold_network_rows_repghostnet_10[] = {
    CONV_BN_RELU("conv_stem", "bn1", 16, 3, 2),
    BOTTLENECK(0, 8, 16, 3, 1, 0),
    BOTTLENECK(1, 24, 24, 3, 2, 0),
    BOTTLENECK(2, 36, 24, 3, 1, 0),
    BOTTLENECK(3, 36, 40, 5, 2, 12),
    BOTTLENECK(4, 60, 40, 5, 1, 16),
    BOTTLENECK(5, 120, 80, 3, 2, 0),
    BOTTLENECK(6, 100, 80, 3, 1, 0),
    BOTTLENECK(6, 120, 80, 3, 1, 0),
    BOTTLENECK(6, 120, 80, 3, 1, 0),
    BOTTLENECK(6, 240, 112, 3, 1, 60),
    BOTTLENECK(6, 336, 112, 3, 1, 84),
    BOTTLENECK(7, 336, 160, 5, 2, 84),
    BOTTLENECK(8, 480, 160, 5, 1, 0),
    BOTTLENECK(8, 480, 160, 5, 1, 120),
    BOTTLENECK(8, 480, 160, 5, 1, 0),
    BOTTLENECK(8, 480, 160, 5, 1, 120),
    CONV_BN_RELU("blocks.9.0.conv", "blocks.9.0.bn1", 960, 1, 1),
    CLASSIFIER,
};
// clang-format on
