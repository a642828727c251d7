// SPDX-License-Identifier: BSD-3-Clause
// Sizes of the data caches of the core that this runs on, cheap enough to ask per plan.
#ifndef ONEFOLD_ARCH_CACHES_H
#define ONEFOLD_ARCH_CACHES_H

#include <stddef.h>

/// Bytes of one L1 data cache, of one L2 and of one L3 cache, from the C library; a small core's
/// sizes where it does not know.
size_t onefold_cache_l1d_bytes(void);
size_t onefold_cache_l2_bytes(void);
size_t onefold_cache_l3_bytes(void);

#endif
