// SPDX-License-Identifier: BSD-3-Clause
// What a fold is made of: passes over the graph, two rewrites of their own, and the report.
#ifndef ONEFOLD_FOLD_REWRITE_H
#define ONEFOLD_FOLD_REWRITE_H

#include "fold/region.h"

#include <stdint.h>

/// The same graph with each batch normalisation of a sum moved into the sum's terms, where it can
/// go on into convolutions: the best multi-branch form. NULL in *target where there is none.
onefold_status onefold_fold_distribute(onefold_context *context, const onefold_graph *source,
                                       onefold_graph **target);

/// A rewrite of a folded graph, with the same inputs and outputs. NULL in *target where it has
/// nothing to do.
typedef onefold_status onefold_fold_rewrite_fn(onefold_context *context,
                                               const onefold_graph *source, onefold_graph **target);

/// Convolutions of one input that have one geometry, and one activation after them, become one
/// convolution and slices.
onefold_fold_rewrite_fn onefold_fold_horizontal;
/// Max pools of one input become chains.
onefold_fold_rewrite_fn onefold_fold_chain_pools;
/// What looks at one pixel goes before a nearest upsampling.
onefold_fold_rewrite_fn onefold_fold_before_upsample;

/// Notes that the target's nodes without an origin were made for this node of the source.
void onefold_fold_note_origin(onefold_folding *folding, onefold_node node);

/// A number that two graphs share where their nodes have the same kinds, sizes and windows, in
/// whatever order.
uint64_t onefold_fold_geometry(const onefold_graph *graph);

/// Reports the region that ends in `root` and became the target's nodes from `begin` on.
void onefold_fold_report_region(onefold_folding *folding, onefold_node root, onefold_node begin);

/// Runs the region and what it became on random data.
void onefold_fold_measure(const onefold_folding *folding, onefold_node root, onefold_node begin,
                          onefold_fold_region *region);

/// The map, before it is rounded to float32, of the region that ends in the graph's first output,
/// from the last node that the region cannot look through; only what is exact is composed, at
/// any cost. NULL where the output is no linear node, or the region is not one map.
onefold_affine *onefold_fold_map(onefold_context *context, const onefold_graph *graph);

#endif
