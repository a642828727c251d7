// SPDX-License-Identifier: BSD-3-Clause
// Parameters of blocks from inside: the checks that every block shares.
#ifndef ONEFOLD_MODELS_BLOCK_PARAMS_H
#define ONEFOLD_MODELS_BLOCK_PARAMS_H

#include "ops/context.h"

#include <onefold/models.h>

/// Every member lies in its range.
onefold_status onefold_block_params_check(const onefold_context *context,
                                          const onefold_block_params *params);

#endif
