// SPDX-License-Identifier: BSD-3-Clause
// Rings: the rows and columns near the edges of an image that have a class of their own.
#ifndef ONEFOLD_FOLD_RING_H
#define ONEFOLD_FOLD_RING_H

#include <stdint.h>

/// Rows and columns near the edges that have a class of their own, as in
/// onefold_border_params; all others are one class.
typedef struct onefold_ring {
  int64_t top, bottom, left, right;
} onefold_ring;

/// Classes of rows and of columns.
static inline int64_t onefold_ring_rows(const onefold_ring *ring) {
  return ring->top + 1 + ring->bottom;
}
static inline int64_t onefold_ring_cols(const onefold_ring *ring) {
  return ring->left + 1 + ring->right;
}

static inline int onefold_ring_is_empty(const onefold_ring *ring) {
  return !ring->top && !ring->bottom && !ring->left && !ring->right;
}

/// A position of a class, by onefold_border_class; -1 where the class is empty.
int64_t onefold_ring_position(int64_t class, int64_t size, int64_t before, int64_t after);

/// Smallest ring with the classes of both; one class a row where they would overlap.
void onefold_ring_unite(onefold_ring *ring, const onefold_ring *other, int64_t rows, int64_t cols);

#endif
