// SPDX-License-Identifier: BSD-3-Clause
// Passes over a graph, and what they are made of besides regions: where nodes come from, and the
// report.
#ifndef ONEFOLD_FOLD_PASS_H
#define ONEFOLD_FOLD_PASS_H

#include "fold/region.h"

#include <stdint.h>

/// Folds the regions of a graph until each of them has been looked at. Errors: OUT_OF_MEMORY, with
/// NULL in *folded.
onefold_status onefold_fold_passes(onefold_context *context, const onefold_fold_options *options,
                                   const onefold_graph *source, onefold_graph **folded);

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
