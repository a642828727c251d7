// SPDX-License-Identifier: BSD-3-Clause
// Micro-architectures by vendor, family and model: models that differ in name, package or core
// count and not in their cores are one.
#include "arch/fingerprint.h"

#include <string.h>

/// Models [first, last] of a family. On Arm the family is the implementer, the model the part.
/// `half` where one multiply-add of AVX-512 is done a cycle, and not two.
static const struct {
  const char *vendor;
  int32_t family, first, last;
  const char *name;
  int half;
} rows[] = {
    {"AuthenticAMD", 0x17, 0x00, 0x2f, "amd-zen", 0},
    {"AuthenticAMD", 0x17, 0x30, 0x4f, "amd-zen2", 0},
    {"AuthenticAMD", 0x17, 0x50, 0x5f, "amd-zen", 0},
    {"AuthenticAMD", 0x17, 0x60, 0x7f, "amd-zen2", 0},
    {"AuthenticAMD", 0x17, 0x90, 0x91, "amd-zen2", 0},
    {"AuthenticAMD", 0x17, 0xa0, 0xaf, "amd-zen2", 0},
    {"AuthenticAMD", 0x19, 0x00, 0x0f, "amd-zen3", 0},
    {"AuthenticAMD", 0x19, 0x10, 0x1f, "amd-zen4", 1},
    {"AuthenticAMD", 0x19, 0x20, 0x5f, "amd-zen3", 0},
    {"AuthenticAMD", 0x19, 0x60, 0xaf, "amd-zen4", 1},
    {"AuthenticAMD", 0x1a, 0x00, 0x2f, "amd-zen5", 0},
    {"AuthenticAMD", 0x1a, 0x40, 0x4f, "amd-zen5", 0},
    {"AuthenticAMD", 0x1a, 0x60, 0x7f, "amd-zen5", 0},
    {"GenuineIntel", 6, 0x3c, 0x3c, "intel-haswell", 0},
    {"GenuineIntel", 6, 0x3d, 0x3d, "intel-broadwell", 0},
    {"GenuineIntel", 6, 0x3f, 0x3f, "intel-haswell", 0},
    {"GenuineIntel", 6, 0x45, 0x46, "intel-haswell", 0},
    {"GenuineIntel", 6, 0x47, 0x47, "intel-broadwell", 0},
    {"GenuineIntel", 6, 0x4e, 0x4e, "intel-skylake", 0},
    {"GenuineIntel", 6, 0x4f, 0x4f, "intel-broadwell", 0},
    {"GenuineIntel", 6, 0x55, 0x55, "intel-skylake-x", 0}, // and Cascade Lake, Cooper Lake
    {"GenuineIntel", 6, 0x56, 0x56, "intel-broadwell", 0},
    {"GenuineIntel", 6, 0x5e, 0x5e, "intel-skylake", 0},
    {"GenuineIntel", 6, 0x6a, 0x6a, "intel-icelake-x", 0},
    {"GenuineIntel", 6, 0x6c, 0x6c, "intel-icelake-x", 0},
    {"GenuineIntel", 6, 0x7d, 0x7e, "intel-icelake", 1},
    {"GenuineIntel", 6, 0x8c, 0x8d, "intel-tigerlake", 1},
    {"GenuineIntel", 6, 0x8e, 0x8e, "intel-skylake", 0}, // Kaby Lake and its successors
    {"GenuineIntel", 6, 0x8f, 0x8f, "intel-sapphire-rapids", 0},
    {"GenuineIntel", 6, 0x97, 0x97, "intel-alderlake", 0},
    {"GenuineIntel", 6, 0x9a, 0x9a, "intel-alderlake", 0},
    {"GenuineIntel", 6, 0x9e, 0x9e, "intel-skylake", 0},
    {"GenuineIntel", 6, 0xa5, 0xa6, "intel-skylake", 0},
    {"GenuineIntel", 6, 0xa7, 0xa7, "intel-rocketlake", 1},
    {"GenuineIntel", 6, 0xad, 0xae, "intel-granite-rapids", 0},
    {"GenuineIntel", 6, 0xb7, 0xb7, "intel-raptorlake", 0},
    {"GenuineIntel", 6, 0xba, 0xba, "intel-raptorlake", 0},
    {"GenuineIntel", 6, 0xbf, 0xbf, "intel-raptorlake", 0},
    {"GenuineIntel", 6, 0xcf, 0xcf, "intel-sapphire-rapids", 0}, // Emerald Rapids: the same cores
    {"ARM", 0x41, 0xd03, 0xd03, "arm-cortex-a53", 0},
    {"ARM", 0x41, 0xd05, 0xd05, "arm-cortex-a55", 0},
    {"ARM", 0x41, 0xd08, 0xd08, "arm-cortex-a72", 0},
    {"ARM", 0x41, 0xd0b, 0xd0b, "arm-cortex-a76", 0},
    {"ARM", 0x41, 0xd0c, 0xd0c, "arm-neoverse-n1", 0},
    {"ARM", 0x41, 0xd40, 0xd40, "arm-neoverse-v1", 0},
    {"ARM", 0x41, 0xd49, 0xd49, "arm-neoverse-n2", 0},
    {"ARM", 0x41, 0xd4f, 0xd4f, "arm-neoverse-v2", 0},
};

static int is_row(const onefold_machine *machine, size_t i) {
  return machine->family == rows[i].family && machine->model >= rows[i].first &&
         machine->model <= rows[i].last && strcmp(machine->vendor, rows[i].vendor) == 0;
}

const char *onefold_microarchitecture(const onefold_machine *machine) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (is_row(machine, i)) return rows[i].name;
  }
  return NULL;
}

int32_t onefold_fma_rate(const onefold_machine *machine, onefold_isa isa) {
  if (isa != ONEFOLD_ISA_AVX512) return 2;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (is_row(machine, i)) return rows[i].half ? 1 : 2;
  }
  return 2;
}
