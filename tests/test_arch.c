// SPDX-License-Identifier: BSD-3-Clause
// ISA levels for every feature mask, the caps, the affinity mask, the OpenMP
// loop and the machine query. CPU quotas are in test_cgroup.c.
#include "arch/cores.h"
#include "arch/isa.h"
#include "arch/threads.h"
#include "tests/support.h"

#include <onefold/machine.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define ALL_BITS 128u // masks of the seven feature bits

static const uint32_t avx2_bits = ONEFOLD_CPU_AVX2 | ONEFOLD_CPU_FMA;
static const uint32_t avx512_bits = ONEFOLD_CPU_AVX2 | ONEFOLD_CPU_FMA | ONEFOLD_CPU_AVX512F |
                                    ONEFOLD_CPU_AVX512BW | ONEFOLD_CPU_AVX512DQ |
                                    ONEFOLD_CPU_AVX512VL;

static void test_level_bits(void **state) {
  (void)state;
  assert_int_equal(onefold_isa_features(ONEFOLD_ISA_REF), 0);
  assert_int_equal(onefold_isa_features(ONEFOLD_ISA_AVX2), avx2_bits);
  assert_int_equal(onefold_isa_features(ONEFOLD_ISA_AVX512), avx512_bits);
  assert_int_equal(onefold_isa_features(ONEFOLD_ISA_NEON), ONEFOLD_CPU_NEON);
}

static void test_best_of_every_mask(void **state) {
  (void)state;
  for (uint32_t mask = 0; mask < ALL_BITS; mask++) {
    onefold_isa want = ONEFOLD_ISA_REF;
    if (mask & ONEFOLD_CPU_NEON) want = ONEFOLD_ISA_NEON;
    if ((mask & avx2_bits) == avx2_bits) want = ONEFOLD_ISA_AVX2;
    if ((mask & avx512_bits) == avx512_bits) want = ONEFOLD_ISA_AVX512;
    // No CPU has both families; such a mask must only give a level that it holds in full.
    if ((mask & ONEFOLD_CPU_NEON) && (mask & avx512_bits)) {
      const uint32_t bits = onefold_isa_features(onefold_isa_best(mask));
      assert_int_equal(mask & bits, bits);
    } else {
      assert_int_equal(onefold_isa_best(mask), want);
    }
  }
}

static void test_one_bit_missing(void **state) {
  (void)state;
  for (uint32_t bit = 1; bit < ALL_BITS; bit <<= 1) {
    if (!(avx512_bits & bit)) continue;
    const onefold_isa want = avx2_bits & bit ? ONEFOLD_ISA_REF : ONEFOLD_ISA_AVX2;
    assert_int_equal(onefold_isa_best(avx512_bits & ~bit), want);
  }
}

static void test_feature_names(void **state) {
  (void)state;
  for (uint32_t a = 1; a < ALL_BITS; a <<= 1) {
    assert_string_not_equal(onefold_cpu_feature_name(a), "?");
    for (uint32_t b = a << 1; b < ALL_BITS; b <<= 1) {
      assert_string_not_equal(onefold_cpu_feature_name(a), onefold_cpu_feature_name(b));
    }
  }
  assert_string_equal(onefold_cpu_feature_name(ALL_BITS), "?");
  assert_string_equal(onefold_cpu_feature_name(ONEFOLD_CPU_AVX512BW), "avx512bw");
}

static void test_cap(void **state) {
  (void)state;
  enum { REF = ONEFOLD_ISA_REF, AVX2 = ONEFOLD_ISA_AVX2, AVX512 = ONEFOLD_ISA_AVX512 };
  enum { NEON = ONEFOLD_ISA_NEON };
  static const int want[ONEFOLD_ISA_COUNT][ONEFOLD_ISA_COUNT] = {
      [REF] = {REF, REF, REF, REF},
      [AVX2] = {REF, AVX2, AVX2, REF},
      [AVX512] = {REF, AVX2, AVX512, REF},
      [NEON] = {REF, REF, REF, NEON},
  };
  for (int isa = 0; isa < ONEFOLD_ISA_COUNT; isa++) {
    for (int cap = 0; cap < ONEFOLD_ISA_COUNT; cap++) {
      assert_int_equal(onefold_isa_cap((onefold_isa)isa, (onefold_isa)cap), want[isa][cap]);
    }
    assert_int_equal(onefold_isa_cap((onefold_isa)isa, (onefold_isa)9), REF);
    assert_int_equal(onefold_isa_cap((onefold_isa)9, (onefold_isa)isa), REF);
  }
}

