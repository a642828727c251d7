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

#endif
