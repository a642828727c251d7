// SPDX-License-Identifier: BSD-3-Clause
// Rewrites of a whole graph: it is copied node by node, and some nodes become others on the way.
// A rewrite is one file, which says where there is something to do and what takes the place of a
// node, and a line in fold.c, which says when it is done.
#ifndef ONEFOLD_FOLD_REWRITE_H
#define ONEFOLD_FOLD_REWRITE_H

#include "graph/graph.h"

#define ONEFOLD_REWRITE_NOTES 3

/// A graph on its way into another. All arrays but the last have one element per source node.
typedef struct onefold_rewriting {
  const onefold_graph *source;
  onefold_graph *target;                      // NULL until there is something to do
  int32_t *uses;                              // its readers, 0 where no output needs it
  onefold_node *map;                          // its node in the target, or ONEFOLD_NO_NODE
  onefold_node *notes[ONEFOLD_REWRITE_NOTES]; // the rewrite's own; ONEFOLD_NO_NODE at first
  onefold_node *operands;                     // room for those of any node
} onefold_rewriting;

typedef struct onefold_rewrite {
  /// Looks at the source and takes notes. Zero where there is nothing to do.
  int (*find)(const onefold_rewriting *r);
  /// Adds what takes the place of a node, whose operands are in the target, and sets its map[]; may
  /// set that of others too, which are then left alone. Zero, with nothing done, where the node is
  /// to be copied. Failures stay in the target.
  int (*replace)(const onefold_rewriting *r, onefold_node node);
} onefold_rewrite;

/// Makes a graph with the same inputs and outputs, without what no output needs. *target is NULL
/// where there is nothing to do. Errors: OUT_OF_MEMORY.
onefold_status onefold_rewrite_graph(const onefold_rewrite *rewrite, const onefold_graph *source,
                                     onefold_graph **target);

/// Copies a node whose operands are in the target.
void onefold_rewrite_copy(const onefold_rewriting *r, onefold_node node);

/// `count` zeros for the weights of what takes the place of `node`, to be released by the caller.
/// NULL when out of memory; the target has failed then.
float *onefold_rewrite_floats(const onefold_rewriting *r, onefold_node node, size_t count);

/// Each batch normalisation of a sum moves into the sum's terms, where it can go on into
/// convolutions: the best multi-branch form.
extern const onefold_rewrite onefold_rewrite_distribute;
/// Convolutions of one input that have one geometry, and one activation after them, become one
/// convolution and slices.
extern const onefold_rewrite onefold_rewrite_horizontal;
/// Max pools of one input become chains.
extern const onefold_rewrite onefold_rewrite_pool_chain;
/// What looks at one pixel goes before a nearest upsampling.
extern const onefold_rewrite onefold_rewrite_upsample;

#endif
