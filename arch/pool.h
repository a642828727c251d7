// SPDX-License-Identifier: BSD-3-Clause
// Memory for weights and arenas, on huge pages.
#ifndef ONEFOLD_ARCH_POOL_H
#define ONEFOLD_ARCH_POOL_H

#include <stddef.h>

/// Large blocks lie side by side in regions that are laid on huge pages where the system has them:
/// weights that stream from memory need an entry of the TLB for each page, and memory that is used
/// for the first time a page fault for each. What is released is used again first; a region that
/// nothing is left in goes back to the system, but for one. Small blocks are malloc's.
typedef struct onefold_pool onefold_pool;

/// NULL where there is no memory.
onefold_pool *onefold_pool_create(void);
/// Also frees what was not released, but for small blocks.
void onefold_pool_destroy(onefold_pool *pool);

/// `size` bytes, a multiple of `alignment`, a power of two of at most a page; NULL where there are
/// none. Large blocks begin at a page. Thread-safe.
void *onefold_pool_allocate(onefold_pool *pool, size_t size, size_t alignment);
void onefold_pool_release(onefold_pool *pool, void *pointer);

#endif
