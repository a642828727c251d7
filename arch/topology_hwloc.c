// SPDX-License-Identifier: BSD-3-Clause
// Which cores are neighbours, and binding, by hwloc. The only user of it.
#include "arch/topology.h"

#include <hwloc.h>

/// The whole machine, whatever this process may use of it; NULL where it cannot be read.
static hwloc_topology_t load(void) {
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology)) return NULL;
  unsigned long flags = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;
#if HWLOC_API_VERSION >= 0x00020500
  flags |= HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
#endif
  if (hwloc_topology_set_flags(topology, flags) == 0 && hwloc_topology_load(topology) == 0)
    return topology;
  hwloc_topology_destroy(topology);
  return NULL;
}

/// Number of the object of a type above `pu`, in hwloc's order; `other` where there is none.
static int32_t number_above(hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_type_t type,
                            int32_t other) {
  const hwloc_obj_t above = hwloc_get_ancestor_obj_by_type(topology, type, pu);
  return above ? (int32_t)above->logical_index : other;
}

size_t onefold_topology_cores(onefold_core *cores, size_t count) {
  const hwloc_topology_t topology = load();
  size_t written = 0;
  if (!topology) return 0;
  for (hwloc_obj_t pu = NULL;
       written < count && (pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)) != NULL;
       written++) {
    const int32_t number = (int32_t)pu->logical_index;
    cores[written] = (onefold_core){
        .cpu = (int32_t)pu->os_index,
        .core = number_above(topology, pu, HWLOC_OBJ_CORE, number),
        .package = number_above(topology, pu, HWLOC_OBJ_PACKAGE, 0),
    };
  }
  hwloc_topology_destroy(topology);
  return written;
}

int onefold_topology_bind(const uint64_t *cpus) {
  const hwloc_topology_t topology = load();
  const hwloc_bitmap_t set = hwloc_bitmap_alloc();
  int failed = !topology || !set;
  for (unsigned cpu = 0; !failed && cpu < 64 * ONEFOLD_CPU_WORDS; cpu++) {
    if (cpus[cpu / 64] >> cpu % 64 & 1) failed = hwloc_bitmap_set(set, cpu) != 0;
  }
  if (!failed) failed = hwloc_set_cpubind(topology, set, HWLOC_CPUBIND_THREAD) != 0;
  hwloc_bitmap_free(set);
  if (topology) hwloc_topology_destroy(topology);
  return failed;
}
