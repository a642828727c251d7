// SPDX-License-Identifier: BSD-3-Clause
// Counts of packages and cores, and the caches of one, from /sys/devices/system: a process that
// starts asks for them, and hwloc may have to load plugins first.
#include "arch/sysfs.h"
#include "arch/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Numbers in a list such as "0-3,8".
static int32_t list_length(const char *list) {
  int32_t count = 0;
  char *end;
  for (const char *at = list; *at >= '0' && *at <= '9'; at = *end == ',' ? end + 1 : end) {
    const long first = strtol(at, &end, 10);
    const long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
    if (last >= first) count += (int32_t)(last - first) + 1;
  }
  return count;
}

/// Non-zero when `cpu` is the first of the list in that file of its topology:
/// counting those counts the groups.
static int leads(int cpu, const char *format) {
  char list[4096];
  return onefold_sysfs_line(list, sizeof list, format, cpu, 0) && strtol(list, NULL, 10) == cpu;
}

static void read_cores(onefold_machine *machine) {
  const long configured = sysconf(_SC_NPROCESSORS_CONF);
  machine->logical_cores = configured > 0 ? (int32_t)configured : 0;
  for (int cpu = 0; cpu < machine->logical_cores; cpu++) {
    machine->physical_cores += leads(cpu, "cpu/cpu%d/topology/thread_siblings_list");
    machine->packages += leads(cpu, "cpu/cpu%d/topology/core_siblings_list");
  }
  char list[4096];
  if (onefold_sysfs_line(list, sizeof list, "node/online", 0, 0))
    machine->numa_nodes = list_length(list);
}

/// "512K" in bytes.
static int64_t parse_size(const char *text) {
  char *end;
  const long long value = strtoll(text, &end, 10);
  if (value <= 0 || value > INT32_MAX) return 0;
  return (int64_t)value << (*end == 'K' ? 10 : *end == 'M' ? 20 : 0);
}

static void read_caches(int cpu, onefold_machine *machine) {
  char level[16], type[32], size[32], list[4096];
  for (int i = 0;
       onefold_sysfs_line(level, sizeof level, "cpu/cpu%d/cache/index%d/level", cpu, i) &&
       onefold_sysfs_line(type, sizeof type, "cpu/cpu%d/cache/index%d/type", cpu, i);
       i++) {
    if (strncmp(type, "Instruction", 11) == 0) continue;
    if (!onefold_sysfs_line(size, sizeof size, "cpu/cpu%d/cache/index%d/size", cpu, i)) continue;
    const int shared =
        onefold_sysfs_line(list, sizeof list, "cpu/cpu%d/cache/index%d/shared_cpu_list", cpu, i);
    const int32_t cores = shared ? list_length(list) : 0;
    switch (strtol(level, NULL, 10)) {
    case 1:
      machine->l1d_bytes = parse_size(size);
      break;
    case 2:
      machine->l2_bytes = parse_size(size), machine->l2_cores = cores;
      break;
    case 3:
      machine->l3_bytes = parse_size(size), machine->l3_cores = cores;
      break;
    default:
      break;
    }
  }
}

void onefold_topology_read(int cpu, onefold_machine *machine) {
  read_cores(machine);
  read_caches(cpu, machine);
}
