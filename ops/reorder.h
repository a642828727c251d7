// SPDX-License-Identifier: BSD-3-Clause
// Changes of layout from inside: pieces of a reorder that a caller spreads over its own tasks.
#ifndef ONEFOLD_OPS_REORDER_H
#define ONEFOLD_OPS_REORDER_H

#include "kernels/kernel.h"

#include <onefold/types.h>

/// Units that a reorder of this shape can be cut into, at least 1. Neighbouring
/// units touch neighbouring memory, so tasks take contiguous ranges of them.
/// The shape must be valid: sizes positive, product within size_t.
size_t onefold_reorder_units(const onefold_dispatch *dispatch, onefold_shape shape,
                             onefold_layout from, onefold_layout to);

/// Units [begin, end) of the reorder. src and dst hold the whole tensors and
/// do not overlap; two units never write the same element. Lanes past the last
/// channel of a blocked dst become 0, those of a blocked src do not matter.
/// Neither allocates nor locks.
void onefold_reorder_range(const onefold_dispatch *dispatch, onefold_shape shape,
                           onefold_layout from, const float *src, onefold_layout to, float *dst,
                           size_t begin, size_t end);

#endif
