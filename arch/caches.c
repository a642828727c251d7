// SPDX-License-Identifier: BSD-3-Clause
// Cache sizes by sysconf.
#include "arch/caches.h"

#include <unistd.h>

static size_t ask(int name, size_t otherwise) {
  const long bytes = name < 0 ? 0 : sysconf(name);
  return bytes > 0 ? (size_t)bytes : otherwise;
}

#ifndef _SC_LEVEL1_DCACHE_SIZE
#define _SC_LEVEL1_DCACHE_SIZE (-1)
#define _SC_LEVEL2_CACHE_SIZE  (-1)
#define _SC_LEVEL3_CACHE_SIZE  (-1)
#endif

size_t onefold_cache_l1d_bytes(void) {
  return ask(_SC_LEVEL1_DCACHE_SIZE, (size_t)32 << 10);
}

size_t onefold_cache_l2_bytes(void) {
  return ask(_SC_LEVEL2_CACHE_SIZE, (size_t)512 << 10);
}

size_t onefold_cache_l3_bytes(void) {
  return ask(_SC_LEVEL3_CACHE_SIZE, (size_t)16 << 20);
}
