// SPDX-License-Identifier: BSD-3-Clause
// Sizes of the data caches of the core that this runs on.
#ifndef ONEFOLD_ARCH_CACHES_H
#define ONEFOLD_ARCH_CACHES_H

#include <stddef.h>

/// Bytes of one cache of each level, and logical cores that share one; 0: not known.
typedef struct onefold_caches {
  size_t l1d, l2, l3;
  int l2_cores, l3_cores;
} onefold_caches;

/// From CPUID on x86, else from the C library. Instructions that virtual machines trap: ask once.
onefold_caches onefold_caches_read(void);

/// The same, and a small core's sizes for those that are not known.
onefold_caches onefold_caches_assumed(void);

/// From what CPUID answers, registers eax to edx of a leaf and subleaf.
typedef void onefold_cpuid_fn(unsigned leaf, unsigned subleaf, unsigned registers[4]);
onefold_caches onefold_caches_cpuid(onefold_cpuid_fn *cpuid);

#endif
