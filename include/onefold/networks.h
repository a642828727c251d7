// SPDX-License-Identifier: BSD-3-Clause
// Whole networks in their training form, as graphs.
#ifndef ONEFOLD_NETWORKS_H
#define ONEFOLD_NETWORKS_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/graph.h>
#include <onefold/models.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

/// The networks that exist: "repvgg-a0", ...; NULL past the last. Thread-safe.
ONEFOLD_API const char *onefold_network_name(size_t index);
/// One line that says what the named network is, with its paper. NULL if unknown.
ONEFOLD_API const char *onefold_network_summary(const char *network);

/// Builds the training form of a network. Sizes of `input` that are 0 take the network's own:
/// batch 1, 3 channels, the image that it was published with. Any batch is allowed, and any
/// image where the network has no condition on it; YOLO's height and width are multiples of 32.
/// Weights have the names of the original code ("stage1.0.rbr_dense.conv.weight",
/// "model.24.conv.weight"). A classifier has one output, N x 1000 x 1 x 1; a detector has the
/// maps that its Detect layer reads, the largest first. Errors: NOT_FOUND (network or weight),
/// INVALID_ARGUMENT, SHAPE_MISMATCH, OVERFLOW, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_network_build(onefold_context *context, const char *network,
                                                 onefold_shape input,
                                                 const onefold_weights *weights,
                                                 onefold_graph **graph);

ONEFOLD_END

#endif
