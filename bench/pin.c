// SPDX-License-Identifier: BSD-3-Clause
// Pins this process to as many cores as it runs threads.
#include "bench/pin.h"

#include <onefold/machine.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/// A number of sysfs, or -1.
static int topology(int cpu, const char *what) {
  char path[96], text[32] = "";
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
  FILE *file = fopen(path, "r");
  if (!file) return -1;
  const int read = fgets(text, sizeof text, file) != NULL;
  fclose(file);
  return read ? (int)strtol(text, NULL, 10) : -1;
}

/// Whether two logical cores are known to be one physical core.
static int same_core(int a, int b) {
  const int core = topology(a, "core_id");
  return core >= 0 && core == topology(b, "core_id") &&
         topology(a, "physical_package_id") == topology(b, "physical_package_id");
}

static int shares_a_core(int cpu, const cpu_set_t *chosen) {
  for (int other = 0; other < CPU_SETSIZE; other++) {
    if (CPU_ISSET(other, chosen) && same_core(cpu, other)) return 1;
  }
  return 0;
}

void onefold_bench_pin(int threads, char *text, size_t size) {
  cpu_set_t allowed, chosen;
  CPU_ZERO(&chosen);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    snprintf(text, size, "not pinned: the affinity mask cannot be read");
    return;
  }
  if (threads > CPU_COUNT(&allowed)) {
    onefold_machine machine;
    if (onefold_machine_query(&machine) == ONEFOLD_OK && threads <= machine.usable_cores) {
      snprintf(text, size, "bound by OpenMP"); // which gave this thread a place of its own
    } else {
      snprintf(text, size, "not pinned: %d threads on %d cores", threads, CPU_COUNT(&allowed));
    }
    return;
  }
  for (int siblings = 0; siblings < 2; siblings++) {
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&chosen) < threads; cpu++) {
      if (!CPU_ISSET(cpu, &allowed) || CPU_ISSET(cpu, &chosen)) continue;
      if (siblings || !shares_a_core(cpu, &chosen)) CPU_SET(cpu, &chosen);
    }
  }
  if (sched_setaffinity(0, sizeof chosen, &chosen) != 0) {
    snprintf(text, size, "not pinned: the affinity mask cannot be set");
    return;
  }
  size_t used = (size_t)snprintf(text, size, "pinned to");
  char separator = ' ';
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &chosen)) continue;
    const int n = snprintf(text + used, size - used, "%c%d", separator, cpu);
    if (n < 0 || (size_t)n >= size - used) break; // a long list is cut
    used += (size_t)n;
    separator = ',';
  }
}
