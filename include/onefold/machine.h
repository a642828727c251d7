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

#define ONEFOLD_CPU_WORDS 64

/// Logical cores of this machine.
typedef struct onefold_cores {
  size_t struct_size;               // sizeof(onefold_cores)
  uint64_t cpus[ONEFOLD_CPU_WORDS]; // number c is bit c % 64 of word c / 64
  uint64_t packages;                // those that they are on, one bit each
  int32_t physical, logical;        // how many cores they are
} onefold_cores;

/// Cuts the affinity mask of the calling thread into `parts` sets of whole physical cores, and
/// gives set number `part` of them, from 0. No core is in two sets, all are in one, the sizes
/// differ by one physical core at most, and a set's cores are neighbours: with as many parts as
/// packages, and packages of one size, each has a package. 0 of 1 is the mask itself. The same mask
/// gives the same sets. Errors: INVALID_ARGUMENT (also: more parts than physical cores),
/// UNSUPPORTED (the mask cannot be read, or has more bits than there are here), OUT_OF_MEMORY.
/// Thread-safe.
ONEFOLD_API onefold_status onefold_machine_cut(int32_t part, int32_t parts, onefold_cores *cores);

/// Binds the calling thread, and those that it starts from here on, to `cpus` of these. Errors:
/// INVALID_ARGUMENT (none, or one outside the thread's affinity mask, which is never left),
/// UNSUPPORTED (the system does not allow it). Thread-safe.
ONEFOLD_API onefold_status onefold_machine_bind(const onefold_cores *cores);

ONEFOLD_END

#endif
