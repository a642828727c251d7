// SPDX-License-Identifier: BSD-3-Clause
// ISA levels: which of them this CPU and this operating system allow.
#ifndef ONEFOLD_ARCH_ISA_H
#define ONEFOLD_ARCH_ISA_H

#include <onefold/types.h>

/// The extensions that levels depend on, as bits.
enum {
  ONEFOLD_CPU_AVX2 = 1u << 0,
  ONEFOLD_CPU_FMA = 1u << 1,
  ONEFOLD_CPU_AVX512F = 1u << 2,
  ONEFOLD_CPU_AVX512BW = 1u << 3,
  ONEFOLD_CPU_AVX512DQ = 1u << 4,
  ONEFOLD_CPU_AVX512VL = 1u << 5,
  ONEFOLD_CPU_NEON = 1u << 6
};

/// What the CPU has and the OS saves. Reads the CPU each time; thread-safe.
uint32_t onefold_cpu_features(void);

/// Name of one bit: "avx2". Never NULL.
const char *onefold_cpu_feature_name(uint32_t bit);

/// All the bits that a level's files are compiled with.
uint32_t onefold_isa_features(onefold_isa isa);

/// The highest level whose every bit is in `features`. A pure function.
onefold_isa onefold_isa_best(uint32_t features);

/// The lower of two levels; levels of another family than the CPU's count as
/// REF (a cap of "neon" on x86 gives REF). A pure function.
onefold_isa onefold_isa_cap(onefold_isa isa, onefold_isa cap);

/// Parses "ref", "avx2", "avx512", "neon". Returns non-zero on success.
int onefold_isa_parse(const char *text, onefold_isa *isa);

/// `isa` capped by the environment's ONEFOLD_MAX_ISA, if that is set and
/// parses; an unknown value is left aside and reported through *unknown.
onefold_isa onefold_isa_cap_environment(onefold_isa isa, const char **unknown);

#endif
