// SPDX-License-Identifier: BSD-3-Clause
// Packages, cores and caches by hwloc. The only user of it.
#include "arch/topology.h"

#include <hwloc.h>

static int32_t count_of(hwloc_topology_t topology, hwloc_obj_type_t type) {
  const int count = hwloc_get_nbobjs_by_type(topology, type);
  return count > 0 ? count : 0;
}

/// Size of the cache above `pu`, and how many logical cores share it.
static void read_cache(hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_type_t type,
                       int64_t *bytes, int32_t *cores) {
  const hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology, type, pu);
  if (!cache) return;
  *bytes = (int64_t)cache->attr->cache.size;
  *cores = hwloc_bitmap_weight(cache->cpuset);
}

void onefold_topology_read(int cpu, onefold_machine *machine) {
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology)) return;
  unsigned long flags = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;
#if HWLOC_API_VERSION >= 0x00020500
  flags |= HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
#endif
  if (hwloc_topology_set_flags(topology, flags) == 0 && hwloc_topology_load(topology) == 0) {
    machine->packages = count_of(topology, HWLOC_OBJ_PACKAGE);
    machine->numa_nodes = count_of(topology, HWLOC_OBJ_NUMANODE);
    machine->physical_cores = count_of(topology, HWLOC_OBJ_CORE);
    machine->logical_cores = count_of(topology, HWLOC_OBJ_PU);
    const hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(topology, (unsigned)cpu);
    if (pu) {
      int32_t l1d_cores;
      read_cache(topology, pu, HWLOC_OBJ_L1CACHE, &machine->l1d_bytes, &l1d_cores);
      read_cache(topology, pu, HWLOC_OBJ_L2CACHE, &machine->l2_bytes, &machine->l2_cores);
      read_cache(topology, pu, HWLOC_OBJ_L3CACHE, &machine->l3_bytes, &machine->l3_cores);
    }
  }
  hwloc_topology_destroy(topology);
}
