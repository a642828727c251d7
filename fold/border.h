// SPDX-License-Identifier: BSD-3-Clause
// The border of one map after another: what zero padding hides of the first's bias, and the borders
// of both.
#ifndef ONEFOLD_FOLD_BORDER_H
#define ONEFOLD_FOLD_BORDER_H

#include "fold/affine.h"

/// Ring of second o first: where second reads outside first's result or inside its ring, and
/// second's own. Empty where no constant can meet the border.
onefold_ring onefold_border_compose_ring(const onefold_affine *first, const onefold_affine *second);

/// Fills the border of `result`, which is second o first and has that ring; drops it where it is
/// nothing. Zero when out of memory.
int onefold_border_compose(const onefold_context *context, const onefold_affine *first,
                           const onefold_affine *second, onefold_affine *result);

#endif
