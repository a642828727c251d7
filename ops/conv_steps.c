// SPDX-License-Identifier: BSD-3-Clause
// Which channels meet in a step of a grouped convolution.
#include "ops/conv_steps.h"

onefold_conv_lane onefold_conv_lane_of(const onefold_conv_problem *problem, int64_t block,
                                       int64_t lane, int64_t from) {
  const int64_t v = problem->v, o = block * v + lane;
  if (o >= problem->desc.out_channels) return (onefold_conv_lane){0, 0, 0};
  const int64_t group = o / problem->out_group * problem->in_group;
  const int64_t group_end = group + problem->in_group, from_end = (from + 1) * v;
  const int64_t first = group > from * v ? group : from * v;
  const int64_t end = group_end < from_end ? group_end : from_end;
  return (onefold_conv_lane){first, end > first ? end - first : 0, first - group};
}

int32_t onefold_conv_steps_from(const onefold_conv_problem *problem, int64_t block, int64_t from) {
  int64_t most = 0;
  for (int64_t lane = 0; lane < problem->v; lane++) {
    const onefold_conv_lane l = onefold_conv_lane_of(problem, block, lane, from);
    if (l.count > most) most = l.count;
  }
  return (int32_t)most;
}

int32_t onefold_conv_steps(const onefold_conv_problem *problem, int64_t block) {
  const onefold_conv_band band =
      onefold_conv_band_of(problem, ONEFOLD_PACK_GROUPED, (int32_t)block);
  int32_t steps = 0;
  for (int64_t from = band.block; from < band.block + band.count; from++)
    steps += onefold_conv_steps_from(problem, block, from);
  return steps;
}
