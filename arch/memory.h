// SPDX-License-Identifier: BSD-3-Clause
// Memory for packed weights and arenas.
#ifndef ONEFOLD_ARCH_MEMORY_H
#define ONEFOLD_ARCH_MEMORY_H

#include <stddef.h>

/// `size` bytes, a multiple of `alignment` (a power of two); NULL where there are none. Large
/// blocks are laid on huge pages where the system has them: weights that stream from memory need an
/// entry of the TLB for each page. To be released by free().
void *onefold_memory_allocate(size_t size, size_t alignment);

#endif
