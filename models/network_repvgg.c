// SPDX-License-Identifier: BSD-3-Clause
// RepVGG (Ding et al., 2021): a first block and four stages, each of which begins with stride 2.
// In B1g2 and B1g4 the blocks 2, 4, ..., 26 of the network have groups.
#include "models/network.h"

/// The first block of a stage.
#define FIRST(name, channels)                                                                      \
  ONEFOLD_NETWORK_ROW("repvgg", name, "out_channels=" #channels " stride=2")

/// `times` blocks; with a span of 2 this one and that of the next row in turn.
#define BLOCKS(stage, channels, g, times, rows)                                                    \
  {                                                                                                \
    .module = "repvgg", .name = "stage" #stage ".#.",                                              \
    .params = "out_channels=" #channels " groups=" #g, .repeats = times, .span = rows              \
  }

#define CLASSIFIER                                                                                 \
  ONEFOLD_NETWORK_ROW("global_pool", "", ""),                                                      \
      ONEFOLD_NETWORK_ROW("linear", "linear", "out_channels=1000"),                                \
      ONEFOLD_NETWORK_ROW("output", "", "")

// clang-format off
#define NETWORK_A(id, c0, c1, c2, c3, c4)                                                          \
  const onefold_network_row onefold_network_rows_##id[] = {                                        \
      FIRST("stage0.", c0),                                                                        \
      FIRST("stage1.#.", c1), BLOCKS(1, c1, 1, 1, 1),                                              \
      FIRST("stage2.#.", c2), BLOCKS(2, c2, 1, 3, 1),                                              \
      FIRST("stage3.#.", c3), BLOCKS(3, c3, 1, 13, 1),                                             \
      FIRST("stage4.#.", c4),                                                                      \
      CLASSIFIER}
#define NETWORK_B(id, g, c0, c1, c2, c3, c4)                                                       \
  const onefold_network_row onefold_network_rows_##id[] = {                                        \
      FIRST("stage0.", c0),                                                                        \
      FIRST("stage1.#.", c1),                                                                      \
      BLOCKS(1, c1, g, 1, 2), BLOCKS(1, c1, 1, 1, 1), BLOCKS(1, c1, g, 1, 1),                      \
      FIRST("stage2.#.", c2),                                                                      \
      BLOCKS(2, c2, g, 2, 2), BLOCKS(2, c2, 1, 1, 1), BLOCKS(2, c2, g, 1, 1),                      \
      FIRST("stage3.#.", c3),                                                                      \
      BLOCKS(3, c3, g, 7, 2), BLOCKS(3, c3, 1, 1, 1), BLOCKS(3, c3, g, 1, 1),                      \
      FIRST("stage4.#.", c4),                                                                      \
      CLASSIFIER}

NETWORK_A(repvgg_a0,      48,  48,  96, 192, 1280);
NETWORK_A(repvgg_a1,      64,  64, 128, 256, 1280);
NETWORK_A(repvgg_a2,      64,  96, 192, 384, 1408);
NETWORK_B(repvgg_b0,   1, 64,  64, 128, 256, 1280);
NETWORK_B(repvgg_b1,   1, 64, 128, 256, 512, 2048);
NETWORK_B(repvgg_b1g2, 2, 64, 128, 256, 512, 2048);
NETWORK_B(repvgg_b1g4, 4, 64, 128, 256, 512, 2048);
// clang-format on
