// SPDX-License-Identifier: BSD-3-Clause
// Micro-architectures by vendor, family and model: models that differ in name, package or core
// count and not in their cores are one.
#include "arch/fingerprint.h"

#include <string.h>

/// Models [first, last] of a family. On Arm the family is the implementer, the model the part.
/// `half` where one multiply-add of AVX-512 is done a cycle, and not two.
static const struct {
  const char *vendor;
  int32_t family, first, last, half;
  const char *name;
} rows[] = {
    {"AuthenticAMD", 0x17, 0x00, 0x2f, 0, "amd-zen"},
    {"AuthenticAMD", 0x17, 0x30, 0x4f, 0, "amd-zen2"},
    {"AuthenticAMD", 0x17, 0x50, 0x5f, 0, "amd-zen"},
    {"AuthenticAMD", 0x17, 0x60, 0x7f, 0, "amd-zen2"},
    {"AuthenticAMD", 0x17, 0x90, 0x91, 0, "amd-zen2"},
    {"AuthenticAMD", 0x17, 0xa0, 0xaf, 0, "amd-zen2"},
    {"AuthenticAMD", 0x19, 0x00, 0x0f, 0, "amd-zen3"},
    {"AuthenticAMD", 0x19, 0x10, 0x1f, 1, "amd-zen4"},
    {"AuthenticAMD", 0x19, 0x20, 0x5f, 0, "amd-zen3"},
    {"AuthenticAMD", 0x19, 0x60, 0xaf, 1, "amd-zen4"},
    {"AuthenticAMD", 0x1a, 0x00, 0x2f, 0, "amd-zen5"},
    {"AuthenticAMD", 0x1a, 0x40, 0x4f, 0, "amd-zen5"},
    {"AuthenticAMD", 0x1a, 0x60, 0x7f, 0, "amd-zen5"},
    {"GenuineIntel", 6, 0x3c, 0x3c, 0, "intel-haswell"},
    {"GenuineIntel", 6, 0x3d, 0x3d, 0, "intel-broadwell"},
    {"GenuineIntel", 6, 0x3f, 0x3f, 0, "intel-haswell"},
    {"GenuineIntel", 6, 0x45, 0x46, 0, "intel-haswell"},
    {"GenuineIntel", 6, 0x47, 0x47, 0, "intel-broadwell"},
    {"GenuineIntel", 6, 0x4e, 0x4e, 0, "intel-skylake"},
    {"GenuineIntel", 6, 0x4f, 0x4f, 0, "intel-broadwell"},
    {"GenuineIntel", 6, 0x55, 0x55, 0, "intel-skylake-x"}, // and Cascade Lake, Cooper Lake
    {"GenuineIntel", 6, 0x56, 0x56, 0, "intel-broadwell"},
    {"GenuineIntel", 6, 0x5e, 0x5e, 0, "intel-skylake"},
    {"GenuineIntel", 6, 0x6a, 0x6a, 0, "intel-icelake-x"},
    {"GenuineIntel", 6, 0x6c, 0x6c, 0, "intel-icelake-x"},
    {"GenuineIntel", 6, 0x7d, 0x7e, 1, "intel-icelake"},
    {"GenuineIntel", 6, 0x8c, 0x8d, 1, "intel-tigerlake"},
    {"GenuineIntel", 6, 0x8e, 0x8e, 0, "intel-skylake"}, // Kaby Lake and its successors
    {"GenuineIntel", 6, 0x8f, 0x8f, 0, "intel-sapphire-rapids"},
    {"GenuineIntel", 6, 0x97, 0x97, 0, "intel-alderlake"},
    {"GenuineIntel", 6, 0x9a, 0x9a, 0, "intel-alderlake"},
    {"GenuineIntel", 6, 0x9e, 0x9e, 0, "intel-skylake"},
    {"GenuineIntel", 6, 0xa5, 0xa6, 0, "intel-skylake"},
    {"GenuineIntel", 6, 0xa7, 0xa7, 1, "intel-rocketlake"},
    {"GenuineIntel", 6, 0xad, 0xae, 0, "intel-granite-rapids"},
    {"GenuineIntel", 6, 0xb7, 0xb7, 0, "intel-raptorlake"},
    {"GenuineIntel", 6, 0xba, 0xba, 0, "intel-raptorlake"},
    {"GenuineIntel", 6, 0xbf, 0xbf, 0, "intel-raptorlake"},
    {"GenuineIntel", 6, 0xcf, 0xcf, 0, "intel-sapphire-rapids"}, // Emerald Rapids: the same cores
    {"ARM", 0x41, 0xd03, 0xd03, 0, "arm-cortex-a53"},
    {"ARM", 0x41, 0xd05, 0xd05, 0, "arm-cortex-a55"},
    {"ARM", 0x41, 0xd08, 0xd08, 0, "arm-cortex-a72"},
    {"ARM", 0x41, 0xd0b, 0xd0b, 0, "arm-cortex-a76"},
    {"ARM", 0x41, 0xd0c, 0xd0c, 0, "arm-neoverse-n1"},
    {"ARM", 0x41, 0xd40, 0xd40, 0, "arm-neoverse-v1"},
    {"ARM", 0x41, 0xd49, 0xd49, 0, "arm-neoverse-n2"},
    {"ARM", 0x41, 0xd4f, 0xd4f, 0, "arm-neoverse-v2"},
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
