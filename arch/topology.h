// SPDX-License-Identifier: BSD-3-Clause
// What onefold_machine_query is put together from.
#ifndef ONEFOLD_ARCH_TOPOLOGY_H
#define ONEFOLD_ARCH_TOPOLOGY_H

#include <onefold/machine.h>

/// Fills packages, numa_nodes, physical_cores, logical_cores and, for the
/// logical core `cpu`, the cache sizes and their sharing. Leaves what is not
/// known. By hwloc or, in a build without it, from sysfs.
void onefold_topology_read(int cpu, onefold_machine *machine);

/// Fills cpu, vendor, family, model and stepping from /proc/cpuinfo.
void onefold_cpuinfo_read(onefold_machine *machine);

#endif
