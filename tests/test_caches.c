// SPDX-License-Identifier: BSD-3-Clause
// Cache sizes by CPUID, of processors as they answer.
#include "arch/caches.h"
#include "tests/support.h"

#include <string.h>

typedef struct answer {
  unsigned leaf, subleaf, registers[4];
} answer;

static const answer *answers;
static size_t answer_count;

static void ask(unsigned leaf, unsigned subleaf, unsigned registers[4]) {
  memset(registers, 0, 4 * sizeof registers[0]);
  for (size_t i = 0; i < answer_count; i++) {
    if (answers[i].leaf == leaf && answers[i].subleaf == subleaf)
      memcpy(registers, answers[i].registers, 4 * sizeof registers[0]);
  }
}

static onefold_caches read_of(const answer *of, size_t count) {
  answers = of;
  answer_count = count;
  return onefold_caches_cpuid(ask);
}
#define READ(of) read_of(of, sizeof of / sizeof of[0])

/// A Sapphire Rapids: L1 48 KiB, code 32 KiB, L2 2 MiB for two threads, L3 105 MiB for 128.
static void test_leaf_4(void **state) {
  (void)state;
  static const answer intel[] = {
      {0, 0, {0x20, 0, 0, 0}},
      {4, 0, {0xfc004121, 0x02c0003f, 0x3f, 0}},
      {4, 1, {0xfc004122, 0x01c0003f, 0x3f, 0}},
      {4, 2, {0xfc004143, 0x03c0003f, 0x7ff, 0}},
      {4, 3, {0xfc1fc163, 0x0380003f, 0x1bfff, 4}},
  };
  const onefold_caches c = READ(intel);
  assert_int_equal(c.l1d, 48 << 10);
  assert_int_equal(c.l2, 2 << 20);
  assert_int_equal(c.l2_cores, 2);
  assert_int_equal(c.l3, 105 << 20);
  assert_int_equal(c.l3_cores, 128);
}

/// A Zen 4: L1 32 KiB, L2 1 MiB for two threads, L3 32 MiB for 16. Leaf 4 is there and empty.
static void test_leaf_8000_001d(void **state) {
  (void)state;
  static const answer amd[] = {
      {0, 0, {0x10, 0, 0, 0}},
      {0x80000000u, 0, {0x80000028u, 0, 0, 0}},
      {0x8000001du, 0, {0x4121, 0x01c0003f, 0x3f, 0}},
      {0x8000001du, 1, {0x4122, 0x01c0003f, 0x3f, 0}},
      {0x8000001du, 2, {0x4143, 0x01c0003f, 0x7ff, 2}},
      {0x8000001du, 3, {0x3c163, 0x03c0003f, 0x7fff, 1}},
  };
  const onefold_caches c = READ(amd);
  assert_int_equal(c.l1d, 32 << 10);
  assert_int_equal(c.l2, 1 << 20);
  assert_int_equal(c.l2_cores, 2);
  assert_int_equal(c.l3, 32 << 20);
  assert_int_equal(c.l3_cores, 16);
}

/// A virtual Zen 5 that hides the leaf above: L1 48 KiB, L2 1 MiB; 508 MiB of L3 are the package's.
static void test_old_leaves(void **state) {
  (void)state;
  static const answer hidden[] = {
      {0, 0, {0xd, 0, 0, 0}},
      {0x80000000u, 0, {0x80000028u, 0, 0, 0}},
      {0x80000005u, 0, {0xff60ff40u, 0xff60ff40u, 0x300c0140, 0x20080140}},
      {0x80000006u, 0, {0x40802040, 0x60804040, 0x04006140, 0x0fe09140}},
  };
  const onefold_caches c = READ(hidden);
  assert_int_equal(c.l1d, 48 << 10);
  assert_int_equal(c.l2, 1 << 20);
  assert_int_equal(c.l2_cores, 0);
  assert_int_equal(c.l3, 32 << 20);
  assert_int_equal(c.l3_cores, 0);
}

static void test_nothing_known(void **state) {
  (void)state;
  static const answer nothing[] = {{0, 0, {1, 0, 0, 0}}, {0x80000000u, 0, {0x80000004u, 0, 0, 0}}};
  const onefold_caches c = READ(nothing);
  assert_int_equal(c.l1d, 0);
  assert_int_equal(c.l2, 0);
  assert_int_equal(c.l3, 0);
}

/// A cache description that never ends does not keep the reader.
static void endless(unsigned leaf, unsigned subleaf, unsigned registers[4]) {
  (void)subleaf;
  const unsigned cache[4] = {0x4121, 0x01c0003f, 0x3f, 0};
  memcpy(registers, cache, sizeof cache);
  if (leaf == 0) registers[0] = 4;
}

static void test_endless(void **state) {
  (void)state;
  assert_int_equal(onefold_caches_cpuid(endless).l1d, 32 << 10);
}

static void test_this_machine(void **state) {
  (void)state;
  const onefold_caches c = onefold_caches_assumed();
  assert_in_range(c.l1d, 4096, 16 << 20);
  assert_in_range(c.l2, c.l1d, 1 << 30);
  assert_in_range(c.l3, c.l1d, (size_t)1 << 34);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_leaf_4),     cmocka_unit_test(test_leaf_8000_001d),
      cmocka_unit_test(test_old_leaves), cmocka_unit_test(test_nothing_known),
      cmocka_unit_test(test_endless),    cmocka_unit_test(test_this_machine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
