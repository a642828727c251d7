// SPDX-License-Identifier: BSD-3-Clause
// The affine map of one linear node of one input: one function per row ONEFOLD_NODE_LINEAR of
// graph/node_list.def.
#ifndef ONEFOLD_FOLD_LEAF_H
#define ONEFOLD_FOLD_LEAF_H

#include "fold/affine.h"
#include "graph/graph.h"

/// The map of a node from its input to its result. NULL when out of memory.
typedef onefold_affine *onefold_leaf_fn(const onefold_context *context, const onefold_graph *graph,
                                        const onefold_graph_node *node);
#define ONEFOLD_NODE_LINEAR(id, name) onefold_leaf_fn onefold_leaf_##name;
#include "graph/node_list.def"

/// By kind; NULL for barriers and joins.
onefold_leaf_fn *onefold_leaf_of(onefold_node_kind kind);

/// EXACT, or why a node of a linear kind is no affine map all the same.
onefold_fold_verdict onefold_leaf_verdict(const onefold_graph *graph,
                                          const onefold_graph_node *node);

#endif