static void test_parse(void **state) {
  (void)state;
  onefold_isa isa;
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    assert_true(onefold_isa_parse(onefold_isa_name((onefold_isa)i), &isa));
    assert_int_equal(isa, i);
  }
  static const char *const bad[] = {"", "AVX2", "avx", "avx2 ", "avx5122", "sse"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    isa = ONEFOLD_ISA_NEON;
    assert_false(onefold_isa_parse(bad[i], &isa));
    assert_int_equal(isa, ONEFOLD_ISA_NEON);
  }
}

static void test_environment_only_lowers(void **state) {
  (void)state;
  const char *before = getenv("ONEFOLD_MAX_ISA");
  char *saved = before ? strdup(before) : NULL;
  for (int isa = 0; isa < ONEFOLD_ISA_COUNT; isa++) {
    const char *unknown = "untouched";
    unsetenv("ONEFOLD_MAX_ISA");
    assert_int_equal(onefold_isa_cap_environment((onefold_isa)isa, &unknown), isa);
    assert_null(unknown);
    for (int cap = 0; cap < ONEFOLD_ISA_COUNT; cap++) {
      setenv("ONEFOLD_MAX_ISA", onefold_isa_name((onefold_isa)cap), 1);
      assert_int_equal(onefold_isa_cap_environment((onefold_isa)isa, &unknown),
                       onefold_isa_cap((onefold_isa)isa, (onefold_isa)cap));
      assert_null(unknown);
    }
    setenv("ONEFOLD_MAX_ISA", "avx1024", 1);
    assert_int_equal(onefold_isa_cap_environment((onefold_isa)isa, &unknown), isa);
    assert_string_equal(unknown, "avx1024");
    assert_int_equal(onefold_isa_cap_environment((onefold_isa)isa, NULL), isa);
  }
  if (saved) setenv("ONEFOLD_MAX_ISA", saved, 1);
  if (!saved) unsetenv("ONEFOLD_MAX_ISA");
  free(saved);
}

static void test_detected_features(void **state) {
  (void)state;
  const uint32_t features = onefold_cpu_features();
  assert_true(features < ALL_BITS);
#if defined(__aarch64__)
  assert_int_equal(features, ONEFOLD_CPU_NEON);
#else
  assert_false(features & ONEFOLD_CPU_NEON);
#endif
}

/// Binds the calling thread to one CPU; 0 when the cores are then 1, else the step that failed.
static int bound_to_one_cpu(void) {
  cpu_set_t mask, one;
  if (sched_getaffinity(0, sizeof mask, &mask)) return 2;
  int last = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &mask)) last = cpu;
  }
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  if (sched_setaffinity(0, sizeof one, &one)) return 3;
  if (onefold_cores_allowed() != 1 || onefold_cores_usable() != 1) return 4;
  onefold_machine machine;
  if (onefold_machine_query(&machine)) return 5;
  if (machine.allowed_cores != 1 || machine.usable_cores != 1) return 6;
  return atoi(machine.affinity) == last && !strpbrk(machine.affinity, ",-") ? 0 : 7;
}

static void *bound_thread(void *step) {
  *(int *)step = bound_to_one_cpu();
  return NULL;
}

static void test_affinity(void **state) {
  (void)state;
  if (onefold_threads_places()) skip(); // OMP_PROC_BIND: masks are OpenMP's
  cpu_set_t mask;
  assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
  assert_int_equal(onefold_cores_allowed(), CPU_COUNT(&mask));

  // The mask belongs to the thread: this one's stays.
  pthread_t thread;
  int step = 1;
  assert_int_equal(pthread_create(&thread, NULL, bound_thread, &step), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(step, 0);
  assert_int_equal(onefold_cores_allowed(), CPU_COUNT(&mask));
}

static void count_visit(void *arg, size_t index) {
  ((unsigned char *)arg)[index]++;
}

static void test_openmp_visits_each_once(void **state) {
  (void)state;
  static const int threads[] = {-1, 0, 1, 2, 3, 7, 1000};
  static const size_t sizes[] = {0, 1, 2, 3, 100};
  for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
      unsigned char visits[101] = {0};
      onefold_threads_openmp(threads[t], count_visit, visits, sizes[s]);
      for (size_t i = 0; i < sizeof visits; i++) assert_int_equal(visits[i], i < sizes[s]);
    }
  }
}

