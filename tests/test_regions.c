// SPDX-License-Identifier: BSD-3-Clause
// The pool that large blocks of a context come from.
#include "arch/pool.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

typedef struct piece {
  unsigned char *bytes;
  size_t size;
  unsigned char fill;
} piece;

static void put(onefold_pool *pool, piece *p, size_t size, unsigned char fill) {
  *p = (piece){onefold_pool_allocate(pool, size, 64), size, fill};
  assert_non_null(p->bytes);
  assert_int_equal((uintptr_t)p->bytes % 64, 0);
  memset(p->bytes, fill, size);
}

static void check(const piece *p) {
  for (size_t i = 0; i < p->size; i++)
    if (p->bytes[i] != p->fill) test_failed("byte %zu of %zu was overwritten", i, p->size);
}

/// A pool, and what the random order of one of its users begins with.
typedef struct churning {
  onefold_pool *pool;
  uint64_t seed;
} churning;

/// Blocks of all sizes, taken and released in random order: none overlaps another.
static void *churn(void *user) {
  const churning *c = user;
  onefold_pool *pool = c->pool;
  test_rng rng = {c->seed};
  piece pieces[24] = {{0}};
  const int turns = test_scaled(400);
  for (int turn = 0; turn < turns; turn++) {
    piece *p = &test_pick(&rng, pieces);
    if (p->bytes) check(p);
    if (p->bytes) onefold_pool_release(pool, p->bytes);
    const size_t most = test_once_in(&rng, 20) ? 40 * MIB : test_once_in(&rng, 2) ? MIB : 4 * KIB;
    put(pool, p, (size_t)test_range(&rng, 1, (int64_t)(most / 64)) * 64, (unsigned char)turn);
  }
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    if (pieces[i].bytes) {
      check(&pieces[i]);
      onefold_pool_release(pool, pieces[i].bytes);
    }
  return NULL;
}

static void test_churn(void **state) {
  (void)state;
  onefold_pool *pool = onefold_pool_create();
  assert_non_null(pool);
  churn(&(churning){pool, 1});
  onefold_pool_destroy(pool);
}

static void test_threads(void **state) {
  (void)state;
  onefold_pool *pool = onefold_pool_create();
  pthread_t threads[3];
  churning users[3] = {{pool, 2}, {pool, 3}, {pool, 4}};
  assert_non_null(pool);
  for (int i = 0; i < 3; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, churn, &users[i]), 0);
  for (int i = 0; i < 3; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  onefold_pool_destroy(pool);
}

/// What is released beside each other is one block again, and used before new memory.
static void test_reuse(void **state) {
  (void)state;
  if (TEST_ASAN) skip(); // blocks are malloc's
  onefold_pool *pool = onefold_pool_create();
  assert_non_null(pool);
  piece a, b, c, d;
  put(pool, &a, 4 * MIB, 1);
  put(pool, &b, 4 * MIB, 2);
  put(pool, &c, 4 * MIB, 3);
  onefold_pool_release(pool, a.bytes);
  onefold_pool_release(pool, b.bytes);
  put(pool, &d, 8 * MIB, 4);
  assert_ptr_equal(d.bytes, a.bytes);
  check(&c);
  // An empty region is kept for what comes next.
  onefold_pool_release(pool, c.bytes);
  onefold_pool_release(pool, d.bytes);
  put(pool, &d, 16 * MIB, 5);
  assert_ptr_equal(d.bytes, a.bytes);
  onefold_pool_release(pool, d.bytes);
  onefold_pool_destroy(pool);
}

static void test_limits(void **state) {
  (void)state;
  onefold_pool *pool = onefold_pool_create();
  assert_non_null(pool);
  static const size_t sizes[] = {SIZE_MAX / 64 * 64, SIZE_MAX / 2 / 64 * 64, (size_t)1 << 60};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !TEST_ASAN; i++) // which ends the process
    assert_null(onefold_pool_allocate(pool, sizes[i], 64));
  piece p;
  put(pool, &p, 32 * MIB - 4 * KIB, 1); // as much as a region of the usual size has, and more
  onefold_pool_release(pool, p.bytes);
  put(pool, &p, 32 * MIB, 1);
  onefold_pool_release(pool, p.bytes);
  onefold_pool_destroy(pool);
  onefold_pool_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_churn), cmocka_unit_test(test_threads),
                                     cmocka_unit_test(test_reuse), cmocka_unit_test(test_limits)};
  return cmocka_run_group_tests_name("regions", tests, NULL, NULL);
}
