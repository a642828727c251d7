// SPDX-License-Identifier: BSD-3-Clause
// Classes of rows and columns near the edges.
#include "fold/ring.h"

int64_t onefold_ring_position(int64_t class, int64_t size, int64_t before, int64_t after) {
  if (class < before) return class;
  if (class > before) return size - after + class - before - 1;
  return before + after < size ? before : -1;
}

static void unite(int64_t *before, int64_t *after, int64_t other_before, int64_t other_after,
                  int64_t size) {
  if (other_before > *before) *before = other_before;
  if (other_after > *after) *after = other_after;
  if (*before + *after <= size) return;
  *before = size;
  *after = 0;
}

void onefold_ring_unite(onefold_ring *ring, const onefold_ring *other, int64_t rows, int64_t cols) {
  unite(&ring->top, &ring->bottom, other->top, other->bottom, rows);
  unite(&ring->left, &ring->right, other->left, other->right, cols);
}
