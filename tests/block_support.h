// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests of blocks: parameters in one line, and sources of weights of a test's own.
#ifndef ONEFOLD_TESTS_BLOCK_SUPPORT_H
#define ONEFOLD_TESTS_BLOCK_SUPPORT_H

#include "models/weights.h"
#include "tests/graph_support.h"

/// A block's defaults and, on top of them, what `text` sets.
onefold_block_params block_params(onefold_context *context, const char *block, const char *text);

/// Non-zero where a tensor's name ends so.
int block_name_ends(const char *name, const char *end);

/// The `close` of a source of weights whose state is the test's.
void block_keep_weights(onefold_weights *weights);

/// A block of the named weights, or of seeded ones, with the parameters of `text`; asserts that it
/// was built.
onefold_graph *block_build_from(onefold_context *context, const char *block, const char *text,
                                const onefold_weights *weights);
onefold_graph *block_build(onefold_context *context, const char *block, const char *text);

/// The shape of the first output.
onefold_shape block_result_shape(const onefold_graph *graph);

#endif
