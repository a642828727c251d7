// SPDX-License-Identifier: BSD-3-Clause
// The affinity mask, cut into sets of whole cores, and threads bound to them.
#include "arch/binding.h"
#include "tests/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { WORDS = ONEFOLD_CPU_WORDS };

/// A machine of packages x cores x siblings; siblings are numbered as Linux does: after all first
/// ones.
typedef struct made_machine {
  onefold_core cores[256];
  size_t count;
} made_machine;

static made_machine make(int packages, int cores, int siblings) {
  made_machine m = {.count = 0};
  for (int p = 0; p < packages; p++) {
    for (int c = 0; c < cores; c++) {
      for (int s = 0; s < siblings; s++) {
        const int core = p * cores + c;
        m.cores[m.count++] = (onefold_core){core + s * packages * cores, core, p};
      }
    }
  }
  return m;
}

static void mask_of(uint64_t *mask, int first, int last) {
  for (int cpu = first; cpu <= last; cpu++) mask[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

static int32_t ones(const uint64_t *cpus) {
  int32_t count = 0;
  for (int i = 0; i < WORDS; i++) count += __builtin_popcountll(cpus[i]);
  return count;
}

/// All sets of a mask: apart, together the mask, of even sizes, and siblings never parted.
static void check(const made_machine *m, const uint64_t *mask, int32_t parts) {
  uint64_t seen[WORDS] = {0};
  int32_t least = INT32_MAX, most = 0;
  for (int32_t part = 0; part < parts; part++) {
    onefold_cores set;
    memset(&set, 0xa5, sizeof set);
    test_case("part %d of %d", (int)part, (int)parts);
    assert_int_equal(onefold_cores_cut(m->cores, m->count, mask, part, parts, &set), ONEFOLD_OK);
    assert_int_equal(ones(set.cpus), set.logical);
    for (int i = 0; i < WORDS; i++) {
      assert_true((seen[i] & set.cpus[i]) == 0);
      seen[i] |= set.cpus[i];
    }
    least = set.physical < least ? set.physical : least;
    most = set.physical > most ? set.physical : most;
    int32_t last = -1, physical = 0;
    for (size_t c = 0; c < m->count; c++) {
      const int32_t cpu = m->cores[c].cpu;
      if (!(mask[cpu / 64] >> cpu % 64 & 1)) continue;
      const int in = set.cpus[cpu / 64] >> cpu % 64 & 1;
      if (in && m->cores[c].core != last) physical++;
      if (!in) assert_int_not_equal(m->cores[c].core, last);
      if (in) last = m->cores[c].core;
    }
    assert_int_equal(physical, set.physical);
  }
  assert_memory_equal(seen, mask, sizeof seen);
  assert_true(least >= 1 && most - least <= 1);
}

static void test_all_cuts(void **state) {
  (void)state;
  static const int shapes[][3] = {{1, 1, 1}, {1, 2, 1},  {1, 3, 2},
                                  {2, 4, 2}, {4, 16, 2}, {2, 5, 4}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const made_machine m = make(shapes[i][0], shapes[i][1], shapes[i][2]);
    const int physical = shapes[i][0] * shapes[i][1];
    uint64_t mask[WORDS] = {0};
    mask_of(mask, 0, (int)m.count - 1);
    for (int32_t parts = 1; parts <= physical; parts++) check(&m, mask, parts);
    onefold_cores set;
    assert_int_equal(onefold_cores_cut(m.cores, m.count, mask, 0, physical + 1, &set),
                     ONEFOLD_INVALID_ARGUMENT);
  }
}

/// As many parts as packages: a package each.
static void test_packages(void **state) {
  (void)state;
  const made_machine m = make(4, 6, 2);
  uint64_t mask[WORDS] = {0};
  mask_of(mask, 0, 47);
  for (int32_t part = 0; part < 4; part++) {
    onefold_cores set;
    assert_int_equal(onefold_cores_cut(m.cores, m.count, mask, part, 4, &set), ONEFOLD_OK);
    assert_int_equal(set.packages, 1 << part);
    assert_int_equal(set.physical, 6);
    assert_int_equal(set.logical, 12);
  }
}

/// The same where a package has the number of its first core.
static void test_sparse_packages(void **state) {
  (void)state;
  made_machine m = make(4, 64, 1);
  uint64_t mask[WORDS] = {0};
  mask_of(mask, 0, 255);
  for (size_t i = 0; i < m.count; i++) m.cores[i].package *= 64;
  for (int32_t part = 0; part < 4; part++) {
    onefold_cores set;
    assert_int_equal(onefold_cores_cut(m.cores, m.count, mask, part, 4, &set), ONEFOLD_OK);
    assert_int_equal(set.packages, 1 << part);
    assert_int_equal(set.logical, 64);
  }
}

/// Masks that leave siblings or whole packages out, and cores that the machine does not name.
static void test_masks(void **state) {
  (void)state;
  const made_machine m = make(2, 4, 2); // 0-3 with 8-11, and 4-7 with 12-15
  onefold_cores set;
  uint64_t mask[WORDS] = {0};
  mask_of(mask, 2, 5);
  mask_of(mask, 10, 10);
  for (int32_t parts = 1; parts <= 4; parts++) check(&m, mask, parts);
  assert_int_equal(onefold_cores_cut(m.cores, m.count, mask, 0, 2, &set), ONEFOLD_OK);
  assert_int_equal(set.cpus[0], 1 << 2 | 1 << 3 | 1 << 10);
  assert_int_equal(set.packages, 1);
  assert_int_equal(onefold_cores_cut(m.cores, m.count, mask, 0, 1, &set), ONEFOLD_OK);
  assert_int_equal(set.packages, 3);

  mask_of(mask, 4000, 4000);
  assert_int_equal(onefold_cores_cut(m.cores, m.count, mask, 4, 5, &set), ONEFOLD_OK);
  assert_int_equal(set.logical, 1);
  assert_true(set.cpus[4000 / 64] == UINT64_C(1) << 4000 % 64);
}

static void test_mistakes(void **state) {
  (void)state;
  const made_machine m = make(1, 4, 1);
  uint64_t mask[WORDS] = {15};
  static const uint64_t none[WORDS] = {0};
  onefold_cores set = {.struct_size = sizeof set};
  static const int32_t wrong[][2] = {{0, 0}, {-1, 2}, {2, 2}, {0, -1}, {0, INT32_MAX}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_int_equal(onefold_cores_cut(m.cores, m.count, mask, wrong[i][0], wrong[i][1], &set),
                     ONEFOLD_INVALID_ARGUMENT);
    assert_int_equal(onefold_machine_cut(wrong[i][0], wrong[i][1], &set), ONEFOLD_INVALID_ARGUMENT);
  }
  assert_int_equal(onefold_cores_cut(m.cores, m.count, none, 0, 1, &set), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_machine_cut(0, 1, NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_machine_bind(NULL), ONEFOLD_INVALID_ARGUMENT);
  set.struct_size = sizeof set - 1;
  assert_int_equal(onefold_machine_cut(0, 1, &set), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_machine_bind(&set), ONEFOLD_INVALID_ARGUMENT);
}

/// Cores as the kernel has them for this thread.
static void kernel_mask(uint64_t *mask) {
  cpu_set_t set;
  memset(mask, 0, WORDS * sizeof *mask);
  assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) mask_of(mask, cpu, cpu);
  }
}

/// Binds to the last physical core and tries to leave it: 0, or the step that failed.
static int bind_to_last(void) {
  onefold_cores all = {.struct_size = sizeof all}, last = all, none = all;
  uint64_t now[WORDS];
  if (onefold_machine_cut(0, 1, &all)) return 2;
  if (onefold_machine_cut(all.physical - 1, all.physical, &last)) return 3;
  if (last.physical != 1 || onefold_machine_bind(&last)) return 4;
  kernel_mask(now);
  if (memcmp(now, last.cpus, sizeof now) != 0) return 5;
  // The mask is what it was bound to, and is not left again.
  if (onefold_machine_bind(&all) != (all.physical > 1 ? ONEFOLD_INVALID_ARGUMENT : ONEFOLD_OK))
    return 6;
  if (onefold_machine_bind(&none) != ONEFOLD_INVALID_ARGUMENT) return 7;
  kernel_mask(now);
  if (memcmp(now, last.cpus, sizeof now) != 0) return 8;
  if (onefold_machine_cut(0, 1, &all) || all.physical != 1) return 9;
  return memcmp(now, all.cpus, sizeof now) == 0 ? 0 : 10;
}

static void *bound_thread(void *step) {
  *(int *)step = bind_to_last();
  return NULL;
}

static void test_bind(void **state) {
  (void)state;
  onefold_cores all = {.struct_size = sizeof all};
  uint64_t before[WORDS], after[WORDS];
  kernel_mask(before);
  assert_int_equal(onefold_machine_cut(0, 1, &all), ONEFOLD_OK);
  assert_memory_equal(all.cpus, before, sizeof before);
  assert_int_equal(all.logical, ones(before));

  pthread_t thread;
  int step = 1;
  assert_int_equal(pthread_create(&thread, NULL, bound_thread, &step), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(step, 0);
  kernel_mask(after);
  assert_memory_equal(after, before, sizeof after);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_cuts), cmocka_unit_test(test_packages),
      cmocka_unit_test(test_masks),    cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_bind),     cmocka_unit_test(test_sparse_packages),
  };
  return cmocka_run_group_tests_name("binding", tests, NULL, NULL);
}
