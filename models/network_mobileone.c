// SPDX-License-Identifier: BSD-3-Clause
// MobileOne-S0 (Vasu et al., 2022): depthwise and pointwise blocks in turn, of four parallel
// convolutions each.
#include "models/network.h"

/// A depthwise block and the pointwise one in the row behind it, `times`.
#define DEPTHWISE(stage, channels, s, times)                                                       \
  {                                                                                                \
    .module = "mobileone", .name = "stage" #stage ".#.",                                           \
    .params = "out_channels=" #channels " groups=" #channels " stride=" #s " repeats=4",           \
    .repeats = times, .span = 2                                                                    \
  }
#define POINTWISE(stage, channels)                                                                 \
  ONEFOLD_NETWORK_ROW("mobileone", "stage" #stage ".#.",                                           \
                      "out_channels=" #channels " kernel=1 repeats=4")

// clang-format off
const onefold_network_row onefold_network_rows_mobileone_s0[] = {
    ONEFOLD_NETWORK_ROW("mobileone", "stage0.", "out_channels=48 stride=2"),
    DEPTHWISE(1, 48, 2, 1),
    POINTWISE(1, 48),
    DEPTHWISE(1, 48, 1, 1),
    POINTWISE(1, 48),
    DEPTHWISE(2, 48, 2, 1),
    POINTWISE(2, 128),
    DEPTHWISE(2, 128, 1, 7),
    POINTWISE(2, 128),
    DEPTHWISE(3, 128, 2, 1),
    POINTWISE(3, 256),
    DEPTHWISE(3, 256, 1, 9),
    POINTWISE(3, 256),
    DEPTHWISE(4, 256, 2, 1),
    POINTWISE(4, 1024),
    ONEFOLD_NETWORK_ROW("global_pool", "", ""),
    ONEFOLD_NETWORK_ROW("linear", "linear", "out_channels=1000"),
    ONEFOLD_NETWORK_ROW("output", "", ""),
};
// clang-format on
