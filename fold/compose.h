// SPDX-License-Identifier: BSD-3-Clause
// Composition of affine maps, and the test whether it is exact at the border.
#ifndef ONEFOLD_FOLD_COMPOSE_H
#define ONEFOLD_FOLD_COMPOSE_H

#include "fold/affine.h"

/// Whether `second` after `first` is the composed map everywhere. Outside first's result the
/// real chain reads `extension[t]` (NULL: 0), the composed map reads what first would give
/// there. EXACT, INEXACT_BIAS, INEXACT_DATA, or SHAPE where the images do not meet.
onefold_fold_verdict onefold_affine_compose_verdict(const onefold_affine *first,
                                                    const onefold_affine *second,
                                                    const double *extension);

/// Geometry of second o first, without weights. Zero where an offset overflows.
int onefold_affine_compose_geometry(const onefold_affine *first, const onefold_affine *second,
                                    onefold_affine *geometry);

/// second o first, as it is far from the border. NULL when out of memory.
onefold_affine *onefold_affine_compose(const onefold_context *context, const onefold_affine *first,
                                       const onefold_affine *second);

#endif
