// SPDX-License-Identifier: BSD-3-Clause
// Streams of choices, contexts with bounded memory, and checks.
#include "tests/fuzz/fuzz.h"

#include "tests/support.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t fuzz_byte(fuzz_stream *stream) {
  if (stream->left == 0) return 0;
  stream->left--;
  return *stream->at++;
}

int64_t fuzz_between(fuzz_stream *stream, int64_t low, int64_t high) {
  return low + fuzz_byte(stream) % (high - low + 1);
}

int64_t fuzz_any_size(fuzz_stream *stream) {
  static const int64_t sizes[] = {0,
                                  1,
                                  2,
                                  3,
                                  5,
                                  16,
                                  17,
                                  100,
                                  4096,
                                  -1,
                                  -2,
                                  -100,
                                  INT32_MAX,
                                  INT64_C(1) << 31,
                                  INT64_C(1) << 32,
                                  INT64_C(1) << 40,
                                  INT64_C(1) << 61,
                                  INT64_C(1) << 62,
                                  INT64_MAX - 1,
                                  INT64_MAX,
                                  INT64_MIN,
                                  INT64_MIN + 1,
                                  INT32_MIN};
  return sizes[fuzz_byte(stream) % (sizeof sizes / sizeof *sizes)];
}

// libFuzzer runs one input at a time.
static struct {
  size_t held, limit;
  unsigned calls, failing;
} memory;

static void *allocate(void *user, size_t size, size_t alignment) {
  (void)user;
  memory.calls++;
  if (memory.failing && memory.calls >= memory.failing) return NULL;
  if (size > memory.limit || memory.held > memory.limit - size) return NULL;
  void *pointer = aligned_alloc(alignment, size);
  if (pointer) memory.held += malloc_usable_size(pointer);
  return pointer;
}

static void release(void *user, void *pointer) {
  (void)user;
  memory.held -= malloc_usable_size(pointer);
  free(pointer);
}

onefold_context *fuzz_context(unsigned level, size_t limit, unsigned failing) {
  static onefold_context *contexts[ONEFOLD_ISA_COUNT];
  static onefold_isa levels[ONEFOLD_ISA_COUNT];
  static int count;
  if (count == 0) {
    count = test_isa_levels(levels);
    memory.limit = SIZE_MAX;
    for (int i = 0; i < count; i++) {
      const onefold_context_options options = {.struct_size = sizeof options,
                                               .accuracy = ONEFOLD_ACCURACY_STRICT,
                                               .threads = 1,
                                               .allocate = allocate,
                                               .release = release,
                                               .max_isa = levels[i],
                                               .has_max_isa = 1};
      FUZZ_EXPECT(onefold_context_create(&options, &contexts[i]) == ONEFOLD_OK);
    }
  }
  memory.held = 0;
  memory.limit = limit;
  memory.calls = 0;
  memory.failing = failing;
  return contexts[level % (unsigned)count];
}

onefold_context *fuzz_text_context(const uint8_t *bytes, size_t size) {
  return fuzz_context(size ? bytes[0] : 0, 64 << 20, 0);
}

char *fuzz_text(const uint8_t *bytes, size_t size) {
  char *text = malloc(size + 1);
  FUZZ_EXPECT(text);
  if (size) memcpy(text, bytes, size);
  text[size] = '\0';
  return text;
}

void fuzz_expect_released(void) {
  FUZZ_EXPECT(memory.held == 0);
}

void fuzz_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
  abort();
}

void fuzz_expect_ok(onefold_context *context, onefold_status status, const char *file, int line) {
  if (status == ONEFOLD_OK) return;
  char text[512];
  onefold_context_last_error(context, text, sizeof text);
  fprintf(stderr, "%s:%d: %s: %s\n", file, line, onefold_status_name(status), text);
  abort();
}
