// SPDX-License-Identifier: BSD-3-Clause
// Memory that lives as long as a report and is released at once.
#include "report/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_chunk {
  struct report_chunk *next;
  max_align_t data[];
};

void *onefold_report_alloc(report_arena *arena, size_t count, size_t size) {
  if (count == 0) return NULL;
  struct report_chunk *chunk = NULL;
  if (count <= (SIZE_MAX - sizeof *chunk) / size) {
    chunk = calloc(1, sizeof *chunk + count * size);
  }
  if (!chunk) {
    arena->failed = 1;
    return NULL;
  }
  chunk->next = arena->chunks;
  arena->chunks = chunk;
  return chunk->data;
}

const char *onefold_report_format(report_arena *arena, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  char *text = length < 0 ? NULL : onefold_report_alloc(arena, (size_t)length + 1, 1);
  if (!text) {
    arena->failed = 1;
    return "";
  }
  va_start(args, format);
  vsnprintf(text, (size_t)length + 1, format, args);
  va_end(args);
  return text;
}

void *onefold_report_push(report_arena *arena, void *items, size_t *count, size_t size) {
  const size_t n = *count;
  void *place = NULL;
  memcpy(&place, items, sizeof place);
  if ((n & (n - 1)) == 0) { // full at 0, 1, 2, 4, 8, ...
    void *moved = onefold_report_alloc(arena, n ? 2 * n : 1, size);
    if (!moved) return NULL;
    if (n) memcpy(moved, place, n * size);
    place = moved;
    memcpy(items, &place, sizeof place);
  }
  *count = n + 1;
  return (char *)place + n * size;
}

void onefold_report_release(report_arena *arena) {
  while (arena->chunks) {
    struct report_chunk *next = arena->chunks->next;
    free(arena->chunks);
    arena->chunks = next;
  }
}
