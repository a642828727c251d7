// SPDX-License-Identifier: BSD-3-Clause
// The steps of a grouped convolution. In one step each lane of an output block takes one channel of
// its group, all of one source block; those of a source block are as many as the lane that has most
// channels there takes, in the order of channels, and lanes that have fewer take none in the last.
#ifndef ONEFOLD_OPS_CONV_STEPS_H
#define ONEFOLD_OPS_CONV_STEPS_H

#include "ops/conv_format.h"

/// Channels of a lane's group that lie in a source block.
typedef struct onefold_conv_lane {
  int64_t first, count; // of the source's channels
  int64_t channel;      // of the group: the first of them
} onefold_conv_lane;

/// Those of lane `lane` of output block `block` in source block `from`; none past the last channel.
onefold_conv_lane onefold_conv_lane_of(const onefold_conv_problem *problem, int64_t block,
                                       int64_t lane, int64_t from);

/// Steps of an output block in a source block, and in all of them.
int32_t onefold_conv_steps_from(const onefold_conv_problem *problem, int64_t block, int64_t from);
int32_t onefold_conv_steps(const onefold_conv_problem *problem, int64_t block);

#endif
