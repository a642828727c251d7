// SPDX-License-Identifier: BSD-3-Clause
// What onefold_machine_query is put together from.
#ifndef ONEFOLD_ARCH_TOPOLOGY_H
#define ONEFOLD_ARCH_TOPOLOGY_H

#include <onefold/machine.h>

/// Fills packages, numa_nodes, physical_cores, logical_cores and, for the
/// logical core `cpu`, the cache sizes and their sharing. Leaves what is not
/// known. From sysfs.
void onefold_topology_read(int cpu, onefold_machine *machine);

/// A logical core: its number, and those of its physical core and package, from 0, of which some
/// may be left out.
typedef struct onefold_core {
  int32_t cpu, core, package;
} onefold_core;

/// Writes the machine's logical cores, `count` at most, and returns how many were written:
/// neighbours in the topology are neighbours here, first of all those of one physical core. By
/// hwloc or sysfs.
size_t onefold_topology_cores(onefold_core *cores, size_t count);

/// Binds the calling thread to logical cores, ONEFOLD_CPU_WORDS words; non-zero where the system
/// refuses. By hwloc or sched_setaffinity.
int onefold_topology_bind(const uint64_t *cpus);

/// Fills cpu, vendor, family, model and stepping from /proc/cpuinfo.
void onefold_cpuinfo_read(onefold_machine *machine);

#endif
