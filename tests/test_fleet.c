// SPDX-License-Identifier: BSD-3-Clause
// Plans of fleets: from what the ranks say of themselves to groups, cores and shares.
#include "cli/fleet_plan.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define MACHINE_A "amd-zen4,avx512,l1d=32768,cores=8"
#define MACHINE_B "arm-neoverse-n1,neon,l1d=65536,cores=8"

enum { RANKS = 12 };

typedef struct fleet_case {
  fleet_member members[RANKS];
  fleet_seat seats[RANKS];
  int32_t count;
  char why[1024];
} fleet_case;

/// A rank on a node whose cores are from first to last, four to a package.
static void add(fleet_case *c, const char *node, const char *machine, int first, int last) {
  fleet_member *m = &c->members[c->count++];
  memset(m, 0, sizeof *m);
  snprintf(m->version, sizeof m->version, "1.2.3");
  snprintf(m->node, sizeof m->node, "%s", node);
  snprintf(m->machine, sizeof m->machine, "%s", machine);
  for (int cpu = first; cpu <= last; cpu++) {
    m->cpus[cpu / 64] |= UINT64_C(1) << cpu % 64;
    m->packages |= UINT64_C(1) << cpu / 4;
    m->physical++;
  }
}

static int32_t plan(fleet_case *c, int32_t ranks_per_node) {
  memset(c->seats, 0xa5, sizeof c->seats);
  return onefold_fleet_plan(c->members, c->count, ranks_per_node, c->seats, c->why, sizeof c->why);
}

/// What is planned, one rank a row: group, root, measures, share, shares, part, parts, neighbours.
static void expect(const fleet_case *c, const int32_t rows[][8]) {
  for (int32_t i = 0; i < c->count; i++) {
    const fleet_seat *s = &c->seats[i];
    const int32_t got[8] = {s->group,  s->root, s->measures != 0, s->share,
                            s->shares, s->part, s->parts,         s->neighbours};
    for (int k = 0; k < 8; k++) {
      test_case("rank %d, number %d", (int)i, k);
      assert_int_equal(got[k], rows[i][k]);
    }
  }
}

static void refused(fleet_case *c, int32_t ranks_per_node, const char *says) {
  c->why[0] = '\0';
  assert_int_equal(plan(c, ranks_per_node), 0);
  if (!strstr(c->why, says)) fail_msg("no \"%s\" in: %s", says, c->why);
}

static void test_alone(void **state) {
  (void)state;
  fleet_case c = {.count = 0};
  add(&c, "n0", MACHINE_A, 0, 7);
  for (int32_t ranks_per_node = 0; ranks_per_node < 3; ranks_per_node++) {
    assert_int_equal(plan(&c, ranks_per_node), 1);
    expect(&c, (const int32_t[][8]){{0, 0, 1, 0, 1, 0, 1, 1}});
  }
}

/// Ranks of a node share its cores, and share the problems with the same machines elsewhere.
static void test_shares(void **state) {
  (void)state;
  fleet_case c = {.count = 0};
  for (int i = 0; i < 6; i++) add(&c, i < 3 ? "n0" : "n1", MACHINE_A, 0, 7);
  assert_int_equal(plan(&c, 3), 1);
  expect(&c, (const int32_t[][8]){{0, 0, 1, 0, 6, 0, 3, 3},
                                  {0, 0, 1, 1, 6, 1, 3, 3},
                                  {0, 0, 1, 2, 6, 2, 3, 3},
                                  {0, 0, 1, 3, 6, 0, 3, 3},
                                  {0, 0, 1, 4, 6, 1, 3, 3},
                                  {0, 0, 1, 5, 6, 2, 3, 3}});
  assert_int_equal(plan(&c, 1), 1);
  expect(&c, (const int32_t[][8]){{0, 0, 1, 0, 2, 0, 1, 1},
                                  {0, 0, 0, 0, 2, 0, 0, 0},
                                  {0, 0, 0, 0, 2, 0, 0, 0},
                                  {0, 0, 1, 1, 2, 0, 1, 1},
                                  {0, 0, 0, 0, 2, 0, 0, 0},
                                  {0, 0, 0, 0, 2, 0, 0, 0}});
}

/// Not said, one for each package that the ranks of a node may use between them.
static void test_packages(void **state) {
  (void)state;
  fleet_case c = {.count = 0};
  for (int i = 0; i < 4; i++) add(&c, "n0", MACHINE_A, 0, 7);
  assert_int_equal(plan(&c, 0), 1);
  for (int i = 0; i < 4; i++) assert_int_equal(c.seats[i].measures != 0, i < 2);
  c.count = 0;
  for (int i = 0; i < 4; i++) add(&c, "n0", MACHINE_A, 4, 7);
  assert_int_equal(plan(&c, 0), 1);
  for (int i = 0; i < 4; i++) assert_int_equal(c.seats[i].measures != 0, i < 1);
  c.count = 0;
  for (int i = 0; i < 4; i++) add(&c, "n0", MACHINE_A, 2 * i, 2 * i + 1); // bound by mpirun
  assert_int_equal(plan(&c, 0), 1);
  expect(&c, (const int32_t[][8]){{0, 0, 1, 0, 2, 0, 1, 2},
                                  {0, 0, 1, 1, 2, 0, 1, 2},
                                  {0, 0, 0, 0, 2, 0, 0, 0},
                                  {0, 0, 0, 0, 2, 0, 0, 0}});
}

