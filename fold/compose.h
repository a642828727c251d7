// SPDX-License-Identifier: BSD-3-Clause
// Composition of affine maps, and the test whether it is exact at the border.
#ifndef ONEFOLD_FOLD_COMPOSE_H
#define ONEFOLD_FOLD_COMPOSE_H

#include "fold/affine.h"

/// Whether `second` after `first` is one affine map. Outside first's result the chain reads
/// zeros, the composed map what first would give there: INEXACT_DATA where that depends on the
/// image, SHAPE where the images do not meet, else EXACT. A constant difference is no obstacle:
/// it becomes the composed map's border.
onefold_fold_verdict onefold_affine_compose_verdict(const onefold_affine *first,
                                                    const onefold_affine *second);

/// Geometry of second o first, without weights and border. Zero where an offset overflows.
int onefold_affine_compose_geometry(const onefold_affine *first, const onefold_affine *second,
                                    onefold_affine *geometry);

/// second o first, with the border that it needs, if any. NULL when out of memory.
onefold_affine *onefold_affine_compose(const onefold_context *context, const onefold_affine *first,
                                       const onefold_affine *second);

#endif
