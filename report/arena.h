// SPDX-License-Identifier: BSD-3-Clause
// Memory that lives as long as a report and is released at once.
#ifndef ONEFOLD_REPORT_ARENA_H
#define ONEFOLD_REPORT_ARENA_H

#include <stddef.h>

/// Zero to begin with. Where memory ends, `failed` stays set and what was made is not to be used.
typedef struct report_arena {
  struct report_chunk *chunks;
  int failed;
} report_arena;

/// `count` zeroed objects; NULL without memory, and where count is 0.
void *onefold_report_alloc(report_arena *arena, size_t count, size_t size);

/// The text; "" without memory.
const char *onefold_report_format(report_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// Room for one more of `size` bytes behind *count objects at *items, which may move: the new one,
/// zeroed and counted; NULL without memory.
void *onefold_report_push(report_arena *arena, void *items, size_t *count, size_t size);

void onefold_report_release(report_arena *arena);

#endif
