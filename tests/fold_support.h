// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests that fold a graph in one of several ways.
#ifndef ONEFOLD_TESTS_FOLD_SUPPORT_H
#define ONEFOLD_TESTS_FOLD_SUPPORT_H

#include "tests/graph_support.h"

/// A graph with one input of one image.
onefold_graph *fold_new_graph(onefold_context *context, int64_t channels, int64_t h, int64_t w,
                              onefold_node *input);

/// Declares the output and asserts that the graph was built.
void fold_finish(onefold_graph *graph, onefold_node node);

onefold_fold_options fold_defaults(void);

/// What a fold gives: the graph, its report, and that every output agrees with the source's
/// double reference; folding the result again changes nothing. Destroys the source.
onefold_graph *fold_checked(onefold_graph *graph, onefold_fold_options options,
                            graph_report *report);

/// Fails unless the report has the region, with that verdict.
void fold_expect_verdict(const graph_report *report, int region, onefold_fold_verdict verdict);

/// Folds, asserts the one region's verdict, and that every form agrees with the source; folding
/// again changes nothing.
onefold_graph *fold_expecting(const onefold_graph *graph, onefold_fold_verdict verdict,
                              uint64_t seed);

/// Destroys both.
void fold_drop(onefold_graph *a, onefold_graph *b);

#endif
