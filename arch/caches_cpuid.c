// SPDX-License-Identifier: BSD-3-Clause
// Cache sizes as CPUID tells them. Intel, "Software Developer's Manual", volume 2, CPUID leaf 4;
// AMD, "AMD64 Architecture Programmer's Manual", volume 3, appendix E, 8000_001D and, where a
// virtual machine hides that one, 8000_0005 and 8000_0006.
#include "arch/caches.h"

enum { EAX, EBX, ECX, EDX };

/// AMD's L3 is of a core complex, and the old leaf adds up those of the package: no complex has
/// more than this without a stacked die.
#define MOST_OF_COMPLEX ((size_t)32 << 20)

static unsigned highest(onefold_cpuid_fn *cpuid, unsigned first) {
  unsigned r[4] = {0};
  cpuid(first, 0, r);
  return r[EAX];
}

/// Leaf 4 and 8000_001D, which are of one form: a subleaf for each cache.
static onefold_caches by_parameters(onefold_cpuid_fn *cpuid, unsigned leaf) {
  enum { NONE, DATA, CODE, SUBLEAVES = 16 };
  onefold_caches found = {0};
  for (unsigned i = 0; i < SUBLEAVES; i++) {
    unsigned r[4] = {0};
    cpuid(leaf, i, r);
    const unsigned type = r[EAX] & 31, level = r[EAX] >> 5 & 7;
    if (type == NONE) break;
    if (type == CODE) continue;
    const size_t ways = (r[EBX] >> 22) + 1, partitions = (r[EBX] >> 12 & 1023) + 1;
    const size_t bytes = ways * partitions * ((r[EBX] & 4095) + 1) * ((size_t)r[ECX] + 1);
    const int cores = (int)(r[EAX] >> 14 & 4095) + 1;
    if (level == 1) found.l1d = bytes;
    if (level == 2) found.l2 = bytes, found.l2_cores = cores;
    if (level == 3) found.l3 = bytes, found.l3_cores = cores;
  }
  return found;
}

/// Without the cores that share L3, which these leaves do not tell.
static onefold_caches by_old_leaves(onefold_cpuid_fn *cpuid) {
  unsigned l1[4] = {0}, l23[4] = {0};
  cpuid(0x80000005u, 0, l1);
  cpuid(0x80000006u, 0, l23);
  onefold_caches found = {.l1d = (size_t)(l1[ECX] >> 24) << 10,
                          .l2 = (size_t)(l23[ECX] >> 16) << 10,
                          .l3 = (size_t)(l23[EDX] >> 18) << 19};
  if (found.l3 > MOST_OF_COMPLEX) found.l3 = MOST_OF_COMPLEX;
  return found;
}

onefold_caches onefold_caches_cpuid(onefold_cpuid_fn *cpuid) {
  onefold_caches found = {0};
  if (highest(cpuid, 0) >= 4) found = by_parameters(cpuid, 4);
  const unsigned extended = highest(cpuid, 0x80000000u);
  if (!found.l1d && extended >= 0x8000001du) found = by_parameters(cpuid, 0x8000001du);
  if (!found.l1d && extended >= 0x80000006u) found = by_old_leaves(cpuid);
  return found;
}
