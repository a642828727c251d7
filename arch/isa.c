// SPDX-License-Identifier: BSD-3-Clause
// Detection of CPU features and the rules of ISA levels. The compiler's
// __builtin_cpu_supports reports an AVX extension only where XCR0 says that
// the operating system saves its registers.
#include "arch/isa.h"

#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMD
#define HWCAP_ASIMD (1ul << 1)
#endif
#endif

#define AVX2_BITS (ONEFOLD_CPU_AVX2 | ONEFOLD_CPU_FMA)
#define AVX512_BITS                                                                                \
  (ONEFOLD_CPU_AVX512F | ONEFOLD_CPU_AVX512BW | ONEFOLD_CPU_AVX512DQ | ONEFOLD_CPU_AVX512VL)

/// Levels of one family are ordered by rank; REF belongs to every family.
typedef enum { FAMILY_ANY, FAMILY_X86, FAMILY_ARM } isa_family;

static const struct {
  const char *name;
  isa_family family;
  int rank;
  uint32_t features;
} levels[ONEFOLD_ISA_COUNT] = {
    [ONEFOLD_ISA_REF] = {"ref", FAMILY_ANY, 0, 0},
    [ONEFOLD_ISA_AVX2] = {"avx2", FAMILY_X86, 1, AVX2_BITS},
    [ONEFOLD_ISA_AVX512] = {"avx512", FAMILY_X86, 2, AVX2_BITS | AVX512_BITS},
    [ONEFOLD_ISA_NEON] = {"neon", FAMILY_ARM, 1, ONEFOLD_CPU_NEON},
};

static int known(onefold_isa isa) {
  return (unsigned)isa < ONEFOLD_ISA_COUNT;
}

uint32_t onefold_cpu_features(void) {
  uint32_t features = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) features |= ONEFOLD_CPU_AVX2;
  if (__builtin_cpu_supports("fma")) features |= ONEFOLD_CPU_FMA;
  if (__builtin_cpu_supports("avx512f")) features |= ONEFOLD_CPU_AVX512F;
  if (__builtin_cpu_supports("avx512bw")) features |= ONEFOLD_CPU_AVX512BW;
  if (__builtin_cpu_supports("avx512dq")) features |= ONEFOLD_CPU_AVX512DQ;
  if (__builtin_cpu_supports("avx512vl")) features |= ONEFOLD_CPU_AVX512VL;
#elif defined(__aarch64__)
  if (getauxval(AT_HWCAP) & HWCAP_ASIMD) features |= ONEFOLD_CPU_NEON;
#endif
  return features;
}

const char *onefold_cpu_feature_name(uint32_t bit) {
  static const struct {
    uint32_t bit;
    const char *name;
  } names[] = {
      {ONEFOLD_CPU_AVX2, "avx2"},         {ONEFOLD_CPU_FMA, "fma"},
      {ONEFOLD_CPU_AVX512F, "avx512f"},   {ONEFOLD_CPU_AVX512BW, "avx512bw"},
      {ONEFOLD_CPU_AVX512DQ, "avx512dq"}, {ONEFOLD_CPU_AVX512VL, "avx512vl"},
      {ONEFOLD_CPU_NEON, "neon"},
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].bit == bit) return names[i].name;
  }
  return "?";
}

uint32_t onefold_isa_features(onefold_isa isa) {
  return known(isa) ? levels[isa].features : 0;
}

onefold_isa onefold_isa_best(uint32_t features) {
  onefold_isa best = ONEFOLD_ISA_REF;
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    const int complete = (features & levels[i].features) == levels[i].features;
    if (complete && levels[i].rank > levels[best].rank) best = (onefold_isa)i;
  }
  return best;
}

onefold_isa onefold_isa_cap(onefold_isa isa, onefold_isa cap) {
  if (!known(isa) || !known(cap) || levels[isa].family != levels[cap].family) {
    return ONEFOLD_ISA_REF;
  }
  return levels[isa].rank < levels[cap].rank ? isa : cap;
}

int onefold_isa_parse(const char *text, onefold_isa *isa) {
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    if (strcmp(text, levels[i].name) == 0) {
      *isa = (onefold_isa)i;
      return 1;
    }
  }
  return 0;
}

onefold_isa onefold_isa_cap_environment(onefold_isa isa, const char **unknown) {
  const char *text = getenv("ONEFOLD_MAX_ISA");
  onefold_isa cap = isa;
  const int parses = !text || !*text || onefold_isa_parse(text, &cap);
  if (unknown) *unknown = parses ? NULL : text;
  return onefold_isa_cap(isa, cap);
}
