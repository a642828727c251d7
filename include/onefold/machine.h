// SPDX-License-Identifier: BSD-3-Clause
// What this machine is and what of it this process may use.
#ifndef ONEFOLD_MACHINE_H
#define ONEFOLD_MACHINE_H

#include <onefold/export.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

/// Read once by onefold_machine_query. Unknown numbers are 0, unknown texts "".
typedef struct onefold_machine {
  char cpu[96];                    // marketing name
  char vendor[16];                 // "AuthenticAMD", "GenuineIntel", "ARM", ...
  int32_t family, model, stepping; // x86; on Arm implementer, part, revision
  onefold_isa isa;                 // the best level that the CPU and the OS allow
  onefold_isa capped_isa;          // the same after ONEFOLD_MAX_ISA
  char features[160]; // the detected extensions that levels depend on, separated by spaces
  int32_t packages, numa_nodes, physical_cores, logical_cores; // of the whole machine
  int32_t allowed_cores;                                       // in this process's affinity mask
  double cpu_quota;                      // cgroup v1 or v2 limit in cores; 0 when there is none
  int32_t usable_cores;                  // what work is cut into by default: at least 1
  int64_t l1d_bytes, l2_bytes, l3_bytes; // of one cache
  int32_t l2_cores, l3_cores;            // logical cores that share one
  int64_t memory_bytes;
  char governor[32]; // cpufreq's, of the first allowed core
  char affinity[64]; // the mask as a list, "0-3,8"
  double load;       // 1-minute load average
} onefold_machine;

/// Fills `machine`. Errors: INVALID_ARGUMENT. Thread-safe.
ONEFOLD_API onefold_status onefold_machine_query(onefold_machine *machine);

/// Writes what the speed of a layer depends on as one line without blanks:
///   "amd-zen4,avx512,l1d=32768,l2=1048576:1,l3=33554432:2,cores=2,threads=2,packages=1,numa=1"
/// The first two words are the micro-architecture (no steppings; vendor-family-model where its
/// name is not known) and `capped_isa`; caches are bytes:logical cores that share one. The same
/// after a reboot, under any load, affinity of equal cores and quota. A pure function; returns the
/// length that it needs. Thread-safe.
ONEFOLD_API size_t onefold_machine_fingerprint(const onefold_machine *machine, char *text,
                                               size_t size);

/// A hash (FNV-1a, 64 bits) of that line, for names of files and groups. Thread-safe.
ONEFOLD_API uint64_t onefold_machine_hash(const onefold_machine *machine);

ONEFOLD_END

#endif
