// SPDX-License-Identifier: BSD-3-Clause
// Cores of the affinity mask, and what the cgroup's quota leaves of them.
#include "arch/cores.h"

#include "arch/threads.h"

#include <errno.h>
#include <math.h>
#include <sched.h>

int onefold_cores_allowed(void) {
  // The kernel refuses a set that is smaller than its own with EINVAL.
  for (int cpus = 1024; cpus <= 1 << 22; cpus *= 2) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (!set) return 1;
    const size_t size = CPU_ALLOC_SIZE(cpus);
    CPU_ZERO_S(size, set);
    const int failed = sched_getaffinity(0, size, set);
    const int too_small = failed && errno == EINVAL;
    const int count = failed ? 0 : CPU_COUNT_S(size, set);
    CPU_FREE(set);
    if (!too_small) return count > 0 ? count : 1;
  }
  return 1;
}

int onefold_cores_within(double quota) {
  const int mask = onefold_cores_allowed(), places = onefold_threads_places();
  const int allowed = mask < places ? places : mask;
  const double cores = ceil(quota);
  return cores >= 1 && cores < allowed ? (int)cores : allowed;
}

int onefold_cores_usable(void) {
  return onefold_cores_within(onefold_cores_quota(""));
}
