// SPDX-License-Identifier: BSD-3-Clause
// What the fuzz targets share: input as a stream of choices, contexts whose memory is bounded and
// counted, and checks that stop the process.
#ifndef ONEFOLD_TESTS_FUZZ_FUZZ_H
#define ONEFOLD_TESTS_FUZZ_FUZZ_H

#include <onefold/onefold.h>

#include <stddef.h>
#include <stdint.h>

/// What every target implements: 0, or the process ends. Called by libFuzzer, or by replay.c.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/// Bytes that are consumed one by one; zeros past the end.
typedef struct fuzz_stream {
  const uint8_t *at;
  size_t left;
} fuzz_stream;
uint8_t fuzz_byte(fuzz_stream *stream);
/// In [low, high], by one byte.
int64_t fuzz_between(fuzz_stream *stream, int64_t low, int64_t high);
/// Any size at all, with those that overflow: by one byte.
int64_t fuzz_any_size(fuzz_stream *stream);

/// The bytes as a text with an end, to be freed.
char *fuzz_text(const uint8_t *bytes, size_t size);

/// A context of one thread for the input at hand, kept from input to input. `level` counts the
/// ISA levels that run here, and wraps around. An allocation fails where more than `limit` bytes
/// would be held, and, where `failing` is not 0, from the allocation of that number on.
onefold_context *fuzz_context(unsigned level, size_t limit, unsigned failing);
/// The context of a target whose input is a text alone, which then chooses the level, too.
onefold_context *fuzz_text_context(const uint8_t *bytes, size_t size);
/// Ends the process unless everything that the input allocated has been released.
void fuzz_expect_released(void);

/// Ends the process with a sentence, unless `condition` holds.
#define FUZZ_EXPECT(condition)                                                                     \
  do {                                                                                             \
    if (!(condition)) fuzz_failed(__FILE__, __LINE__, #condition);                                 \
  } while (0)
void fuzz_failed(const char *file, int line, const char *condition) __attribute__((noreturn));

/// The same for a status, with the context's last sentence.
#define FUZZ_OK(context, call) fuzz_expect_ok((context), (call), __FILE__, __LINE__)
void fuzz_expect_ok(onefold_context *context, onefold_status status, const char *file, int line);

#endif
