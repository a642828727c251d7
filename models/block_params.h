// SPDX-License-Identifier: BSD-3-Clause
// Parameters of blocks from inside: the checks that every block shares.
#ifndef ONEFOLD_MODELS_BLOCK_PARAMS_H
#define ONEFOLD_MODELS_BLOCK_PARAMS_H

#include "ops/context.h"

#include <onefold/models.h>

/// Every member lies in its range, and the groups divide the channels.
onefold_status onefold_block_params_check(const onefold_context *context,
                                          const onefold_block_params *params);

/// Refuses every optional member (kernel, groups, ...) that differs from the block's default and
/// is not a word of `taken`, and a padding other than dilation*(kernel-1)/2 unless "padding" is.
onefold_status onefold_block_params_takes(const onefold_context *context, const char *block,
                                          const onefold_block_params *params,
                                          const onefold_block_params *defaults, const char *taken);

#endif
