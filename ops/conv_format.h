// SPDX-License-Identifier: BSD-3-Clause
// How packed weights lie in memory, and which source channels they are of.
#ifndef ONEFOLD_OPS_CONV_FORMAT_H
#define ONEFOLD_OPS_CONV_FORMAT_H

#include "ops/conv_problem.h"

/// How weights lie in memory (a change of it raises PACKING in cache/key.c): [output block][source
/// block][K_h][K_w][cb][v], cb = v (BLOCKED) or 1 (PLAIN); depthwise [block][K_h][K_w][v];
/// WINOGRAD_m, of the weights at the points of F(m x m, 3x3): [output block][m+2][m+2][source
/// block][v][v]; POLYPHASE_m, of the even and the odd taps at the points of F(m x m, 2x2): [output
/// block][m+1][m+1][rows' phase] [source block][columns' phase][v][v], where infinity has the even
/// phase alone.
typedef enum onefold_pack_format {
  ONEFOLD_PACK_BLOCKED,
  ONEFOLD_PACK_PLAIN,
  ONEFOLD_PACK_DEPTHWISE,
  ONEFOLD_PACK_WINOGRAD_2,
  ONEFOLD_PACK_WINOGRAD_4,
  ONEFOLD_PACK_WINOGRAD_6,
  ONEFOLD_PACK_POLYPHASE_3,
  ONEFOLD_PACK_POLYPHASE_5
} onefold_pack_format;

/// Points of a Winograd format along an axis, 0 of any other format; and the phases of the source,
/// 2 where the stride is.
static inline int32_t onefold_pack_points(onefold_pack_format format) {
  if (format >= ONEFOLD_PACK_POLYPHASE_3) return 4 + 2 * (format - ONEFOLD_PACK_POLYPHASE_3);
  return format < ONEFOLD_PACK_WINOGRAD_2 ? 0 : 4 + 2 * (format - ONEFOLD_PACK_WINOGRAD_2);
}
static inline int32_t onefold_pack_phases(onefold_pack_format format) {
  return format >= ONEFOLD_PACK_POLYPHASE_3 ? 2 : 1;
}

/// Input channels that a run of output blocks reads: blocks [block, block+count)
/// of the source, starting `skip` channels into the first, `last` channels of
/// the last. For plain sources a block is a channel, and skip is 0.
typedef struct onefold_conv_band {
  int32_t block, count, skip, last;
} onefold_conv_band;

/// The band of output block `block`.
onefold_conv_band onefold_conv_band_of(const onefold_conv_problem *problem,
                                       onefold_pack_format format, int32_t block);

/// Floats of packed weight of one output block.
size_t onefold_conv_block_floats(const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t block);

#endif
