// SPDX-License-Identifier: BSD-3-Clause
// Memory between two pages that cannot be touched.
#include "tests/support.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATTERN = 0xA5, PATTERN_BYTES = 256 };

void test_guard_create(test_guard *guard, size_t capacity_bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t inner = (capacity_bytes + PATTERN_BYTES + page - 1) / page * page;

  memset(guard, 0, sizeof(*guard));
  guard->map_bytes = inner + 2 * page;
  void *map = mmap(NULL, guard->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(map != MAP_FAILED);
  guard->map = map;
  guard->begin = guard->map + page;
  guard->end = guard->begin + inner;
  assert_int_equal(mprotect(guard->begin, inner, PROT_READ | PROT_WRITE), 0);
}

void test_guard_destroy(test_guard *guard) {
  if (guard->map) munmap(guard->map, guard->map_bytes);
  memset(guard, 0, sizeof(*guard));
}

float *test_guard_place(test_guard *guard, size_t n, test_side side) {
  const size_t bytes = n * sizeof(float);
  if (bytes + PATTERN_BYTES > (size_t)(guard->end - guard->begin)) {
    test_failed("a guarded buffer is too small for %zu floats", n);
  }
  guard->bytes = bytes;
  if (side == TEST_ENDS_AT_GUARD) {
    guard->data = guard->end - bytes;
    memset(guard->data - PATTERN_BYTES, PATTERN, PATTERN_BYTES);
  } else {
    guard->data = guard->begin;
    memset(guard->data + bytes, PATTERN, PATTERN_BYTES);
  }
  float *data = (float *)(void *)guard->data;
  for (size_t i = 0; i < n; i++) data[i] = NAN;
  return data;
}

int test_guard_intact(const test_guard *guard) {
  const unsigned char *open =
      guard->data == guard->begin ? guard->data + guard->bytes : guard->data - PATTERN_BYTES;
  for (size_t i = 0; i < PATTERN_BYTES; i++) {
    if (open[i] != PATTERN) return 0;
  }
  return 1;
}
