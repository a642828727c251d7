// SPDX-License-Identifier: BSD-3-Clause
// Cache sizes from the processor, else from the C library.
#include "arch/caches.h"

#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#ifndef _SC_LEVEL1_DCACHE_SIZE
#define _SC_LEVEL1_DCACHE_SIZE (-1)
#define _SC_LEVEL2_CACHE_SIZE  (-1)
#define _SC_LEVEL3_CACHE_SIZE  (-1)
#endif

#ifdef __x86_64__
static void ask_cpuid(unsigned leaf, unsigned subleaf, unsigned registers[4]) {
  __cpuid_count(leaf, subleaf, registers[0], registers[1], registers[2], registers[3]);
}
#endif

static size_t ask_library(int name) {
  const long bytes = name < 0 ? 0 : sysconf(name);
  return bytes > 0 ? (size_t)bytes : 0;
}

onefold_caches onefold_caches_read(void) {
#ifdef __x86_64__
  const onefold_caches found = onefold_caches_cpuid(ask_cpuid);
  if (found.l1d) return found;
#endif
  return (onefold_caches){.l1d = ask_library(_SC_LEVEL1_DCACHE_SIZE),
                          .l2 = ask_library(_SC_LEVEL2_CACHE_SIZE),
                          .l3 = ask_library(_SC_LEVEL3_CACHE_SIZE)};
}

onefold_caches onefold_caches_assumed(void) {
  onefold_caches caches = onefold_caches_read();
  if (!caches.l1d) caches.l1d = (size_t)32 << 10;
  if (!caches.l2) caches.l2 = (size_t)512 << 10;
  if (!caches.l3) caches.l3 = (size_t)16 << 20;
  return caches;
}
