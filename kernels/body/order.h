// SPDX-License-Identifier: BSD-3-Clause
// The order of rows. The stores of an instruction that goes from row to row are a constant distance
// apart, and prefetchers run a dozen such distances ahead and more: beyond the rows of a task, into
// lines that another core is writing, which then has to fetch them back. Where other cores write
// around dst, rows are swapped in pairs, so that no two distances in a row are alike.
#ifndef ONEFOLD_KERNELS_BODY_ORDER_H
#define ONEFOLD_KERNELS_BODY_ORDER_H

#include "kernels/simd/inline.h"

#include <stdint.h>

/// What comes at place i of `count` rows: i, or, where `swap` is 1, the other of its pair if there
/// is one.
ONEFOLD_INLINE int64_t onefold_order(const int64_t i, const int64_t count, const int32_t swap) {
  const int64_t other = i ^ swap;
  return other < count ? other : i;
}

#endif
