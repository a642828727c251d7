// SPDX-License-Identifier: BSD-3-Clause
// The machine's fingerprint: what changes it and what does not.
#include "arch/fingerprint.h"
#include "tests/support.h"

#include <string.h>

static const onefold_machine genoa = {
    .cpu = "AMD EPYC 9654 96-Core Processor",
    .vendor = "AuthenticAMD",
    .family = 0x19,
    .model = 0x11,
    .stepping = 1,
    .isa = ONEFOLD_ISA_AVX512,
    .capped_isa = ONEFOLD_ISA_AVX512,
    .packages = 1,
    .numa_nodes = 1,
    .physical_cores = 96,
    .logical_cores = 192,
    .l1d_bytes = 32768,
    .l2_bytes = 1048576,
    .l2_cores = 2,
    .l3_bytes = 33554432,
    .l3_cores = 16,
};

static const char *text_of(const onefold_machine *machine) {
  static char text[256];
  const size_t length = onefold_machine_fingerprint(machine, text, sizeof text);
  assert_int_equal(length, strlen(text));
  return text;
}

static void test_text(void **state) {
  (void)state;
  assert_string_equal(text_of(&genoa),
                      "amd-zen4,avx512,l1d=32768,l2=1048576:2,l3=33554432:16,cores=96,threads=192,"
                      "packages=1,numa=1");
  char part[12];
  assert_int_equal(onefold_machine_fingerprint(&genoa, part, sizeof part), strlen(text_of(&genoa)));
  assert_string_equal(part, "amd-zen4,av");
  assert_int_equal(onefold_machine_fingerprint(NULL, part, sizeof part), 0);
  assert_string_equal(part, "");
  assert_int_equal(onefold_machine_fingerprint(&genoa, NULL, 0), strlen(text_of(&genoa)));
}

/// What another boot, load, process or marketing name has of its own.
static void test_same(void **state) {
  (void)state;
  onefold_machine other = genoa;
  strcpy(other.cpu, "AMD EPYC 9554 64-Core Processor");
  other.stepping = 2;
  other.model = 0x18; // of the same cores
  other.allowed_cores = other.usable_cores = 4;
  other.cpu_quota = 2.5;
  other.memory_bytes = 1;
  strcpy(other.governor, "powersave");
  strcpy(other.affinity, "0-3");
  strcpy(other.features, "avx2");
  other.load = 12;
  assert_int_equal(onefold_machine_hash(&other), onefold_machine_hash(&genoa));
  assert_string_equal(text_of(&other), "amd-zen4,avx512,l1d=32768,l2=1048576:2,l3=33554432:16,"
                                       "cores=96,threads=192,packages=1,numa=1");
}

static void test_different(void **state) {
  (void)state;
  onefold_machine other[12];
  for (int i = 0; i < 12; i++) other[i] = genoa;
  other[0].family = 0x1a;
  other[1].model = 0x01; // Zen 3
  other[2].capped_isa = ONEFOLD_ISA_AVX2;
  other[3].l1d_bytes *= 2;
  other[4].l2_bytes /= 2;
  other[5].l3_bytes *= 3;
  other[6].l3_cores /= 2;
  other[7].physical_cores = 64;
  other[8].logical_cores = 96;
  other[9].packages = 2;
  other[10].numa_nodes = 4;
  strcpy(other[11].vendor, "HygonGenuine");
  for (int i = 0; i < 12; i++) {
    if (onefold_machine_hash(&other[i]) == onefold_machine_hash(&genoa))
      fail_msg("change %d is not seen: %s", i, text_of(&other[i]));
    for (int k = 0; k < i; k++)
      assert_true(onefold_machine_hash(&other[i]) != onefold_machine_hash(&other[k]));
  }
}

static void test_unknown_cores(void **state) {
  (void)state;
  onefold_machine other = genoa;
  strcpy(other.vendor, "Hygon, \"G\"");
  other.family = 24;
  other.model = 1;
  assert_memory_equal(text_of(&other), "Hygon___G_-24-1,avx512,", 23);
  const onefold_machine nothing = {0};
  assert_string_equal(text_of(&nothing),
                      "unknown-0-0,ref,l1d=0,l2=0:0,l3=0:0,cores=0,threads=0,packages=0,numa=0");
}

static void test_microarchitectures(void **state) {
  (void)state;
  static const struct {
    const char *vendor;
    int family, model;
    const char *name;
    int rate; // of AVX-512
  } cases[] = {
      {"AuthenticAMD", 0x17, 0x01, "amd-zen", 2},
      {"AuthenticAMD", 0x17, 0x31, "amd-zen2", 2},
      {"AuthenticAMD", 0x19, 0x01, "amd-zen3", 2},
      {"AuthenticAMD", 0x19, 0x61, "amd-zen4", 1},
      {"AuthenticAMD", 0x1a, 0x02, "amd-zen5", 2},
      {"GenuineIntel", 6, 0x3f, "intel-haswell", 2},
      {"GenuineIntel", 6, 0x55, "intel-skylake-x", 2},
      {"GenuineIntel", 6, 0x8c, "intel-tigerlake", 1},
      {"GenuineIntel", 6, 0x8f, "intel-sapphire-rapids", 2},
      {"ARM", 0x41, 0xd0c, "arm-neoverse-n1", 2},
      {"ARM", 0x41, 0xd0a, NULL, 2},
      {"AuthenticAMD", 6, 0x55, NULL, 2},
      {"GenuineIntel", 15, 0x55, NULL, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    onefold_machine m = {.family = cases[i].family, .model = cases[i].model};
    strcpy(m.vendor, cases[i].vendor);
    const char *name = onefold_microarchitecture(&m);
    if (cases[i].name)
      assert_string_equal(name, cases[i].name);
    else
      assert_null(name);
    assert_int_equal(onefold_fma_rate(&m, ONEFOLD_ISA_AVX512), cases[i].rate);
    assert_int_equal(onefold_fma_rate(&m, ONEFOLD_ISA_AVX2), 2);
  }
}

static void test_this_machine(void **state) {
  (void)state;
  onefold_machine first, second;
  assert_int_equal(onefold_machine_query(&first), ONEFOLD_OK);
  assert_int_equal(onefold_machine_query(&second), ONEFOLD_OK);
  assert_int_equal(onefold_machine_hash(&first), onefold_machine_hash(&second));
  assert_null(strpbrk(text_of(&first), " \t\n\""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_same),
      cmocka_unit_test(test_different),
      cmocka_unit_test(test_unknown_cores),
      cmocka_unit_test(test_microarchitectures),
      cmocka_unit_test(test_this_machine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
