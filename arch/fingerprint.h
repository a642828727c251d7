// SPDX-License-Identifier: BSD-3-Clause
// The micro-architecture of a CPU by its numbers.
#ifndef ONEFOLD_ARCH_FINGERPRINT_H
#define ONEFOLD_ARCH_FINGERPRINT_H

#include <onefold/machine.h>

/// "amd-zen4", "intel-skylake-x", "arm-neoverse-n1", or NULL where the table has none.
const char *onefold_microarchitecture(const onefold_machine *machine);

#endif
