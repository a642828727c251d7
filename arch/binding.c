// SPDX-License-Identifier: BSD-3-Clause
// onefold_machine_cut and onefold_machine_bind.
#include "arch/binding.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS = 64 * ONEFOLD_CPU_WORDS };

static int has(const uint64_t *cpus, int32_t cpu) {
  return cpu >= 0 && cpu < CPUS && (cpus[cpu / 64] >> cpu % 64 & 1);
}

static void add(onefold_cores *cores, const onefold_core *core) {
  cores->cpus[core->cpu / 64] |= UINT64_C(1) << core->cpu % 64;
  cores->packages |= UINT64_C(1) << (core->package < 63 ? core->package : 63);
  cores->logical++;
}

/// The cores of the mask, in their order, with packages that are numbered one after the other,
/// whatever numbers the machine gives them; returns how many.
static int32_t choose(const onefold_core *machine, size_t count, const uint64_t *mask,
                      onefold_core *chosen) {
  uint64_t rest[ONEFOLD_CPU_WORDS];
  int32_t n = 0, package = 0;
  memcpy(rest, mask, sizeof rest);
  for (size_t i = 0; i < count; i++) {
    package += i > 0 && machine[i].package != machine[i - 1].package;
    if (!has(rest, machine[i].cpu)) continue;
    rest[machine[i].cpu / 64] &= ~(UINT64_C(1) << machine[i].cpu % 64);
    chosen[n] = machine[i];
    chosen[n++].package = package;
  }
  for (int32_t cpu = 0; cpu < CPUS; cpu++) {
    if (has(rest, cpu)) chosen[n++] = (onefold_core){.cpu = cpu, .core = CPUS + cpu, .package = 0};
  }
  return n;
}

static int begins_core(const onefold_core *chosen, int32_t i) {
  return i == 0 || chosen[i].core != chosen[i - 1].core ||
         chosen[i].package != chosen[i - 1].package;
}

onefold_status onefold_cores_cut(const onefold_core *machine, size_t count, const uint64_t *mask,
                                 int32_t part, int32_t parts, onefold_cores *cores) {
  if (parts < 1 || part < 0 || part >= parts) return ONEFOLD_INVALID_ARGUMENT;
  onefold_core *chosen = malloc(CPUS * sizeof *chosen);
  if (!chosen) return ONEFOLD_OUT_OF_MEMORY;
  const int32_t n = choose(machine, count, mask, chosen);
  int32_t physical = 0;
  for (int32_t i = 0; i < n; i++) physical += begins_core(chosen, i);
  const int64_t first = (int64_t)physical * part / parts;
  const int64_t end = (int64_t)physical * (part + 1) / parts;
  if (physical >= parts) {
    *cores = (onefold_cores){.struct_size = sizeof *cores, .physical = (int32_t)(end - first)};
    int64_t at = -1;
    for (int32_t i = 0; i < n; i++) {
      at += begins_core(chosen, i);
      if (at >= first && at < end) add(cores, &chosen[i]);
    }
  }
  free(chosen);
  return physical >= parts ? ONEFOLD_OK : ONEFOLD_INVALID_ARGUMENT;
}

/// The affinity mask of the calling thread; zero where it cannot be had.
static int read_mask(uint64_t *mask) {
  cpu_set_t *set = CPU_ALLOC(CPUS);
  if (!set) return 0;
  const size_t size = CPU_ALLOC_SIZE(CPUS);
  CPU_ZERO_S(size, set);
  const int failed = sched_getaffinity(0, size, set);
  memset(mask, 0, ONEFOLD_CPU_WORDS * sizeof *mask);
  for (int cpu = 0; cpu < CPUS && !failed; cpu++) {
    if (CPU_ISSET_S(cpu, size, set)) mask[cpu / 64] |= UINT64_C(1) << cpu % 64;
  }
  CPU_FREE(set);
  return !failed;
}

onefold_status onefold_machine_cut(int32_t part, int32_t parts, onefold_cores *cores) {
  if (!cores || cores->struct_size < sizeof *cores) return ONEFOLD_INVALID_ARGUMENT;
  uint64_t mask[ONEFOLD_CPU_WORDS];
  if (!read_mask(mask)) return ONEFOLD_UNSUPPORTED;
  onefold_core *machine = malloc(CPUS * sizeof *machine);
  if (!machine) return ONEFOLD_OUT_OF_MEMORY;
  const size_t count = onefold_topology_cores(machine, CPUS);
  const onefold_status status = onefold_cores_cut(machine, count, mask, part, parts, cores);
  free(machine);
  return status;
}

onefold_status onefold_machine_bind(const onefold_cores *cores) {
  if (!cores || cores->struct_size < sizeof *cores) return ONEFOLD_INVALID_ARGUMENT;
  uint64_t mask[ONEFOLD_CPU_WORDS], any = 0, outside = 0;
  if (!read_mask(mask)) return ONEFOLD_UNSUPPORTED;
  for (int i = 0; i < ONEFOLD_CPU_WORDS; i++) {
    any |= cores->cpus[i];
    outside |= cores->cpus[i] & ~mask[i];
  }
  if (!any || outside) return ONEFOLD_INVALID_ARGUMENT;
  return onefold_topology_bind(cores->cpus) ? ONEFOLD_UNSUPPORTED : ONEFOLD_OK;
}
