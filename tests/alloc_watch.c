// SPDX-License-Identifier: BSD-3-Clause
#include "tests/alloc_watch.h"

#include <stdatomic.h>
#include <stdlib.h>

// Static: the wrapped functions have no argument to carry it.
static struct { atomic_int on, calls; } watch;

static void note(void) {
  if (atomic_load(&watch.on)) atomic_fetch_add(&watch.calls, 1);
}

void test_watch_begin(void) {
  atomic_store(&watch.calls, 0);
  atomic_store(&watch.on, 1);
}

int test_watch_end(void) {
  atomic_store(&watch.on, 0);
  return atomic_load(&watch.calls);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **pointer, size_t alignment, size_t size);
void __real_free(void *pointer);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **pointer, size_t alignment, size_t size);
void __wrap_free(void *pointer);

void *__wrap_malloc(size_t size) {
  note();
  return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
  note();
  return __real_calloc(n, size);
}

void *__wrap_realloc(void *pointer, size_t size) {
  note();
  return __real_realloc(pointer, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  note();
  return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **pointer, size_t alignment, size_t size) {
  note();
  return __real_posix_memalign(pointer, alignment, size);
}

void __wrap_free(void *pointer) {
  note();
  __real_free(pointer);
}
