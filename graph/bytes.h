// SPDX-License-Identifier: BSD-3-Clause
// A graph as bytes, without the weights that packing has made something else of: what an execution
// is planned from. Only this build on this machine's kind reads them again.
#ifndef ONEFOLD_GRAPH_BYTES_H
#define ONEFOLD_GRAPH_BYTES_H

#include "graph/graph.h"

/// Bytes are placed and taken in pieces whose length is a multiple of this.
#define ONEFOLD_BYTES_ALIGNMENT 8

/// Writes a graph to bytes[], aligned to ONEFOLD_BYTES_ALIGNMENT; NULL: counts only. Returns the
/// length. The weights of convolutions and squeeze-and-excitations are left out, their biases not.
size_t onefold_graph_write(const onefold_graph *graph, unsigned char *bytes);

/// Makes the graph again; those weights are NULL, so that it can be lowered and not packed.
/// Anything may stand in the bytes: every node goes through its builder. Errors: FORMAT, and those
/// of the builders.
onefold_status onefold_graph_read(onefold_context *context, const unsigned char *bytes,
                                  size_t length, onefold_graph **graph);

#endif
