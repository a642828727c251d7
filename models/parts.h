// SPDX-License-Identifier: BSD-3-Clause
// What many builders share: the check of the parameters that a block takes, hidden channels, and
// the Conv of the YOLO family. As in builder.h, a call after a failure does nothing.
#ifndef ONEFOLD_MODELS_PARTS_H
#define ONEFOLD_MODELS_PARTS_H

#include "models/builder.h"

/// The parameters that a block leaves to its caller; every other has one value.
enum {
  ONEFOLD_TAKES_KERNEL = 1 << 0,     // any kernel
  ONEFOLD_TAKES_ODD_KERNEL = 1 << 1, // any odd kernel; without either, 3
  ONEFOLD_TAKES_STRIDE = 1 << 2,
  ONEFOLD_TAKES_DILATION = 1 << 3,
  ONEFOLD_TAKES_GROUPS = 1 << 4,  // they divide input.c and out_channels
  ONEFOLD_TAKES_PADDING = 1 << 5, // without: dilation*(kernel - 1)/2
  ONEFOLD_TAKES_REPEATS = 1 << 6, // 1 to ONEFOLD_MAX_REPEATS
  ONEFOLD_TAKES_HIDDEN = 1 << 7,  // mid_channels
  ONEFOLD_TAKES_EXPANSION = 1 << 8,
  ONEFOLD_TAKES_IDENTITY = 1 << 9,
  ONEFOLD_TAKES_SHORTCUT = 1 << 10,
  ONEFOLD_TAKES_SE = 1 << 11,
  ONEFOLD_TAKES_ROUTE = 1 << 12,
  ONEFOLD_TAKES_BATCH_NORM = 1 << 13,
  ONEFOLD_TAKES_REPARAM = 1 << 14,     // reparam_bn and reparam_identity
  ONEFOLD_TAKES_INNER_GROUPS = 1 << 15 // of a convolution inside, which checks them
};

/// The most repeats of a part of a block.
#define ONEFOLD_MAX_REPEATS 256

/// Zero, and a failure that names the value, where a parameter that is not in `takes` differs
/// from what the block has.
int onefold_build_choices(onefold_builder *builder, unsigned takes);

/// Hidden channels: mid_channels, or `channels` times the expansion (`own` where that is 0),
/// rounded down. Fails where that gives none.
int64_t onefold_build_hidden(onefold_builder *builder, int64_t channels, double own);

/// Non-zero where a bottleneck adds its input to its result. Fails where that is asked for and
/// the channels forbid it.
int onefold_build_has_shortcut(onefold_builder *builder);

/// Channels of a node's result.
int64_t onefold_build_channels(const onefold_builder *builder, onefold_node node);

/// A Conv of the YOLO family: a convolution <name>.conv that pads by kernel/2, a batch
/// normalisation <name>.bn and the block's activation.
onefold_node onefold_build_yolo_conv(onefold_builder *builder, onefold_node input, const char *name,
                                     int64_t out_channels, int64_t kernel, int64_t stride);

onefold_node onefold_build_concat(onefold_builder *builder, const onefold_node *parts, size_t count,
                                  const char *name);

/// A max pooling of stride 1 that keeps the image's size; odd kernels only.
onefold_node onefold_build_max_pool(onefold_builder *builder, onefold_node input, int64_t kernel,
                                    const char *name);

#endif
