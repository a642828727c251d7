// SPDX-License-Identifier: BSD-3-Clause
// The affinity mask, cut into sets of whole cores.
#ifndef ONEFOLD_ARCH_BINDING_H
#define ONEFOLD_ARCH_BINDING_H

#include "arch/topology.h"

/// onefold_machine_cut of a mask of ONEFOLD_CPU_WORDS words on a machine with these logical cores,
/// in the order of onefold_topology_cores. Cores of the mask that the machine does not name are
/// physical cores of their own, after all others. A pure function.
onefold_status onefold_cores_cut(const onefold_core *machine, size_t count, const uint64_t *mask,
                                 int32_t part, int32_t parts, onefold_cores *cores);

#endif
