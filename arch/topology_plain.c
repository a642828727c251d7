// SPDX-License-Identifier: BSD-3-Clause
// Which cores are neighbours, and binding, for builds without hwloc.
#include "arch/sysfs.h"
#include "arch/topology.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/// The first of the list in that file of a core's topology; `other` where there is none.
static int32_t leader(int cpu, const char *format, int32_t other) {
  char list[4096];
  return onefold_sysfs_line(list, sizeof list, format, cpu, 0) ? (int32_t)strtol(list, NULL, 10)
                                                               : other;
}

static int by_place(const void *a, const void *b) {
  const onefold_core *x = a, *y = b;
  if (x->package != y->package) return x->package < y->package ? -1 : 1;
  if (x->core != y->core) return x->core < y->core ? -1 : 1;
  return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

/// A physical core and a package have the number of their first logical core.
size_t onefold_topology_cores(onefold_core *cores, size_t count) {
  const long configured = sysconf(_SC_NPROCESSORS_CONF);
  size_t written = 0;
  for (int cpu = 0; cpu < configured && written < count; cpu++) {
    cores[written++] = (onefold_core){
        .cpu = cpu,
        .core = leader(cpu, "cpu/cpu%d/topology/thread_siblings_list", cpu),
        .package = leader(cpu, "cpu/cpu%d/topology/core_siblings_list", 0),
    };
  }
  qsort(cores, written, sizeof *cores, by_place);
  return written;
}

int onefold_topology_bind(const uint64_t *cpus) {
  const size_t count = (size_t)64 * ONEFOLD_CPU_WORDS;
  cpu_set_t *set = CPU_ALLOC(count);
  if (!set) return 1;
  const size_t size = CPU_ALLOC_SIZE(count);
  CPU_ZERO_S(size, set);
  for (size_t cpu = 0; cpu < count; cpu++) {
    if (cpus[cpu / 64] >> cpu % 64 & 1) CPU_SET_S(cpu, size, set);
  }
  const int failed = sched_setaffinity(0, size, set);
  CPU_FREE(set);
  return failed != 0;
}
