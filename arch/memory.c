// SPDX-License-Identifier: BSD-3-Clause
// Large blocks of memory on huge pages (Linux).
#define _DEFAULT_SOURCE // madvise

#include "arch/memory.h"

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#define HUGE_PAGE ((size_t)2 << 20)

void *onefold_memory_allocate(size_t size, size_t alignment) {
  if (size < HUGE_PAGE || alignment > HUGE_PAGE) return aligned_alloc(alignment, size);
  void *pointer = NULL;
  if (posix_memalign(&pointer, HUGE_PAGE, size) != 0) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Only whole huge pages inside the block: what lies behind it is not ours. A refusal is no harm.
  madvise(pointer, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return pointer;
}
