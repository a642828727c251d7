// SPDX-License-Identifier: BSD-3-Clause
// Regions of blocks. A region is a row of blocks without gaps; each begins with a header that says
// how long it is. There are few enough of them to go over them all.
#define _DEFAULT_SOURCE // madvise, MAP_ANONYMOUS

#include "arch/pool.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

// A sanitizer sees what is written past a block of malloc's, and not past one of a region.
#if defined(__SANITIZE_ADDRESS__)
#define SMALL SIZE_MAX
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMALL SIZE_MAX
#endif
#endif
#ifndef SMALL
#define SMALL ((size_t)128 << 10) // from here on malloc would map a block by itself
#endif

#define HEADER    ((size_t)64)
#define UNIT      ((size_t)4096) // blocks are multiples of it, and what is after a header begins at one
#define HUGE_PAGE ((size_t)2 << 20)
#define REGION    ((size_t)32 << 20) // bytes of one at least

typedef struct block {
  size_t size; // with the header
  int used;
} block;

typedef struct region {
  struct region *next;
  char *map;
  size_t bytes;
  char *begin, *end; // of the blocks
  size_t used;       // blocks
} region;

struct onefold_pool {
  pthread_mutex_t lock;
  region *regions; // the last made first
};

onefold_pool *onefold_pool_create(void) {
  onefold_pool *pool = calloc(1, sizeof *pool);
  if (pool && pthread_mutex_init(&pool->lock, NULL) != 0) {
    free(pool);
    return NULL;
  }
  return pool;
}

static void free_region(region *r) {
  munmap(r->map, r->bytes);
  free(r);
}

void onefold_pool_destroy(onefold_pool *pool) {
  if (!pool) return;
  for (region *next, *r = pool->regions; r; r = next) {
    next = r->next;
    free_region(r);
  }
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}

/// With one block of at least `size` bytes.
static region *make_region(size_t size) {
  size_t bytes = REGION;
  if (size > SIZE_MAX - 3 * HUGE_PAGE) return NULL;
  if (size + UNIT > bytes) bytes = (size + UNIT + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  const size_t room = bytes + HUGE_PAGE;
  region *made = malloc(sizeof *made);
  char *map = made ? mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                   : MAP_FAILED;
  if (map == MAP_FAILED) {
    free(made);
    return NULL;
  }
  const size_t before = (HUGE_PAGE - (uintptr_t)map % HUGE_PAGE) % HUGE_PAGE;
  if (before) munmap(map, before);
  map += before;
  if (room > before + bytes) munmap(map + bytes, room - before - bytes);
  *made = (region){
      .map = map, .bytes = bytes, .begin = map + UNIT - HEADER, .end = map + bytes - HEADER};
#ifdef MADV_HUGEPAGE // a refusal is no harm
  madvise(map, bytes, MADV_HUGEPAGE);
#endif
  *(block *)(void *)made->begin = (block){bytes - UNIT, 0};
  return made;
}

/// The first block that has room, after those beside each other have become one.
static block *find(const region *r, size_t size) {
  for (char *at = r->begin; at < r->end; at += ((block *)(void *)at)->size) {
    block *b = (block *)(void *)at;
    if (b->used) continue;
    for (char *next = at + b->size; next < r->end; next = at + b->size) {
      const block *after = (const block *)(const void *)next;
      if (after->used) break;
      b->size += after->size;
    }
    if (b->size >= size) return b;
  }
  return NULL;
}

static void *take(region *r, block *b, size_t size) {
  if (b->size > size) {
    *(block *)(void *)((char *)b + size) = (block){b->size - size, 0};
    b->size = size;
  }
  b->used = 1;
  r->used++;
  return (char *)b + HEADER;
}

static void *allocate_large(onefold_pool *pool, size_t size) {
  for (region *r = pool->regions; r; r = r->next) {
    block *b = find(r, size);
    if (b) return take(r, b, size);
  }
  region *made = make_region(size);
  if (!made) return NULL;
  made->next = pool->regions;
  pool->regions = made;
  return take(made, (block *)(void *)made->begin, size);
}

void *onefold_pool_allocate(onefold_pool *pool, size_t size, size_t alignment) {
  if (size < SMALL) return aligned_alloc(alignment, size);
  if (alignment > UNIT || size > SIZE_MAX - HEADER - UNIT) return NULL;
  size = (size + HEADER + UNIT - 1) / UNIT * UNIT;
  pthread_mutex_lock(&pool->lock);
  void *pointer = allocate_large(pool, size);
  pthread_mutex_unlock(&pool->lock);
  return pointer;
}

/// Zero where the pointer is in no region.
static int release_large(onefold_pool *pool, char *pointer) {
  region **r = &pool->regions, *empty = NULL;
  int others = 0; // regions that are empty
  while (*r && (pointer < (*r)->begin || pointer >= (*r)->end)) r = &(*r)->next;
  if (!*r) return 0;
  ((block *)(void *)(pointer - HEADER))->used = 0;
  if (--(*r)->used > 0) return 1;
  for (const region *k = pool->regions; k; k = k->next) others += k != *r && k->used == 0;
  if (others == 0 && (*r)->bytes == REGION) return 1;
  empty = *r;
  *r = empty->next;
  free_region(empty);
  return 1;
}

void onefold_pool_release(onefold_pool *pool, void *pointer) {
  pthread_mutex_lock(&pool->lock);
  const int large = release_large(pool, pointer);
  pthread_mutex_unlock(&pool->lock);
  if (!large) free(pointer);
}