typedef struct inner_loop {
  int threads;
  unsigned char visits[2][8];
} inner_loop;

/// A task of a team's loop that starts a loop of its own.
static void visit_inside(void *arg, size_t index) {
  inner_loop *inner = arg;
  onefold_threads_openmp(inner->threads, count_visit, inner->visits[index], 8);
}

typedef struct together {
  int threads, calls;
  unsigned char visits[101];
} together;

/// Loops one after the other, of which some have fewer indices than the team has threads.
static void loops_together(void *arg) {
  static const size_t sizes[] = {100, 1, 0, 2, 3, 100, 7, 100};
  together *t = arg;
  t->calls++;
  for (int turn = 0; turn < 50; turn++) {
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
      memset(t->visits, 0, sizeof t->visits);
      onefold_threads_openmp(t->threads, count_visit, t->visits, sizes[s]);
      for (size_t i = 0; i < sizeof t->visits; i++) assert_int_equal(t->visits[i], i < sizes[s]);
    }
  }
  inner_loop inner = {.threads = t->threads};
  onefold_threads_openmp(t->threads, visit_inside, &inner, 2);
  for (size_t i = 0; i < sizeof inner.visits; i++) assert_int_equal(inner.visits[i / 8][i % 8], 1);
  if (t->calls == 1) onefold_threads_together(t->threads, loops_together, t);
}

static void test_together_visits_each_once(void **state) {
  (void)state;
  static const int threads[] = {-1, 0, 1, 2, 3, 7};
  for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
    together t = {.threads = threads[i]};
    onefold_threads_together(threads[i], loops_together, &t);
    assert_int_equal(t.calls, 2);
  }
}

static void test_machine_query(void **state) {
  (void)state;
  assert_int_equal(onefold_machine_query(NULL), ONEFOLD_INVALID_ARGUMENT);
  onefold_machine m;
  memset(&m, 0xa5, sizeof m);
  assert_int_equal(onefold_machine_query(&m), ONEFOLD_OK);

  assert_int_equal(m.isa, onefold_isa_best(onefold_cpu_features()));
  assert_int_equal(m.capped_isa, onefold_isa_cap_environment(m.isa, NULL));
  for (uint32_t bit = 1; bit < ALL_BITS; bit <<= 1) {
    const int listed = strstr(m.features, onefold_cpu_feature_name(bit)) != NULL;
    assert_int_equal(listed, (onefold_cpu_features() & bit) != 0);
  }
  assert_in_range(m.logical_cores, 1, 1 << 20);
  assert_in_range(m.physical_cores, 1, m.logical_cores);
  assert_in_range(m.packages, 1, m.physical_cores);
  assert_true(m.numa_nodes >= 0);
  assert_in_range(m.allowed_cores, 1, m.logical_cores);
  assert_in_range(m.usable_cores, 1, m.allowed_cores);
  assert_true(m.cpu_quota >= 0 && m.load >= 0);
  // A virtual machine may hide its caches; where they are known they are ordered.
  if (m.l1d_bytes && m.l2_bytes) assert_in_range(m.l1d_bytes, 4096, m.l2_bytes);
  if (m.l2_bytes) assert_in_range(m.l2_cores, 1, m.logical_cores);
  if (m.l3_bytes) assert_in_range(m.l3_cores, 1, m.logical_cores);
  assert_true(m.memory_bytes > 1 << 20);
  assert_true(m.affinity[0] >= '0' && m.affinity[0] <= '9');
  assert_non_null(memchr(m.cpu, 0, sizeof m.cpu));
  assert_non_null(memchr(m.vendor, 0, sizeof m.vendor));
  assert_non_null(memchr(m.governor, 0, sizeof m.governor));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_level_bits),
      cmocka_unit_test(test_best_of_every_mask),
      cmocka_unit_test(test_one_bit_missing),
      cmocka_unit_test(test_feature_names),
      cmocka_unit_test(test_cap),
      cmocka_unit_test(test_parse),
      cmocka_unit_test(test_environment_only_lowers),
      cmocka_unit_test(test_detected_features),
      cmocka_unit_test(test_affinity),
      cmocka_unit_test(test_openmp_visits_each_once),
      cmocka_unit_test(test_together_visits_each_once),
      cmocka_unit_test(test_machine_query),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
