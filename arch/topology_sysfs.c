// SPDX-License-Identifier: BSD-3-Clause
// Packages, cores and caches from /sys/devices/system, for builds without hwloc.
#include "arch/topology.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// First line of a file below /sys/devices/system; zero when there is none.
static int read_line(char *line, size_t size, const char *format, int a, int b) {
  char path[128] = "/sys/devices/system/";
  const size_t prefix = strlen(path);
  snprintf(path + prefix, sizeof path - prefix, format, a, b);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  const int found = fgets(line, (int)size, file) != NULL;
  fclose(file);
  return found;
}

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
  return read_line(list, sizeof list, format, cpu, 0) && atoi(list) == cpu;
}

static void read_cores(onefold_machine *machine) {
  const long configured = sysconf(_SC_NPROCESSORS_CONF);
  machine->logical_cores = configured > 0 ? (int32_t)configured : 0;
  for (int cpu = 0; cpu < machine->logical_cores; cpu++) {
    machine->physical_cores += leads(cpu, "cpu/cpu%d/topology/thread_siblings_list");
    machine->packages += leads(cpu, "cpu/cpu%d/topology/core_siblings_list");
  }
  char list[4096];
  if (read_line(list, sizeof list, "node/online", 0, 0)) machine->numa_nodes = list_length(list);
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
  for (int i = 0; read_line(level, sizeof level, "cpu/cpu%d/cache/index%d/level", cpu, i) &&
                  read_line(type, sizeof type, "cpu/cpu%d/cache/index%d/type", cpu, i);
       i++) {
    if (strncmp(type, "Instruction", 11) == 0) continue;
    if (!read_line(size, sizeof size, "cpu/cpu%d/cache/index%d/size", cpu, i)) continue;
    const int shared =
        read_line(list, sizeof list, "cpu/cpu%d/cache/index%d/shared_cpu_list", cpu, i);
    const int32_t cores = shared ? list_length(list) : 0;
    switch (atoi(level)) {
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

/// The first of the list in that file of a core's topology; `other` where there is none.
static int32_t leader(int cpu, const char *format, int32_t other) {
  char list[4096];
  return read_line(list, sizeof list, format, cpu, 0) ? (int32_t)atoi(list) : other;
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
  const int count = 64 * ONEFOLD_CPU_WORDS;
  cpu_set_t *set = CPU_ALLOC(count);
  if (!set) return 1;
  const size_t size = CPU_ALLOC_SIZE(count);
  CPU_ZERO_S(size, set);
  for (int cpu = 0; cpu < count; cpu++) {
    if (cpus[cpu / 64] >> cpu % 64 & 1) CPU_SET_S(cpu, size, set);
  }
  const int failed = sched_setaffinity(0, size, set);
  CPU_FREE(set);
  return failed != 0;
}
