// SPDX-License-Identifier: BSD-3-Clause
// Bands of source channels, and the lengths of packed weights.
#include "ops/conv_steps.h"

const char *onefold_pack_format_name(onefold_pack_format format) {
  static const char *const names[] = {
      [ONEFOLD_PACK_BLOCKED] = "blocked",        [ONEFOLD_PACK_PLAIN] = "plain",
      [ONEFOLD_PACK_DEPTHWISE] = "depthwise",    [ONEFOLD_PACK_GROUPED] = "grouped",
      [ONEFOLD_PACK_WINOGRAD_2] = "winograd2",   [ONEFOLD_PACK_WINOGRAD_4] = "winograd4",
      [ONEFOLD_PACK_WINOGRAD_6] = "winograd6",   [ONEFOLD_PACK_POLYPHASE_3] = "polyphase3",
      [ONEFOLD_PACK_POLYPHASE_5] = "polyphase5",
  };
  return format < sizeof names / sizeof names[0] ? names[format] : "?";
}

onefold_conv_band onefold_conv_band_of(const onefold_conv_problem *problem,
                                       onefold_pack_format format, int32_t block) {
  const int64_t v = problem->v, channels = problem->desc.in_channels;
  int64_t out_end = ((int64_t)block + 1) * v;
  if (out_end > problem->desc.out_channels) out_end = problem->desc.out_channels;
  const int64_t first = (int64_t)block * v / problem->out_group * problem->in_group;
  const int64_t end = ((out_end - 1) / problem->out_group + 1) * problem->in_group;
  if (format == ONEFOLD_PACK_PLAIN) {
    return (onefold_conv_band){(int32_t)first, (int32_t)(end - first), 0, 1};
  }
  const int64_t b0 = first / v, b1 = (end - 1) / v;
  if (b0 == b1)
    return (onefold_conv_band){(int32_t)b0, 1, (int32_t)(first % v), (int32_t)(end - first)};
  // Lanes of a whole last block that are not the group's have zero weights.
  int64_t last = end - b1 * v;
  if ((b1 + 1) * v <= channels && last > v / 2) last = v;
  return (onefold_conv_band){(int32_t)b0, (int32_t)(b1 - b0 + 1), 0, (int32_t)last};
}

onefold_pack_axis onefold_pack_axis_of(const onefold_conv_problem *problem,
                                       onefold_pack_format format) {
  onefold_pack_axis axis = {.points = onefold_pack_points(format),
                            .taps = format >= ONEFOLD_PACK_POLYPHASE_3 ? 2 : 3,
                            .stride = (int32_t)problem->desc.stride_h};
  const int32_t side = (int32_t)problem->desc.kernel_h;
  const int32_t most = (side + axis.stride - 1) / axis.stride; // taps of a parity
  axis.phases = axis.stride * ((most + axis.taps - 1) / axis.taps);
  // Of more than two phases those with a last tap would not be every so many planes.
  const int32_t last = onefold_pack_first(&axis, axis.phases - 1) + (axis.taps - 1) * axis.stride;
  axis.ends = axis.phases == 2 && last >= side ? 1 : axis.phases;
  return axis;
}

size_t onefold_conv_block_floats(const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t block) {
  const size_t v = (size_t)problem->v;
  const size_t taps = (size_t)(problem->desc.kernel_h * problem->desc.kernel_w);
  if (format == ONEFOLD_PACK_DEPTHWISE) return taps * v;
  if (format == ONEFOLD_PACK_GROUPED) return (size_t)onefold_conv_steps(problem, block) * taps * v;
  const size_t count = (size_t)onefold_conv_band_of(problem, format, block).count;
  if (onefold_pack_points(format) > 0) {
    const onefold_pack_axis axis = onefold_pack_axis_of(problem, format);
    return count * (size_t)onefold_pack_planes(&axis) * v * v;
  }
  return count * taps * v * (format == ONEFOLD_PACK_PLAIN ? 1 : v);
}
