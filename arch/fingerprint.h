// SPDX-License-Identifier: BSD-3-Clause
// The micro-architecture of a CPU by its numbers.
#ifndef ONEFOLD_ARCH_FINGERPRINT_H
#define ONEFOLD_ARCH_FINGERPRINT_H

#include <onefold/machine.h>

/// "amd-zen4", "intel-skylake-x", "arm-neoverse-n1", or NULL where the table has none.
const char *onefold_microarchitecture(const onefold_machine *machine);

/// Multiply-adds of a level's vectors that a core starts in a cycle: 2 where the table has nothing
/// else to say. A pure function of vendor, family, model and level.
int32_t onefold_fma_rate(const onefold_machine *machine, onefold_isa isa);

#endif
