// SPDX-License-Identifier: BSD-3-Clause
// How packed weights lie in memory, and which source channels they are of.
#ifndef ONEFOLD_OPS_CONV_FORMAT_H
#define ONEFOLD_OPS_CONV_FORMAT_H

#include "ops/conv_problem.h"

/// How weights lie in memory (a change of it raises PACKING in cache/key.c): [output block][source
/// block][K_h][K_w][cb][v], cb = v (BLOCKED) or 1 (PLAIN); depthwise [block][K_h][K_w][v];
/// GROUPED [output block][step][K_h][K_w][v] (ops/conv_steps.h);
/// WINOGRAD_m, of filters of 3x3 taps at the points of F(m x m, 3x3), and POLYPHASE_m, of filters
/// of the even and of the odd taps at those of F(m x m, 2x2): [output block][point][point][rows'
/// phase][source block][columns' phase][v][v], where infinity may lack the last phase.
typedef enum onefold_pack_format {
  ONEFOLD_PACK_BLOCKED,
  ONEFOLD_PACK_PLAIN,
  ONEFOLD_PACK_DEPTHWISE,
  ONEFOLD_PACK_GROUPED,
  ONEFOLD_PACK_WINOGRAD_2,
  ONEFOLD_PACK_WINOGRAD_4,
  ONEFOLD_PACK_WINOGRAD_6,
  ONEFOLD_PACK_POLYPHASE_3,
  ONEFOLD_PACK_POLYPHASE_5
} onefold_pack_format;

/// "blocked", "winograd4", ...
const char *onefold_pack_format_name(onefold_pack_format format);

/// Points of a Winograd format along an axis, 0 of any other format.
static inline int32_t onefold_pack_points(onefold_pack_format format) {
  if (format >= ONEFOLD_PACK_POLYPHASE_3) return 4 + 2 * (format - ONEFOLD_PACK_POLYPHASE_3);
  return format < ONEFOLD_PACK_WINOGRAD_2 ? 0 : 4 + 2 * (format - ONEFOLD_PACK_WINOGRAD_2);
}

/// How a Winograd format sees the taps along an axis: as `phases` filters of `taps` taps, each of
/// every stride-th tap of the kernel and over every stride-th pixel.
typedef struct onefold_pack_axis {
  int32_t points, taps, phases, stride;
  int32_t ends; // phases with a last tap, which are those at the last point, infinity
} onefold_pack_axis;

/// The axes of a Winograd format, which are alike.
onefold_pack_axis onefold_pack_axis_of(const onefold_conv_problem *problem,
                                       onefold_pack_format format);

/// The first tap of the filter of a phase, and the pixel of the padded image that it reads.
static inline int32_t onefold_pack_first(const onefold_pack_axis *axis, int32_t phase) {
  return phase % axis->stride + phase / axis->stride * axis->taps * axis->stride;
}

/// Planes of weights of a source block, and of a phase of it at a point.
static inline int32_t onefold_pack_planes(const onefold_pack_axis *axis) {
  const int32_t across = axis->phases * (axis->points - 1) + axis->ends;
  return across * across;
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

/// So many output blocks stand for all in estimates: those after which bands begin as they did in
/// channels of the groups, or a good many.
static inline int64_t onefold_conv_period(const onefold_conv_problem *problem) {
  enum { MANY = 64 };
  const int64_t group = problem->out_group < MANY ? problem->out_group : MANY;
  const int64_t most = problem->desc.groups == 1 ? 1 : group;
  return problem->out_blocks < most ? problem->out_blocks : most;
}

/// Floats of packed weight of one output block.
size_t onefold_conv_block_floats(const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t block);

#endif