/// Machines of one fingerprint are a group, in whatever order they come.
static void test_groups(void **state) {
  (void)state;
  fleet_case c = {.count = 0};
  add(&c, "n0", MACHINE_A, 0, 7);
  add(&c, "n1", MACHINE_B, 0, 7);
  add(&c, "n2", MACHINE_A, 0, 7);
  add(&c, "n3", MACHINE_B ",packages=2", 0, 7);
  add(&c, "n4", MACHINE_B, 0, 7);
  add(&c, "n1", MACHINE_B, 0, 7);
  assert_int_equal(plan(&c, 2), 3);
  expect(&c, (const int32_t[][8]){{0, 0, 1, 0, 2, 0, 1, 1},
                                  {1, 1, 1, 0, 3, 0, 2, 2},
                                  {0, 0, 1, 1, 2, 0, 1, 1},
                                  {2, 3, 1, 0, 1, 0, 1, 1},
                                  {1, 1, 1, 1, 3, 0, 1, 1},
                                  {1, 1, 1, 2, 3, 1, 2, 2}});
}

/// Ranks of one node, of which one is held to a lower level: the root is a rank that measures.
static void test_levels_on_a_node(void **state) {
  (void)state;
  fleet_case c = {.count = 0};
  add(&c, "n0", MACHINE_A, 0, 7);
  add(&c, "n0", "amd-zen4,avx2,l1d=32768,cores=8", 0, 7);
  assert_int_equal(plan(&c, 2), 2);
  expect(&c, (const int32_t[][8]){{0, 0, 1, 0, 1, 0, 2, 2}, {1, 1, 1, 0, 1, 1, 2, 2}});
  refused(&c, 1, "no rank measures on machines such as rank 1's (amd-zen4,avx2,");
  add(&c, "n1", "amd-zen4,avx2,l1d=32768,cores=8", 0, 7);
  assert_int_equal(plan(&c, 1), 2);
  expect(&c, (const int32_t[][8]){
                 {0, 0, 1, 0, 1, 0, 1, 1}, {1, 2, 0, 0, 1, 0, 0, 0}, {1, 2, 1, 0, 1, 0, 1, 1}});
}

/// Masks that differ are kept where they are apart, and mixed with equal ones.
static void test_masks(void **state) {
  (void)state;
  fleet_case c = {.count = 0};
  add(&c, "n0", MACHINE_A, 0, 3);
  add(&c, "n0", MACHINE_A, 4, 7);
  add(&c, "n0", MACHINE_A, 0, 3);
  assert_int_equal(plan(&c, 3), 1);
  expect(&c, (const int32_t[][8]){
                 {0, 0, 1, 0, 3, 0, 2, 3}, {0, 0, 1, 1, 3, 0, 1, 3}, {0, 0, 1, 2, 3, 1, 2, 3}});
  add(&c, "n0", MACHINE_A, 3, 4);
  assert_int_equal(plan(&c, 3), 1); // it idles
  refused(&c, 4, "ranks 0 and 3 on n0 may use the cores 0-3 and 3-4, which are neither");
}

static void test_mistakes(void **state) {
  (void)state;
  fleet_case c = {.count = 0};
  for (int i = 0; i < 3; i++) add(&c, "n0", MACHINE_A, 2, 3);
  refused(&c, 3, "3 ranks would measure on 2 cores of n0 (2-3): give --ranks-per-node=2 at most");
  assert_int_equal(plan(&c, 2), 1);
  snprintf(c.members[2].version, sizeof c.members[2].version, "1.2.4");
  refused(&c, 2, "rank 2 on n0 runs onefold 1.2.4, rank 0 runs 1.2.3");
}

static void test_cpus(void **state) {
  (void)state;
  uint64_t cpus[ONEFOLD_CPU_WORDS] = {0xf};
  char text[64], small[12];
  assert_string_equal(onefold_fleet_cpus(cpus, text, sizeof text), "0-3");
  cpus[0] |= UINT64_C(1) << 63;
  cpus[1] = 1;
  cpus[ONEFOLD_CPU_WORDS - 1] = UINT64_C(1) << 63;
  assert_string_equal(onefold_fleet_cpus(cpus, text, sizeof text), "0-3,63-64,4095");
  assert_string_equal(onefold_fleet_cpus(cpus, small, sizeof small), "0-3,...");
  memset(cpus, 0, sizeof cpus);
  assert_string_equal(onefold_fleet_cpus(cpus, text, sizeof text), "");
}

static void test_paths(void **state) {
  (void)state;
  char a[256], b[256], small[8];
  assert_int_equal(onefold_fleet_path("/r/t.db", MACHINE_A, a, sizeof a), 7);
  assert_string_equal(a, "/r/t.db");
  const size_t length = onefold_fleet_path("/r/%m/t-%m.db", MACHINE_A, a, sizeof a);
  assert_int_equal(length, strlen(a));
  assert_memory_equal(a, "/r/amd-zen4-avx512-", 19);
  assert_int_equal(strspn(a + 19, "0123456789abcdef"), 8);
  assert_memory_equal(a + 27, "/t-amd-zen4-avx512-", 19);
  assert_memory_equal(a + 46, a + 19, 8);
  assert_string_equal(a + 54, ".db");
  // Caches alone tell two machines apart, and nothing in a fingerprint leaves the directory.
  onefold_fleet_path("%m", "amd-zen4,avx512,l1d=1", a, sizeof a);
  onefold_fleet_path("%m", "amd-zen4,avx512,l1d=2", b, sizeof b);
  assert_string_not_equal(a, b);
  onefold_fleet_path("%m", "../x y", a, sizeof a);
  assert_memory_equal(a, "---x-y-", 7);
  assert_true(onefold_fleet_path("%m.db", MACHINE_A, small, sizeof small) > sizeof small);
  assert_string_equal(small, "amd-zen");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_alone),
      cmocka_unit_test(test_shares),
      cmocka_unit_test(test_packages),
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_levels_on_a_node),
      cmocka_unit_test(test_masks),
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_cpus),
      cmocka_unit_test(test_paths),
  };
  return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
