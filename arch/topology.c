// SPDX-License-Identifier: BSD-3-Clause
// onefold_machine_query: everything that a report says of the machine.
#include "arch/topology.h"

#include "arch/caches.h"
#include "arch/cores.h"
#include "arch/isa.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Writes the affinity mask as "0-3,8", cut with "..." where it does not fit;
/// returns its first core, or 0.
static int read_affinity(char *text, size_t size) {
  enum { CPUS = 8192 };
  cpu_set_t *set = CPU_ALLOC(CPUS);
  if (!set) return 0;
  const size_t bytes = CPU_ALLOC_SIZE(CPUS);
  int first = -1;
  size_t used = 0;
  if (sched_getaffinity(0, bytes, set)) CPU_ZERO_S(bytes, set);
  for (int cpu = 0; cpu < CPUS; cpu++) {
    if (!CPU_ISSET_S(cpu, bytes, set)) continue;
    if (first < 0) first = cpu;
    int last = cpu;
    while (last + 1 < CPUS && CPU_ISSET_S(last + 1, bytes, set)) last++;
    char range[32] = "";
    snprintf(range, sizeof range, last > cpu ? "%s%d-%d" : "%s%d", used ? "," : "", cpu, last);
    if (used + strlen(range) + sizeof "..." > size) strcpy(range, "...");
    used += (size_t)snprintf(text + used, size - used, "%s", range);
    if (range[0] == '.') break;
    cpu = last;
  }
  CPU_FREE(set);
  return first < 0 ? 0 : first;
}

static void read_governor(int cpu, char *text, size_t size) {
  char path[96];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
  FILE *file = fopen(path, "re");
  if (!file) return;
  if (!fgets(text, (int)size, file)) text[0] = '\0';
  text[strcspn(text, "\n")] = '\0';
  fclose(file);
}

static void list_features(uint32_t features, char *text, size_t size) {
  size_t used = 0;
  for (uint32_t bit = 1; bit && bit <= features && used < size; bit <<= 1) {
    if (!(features & bit)) continue;
    used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
                             onefold_cpu_feature_name(bit));
  }
}

/// The caches that the operating system does not show, as in some virtual machines. Where nobody
/// tells who shares one, L2 is a core's and L3 the machine's.
static void complete_caches(onefold_machine *m) {
  if (m->l1d_bytes && m->l2_bytes && m->l3_bytes) return;
  const onefold_caches caches = onefold_caches_read();
  const int32_t siblings = m->physical_cores > 0 ? m->logical_cores / m->physical_cores : 1;
  if (!m->l1d_bytes) m->l1d_bytes = (int64_t)caches.l1d;
  if (!m->l2_bytes && caches.l2) {
    m->l2_bytes = (int64_t)caches.l2;
    m->l2_cores = caches.l2_cores ? caches.l2_cores : siblings;
  }
  if (!m->l3_bytes && caches.l3) {
    m->l3_bytes = (int64_t)caches.l3;
    m->l3_cores = caches.l3_cores ? caches.l3_cores : m->logical_cores;
  }
  if (m->l2_cores > m->logical_cores) m->l2_cores = m->logical_cores;
  if (m->l3_cores > m->logical_cores) m->l3_cores = m->logical_cores;
}

onefold_status onefold_machine_query(onefold_machine *machine) {
  if (!machine) return ONEFOLD_INVALID_ARGUMENT;
  memset(machine, 0, sizeof *machine);
  onefold_cpuinfo_read(machine);

  const uint32_t features = onefold_cpu_features();
  machine->isa = onefold_isa_best(features);
  machine->capped_isa = onefold_isa_cap_environment(machine->isa, NULL);
  list_features(features, machine->features, sizeof machine->features);

  const int cpu = read_affinity(machine->affinity, sizeof machine->affinity);
  onefold_topology_read(cpu, machine);
  complete_caches(machine);
  read_governor(cpu, machine->governor, sizeof machine->governor);
  machine->allowed_cores = onefold_cores_allowed();
  machine->cpu_quota = onefold_cores_quota("");
  machine->usable_cores = onefold_cores_within(machine->cpu_quota);

  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) machine->memory_bytes = (int64_t)pages * page_bytes;
  if (getloadavg(&machine->load, 1) != 1) machine->load = 0;
  return ONEFOLD_OK;
}
