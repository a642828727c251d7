// SPDX-License-Identifier: BSD-3-Clause
// The context from inside: errors, memory and parallel loops for everything above ops.
#ifndef ONEFOLD_OPS_CONTEXT_H
#define ONEFOLD_OPS_CONTEXT_H

#include "arch/threads.h"
#include "kernels/kernel.h"

#include <onefold/context.h>

#include <pthread.h>

/// Records the sentence and returns `status`, so that a check is one line:
///   return onefold_fail(ctx, ONEFOLD_INVALID_ARGUMENT, "stride_h is %lld", ...);
/// `context` may be NULL.
onefold_status onefold_fail(const onefold_context *context, onefold_status status,
                            const char *format, ...) __attribute__((format(printf, 3, 4)));

/// Bytes of the longest sentence, with its end.
#define ONEFOLD_SENTENCE 512

/// Failures of this thread alone, kept from the context: for those who go on after one, or who say
/// more of it. Those of tasks that other threads run are the context's.
typedef struct onefold_caught {
  onefold_status status; // of the last failure; ONEFOLD_OK and "" where there was none
  char text[ONEFOLD_SENTENCE];
  pthread_t thread;
  struct onefold_caught *outer;
} onefold_caught;

/// Between the two, what fails in this thread is written to *caught and not to the context, or to
/// what was begun before. What was begun last ends first.
void onefold_catch_begin(const onefold_context *context, onefold_caught *caught);
void onefold_catch_end(const onefold_context *context, onefold_caught *caught);

/// 64-byte aligned memory from the context's allocator, zeroed; NULL where
/// there is none. size 0 gives a valid pointer.
void *onefold_allocate(const onefold_context *context, size_t size);
/// The same for memory that is all written before it is read: zeros are past `size` alone, up to a
/// multiple of 64 bytes.
void *onefold_allocate_unset(const onefold_context *context, size_t size);
void onefold_release(const onefold_context *context, void *pointer);

/// fn(arg, i) for i in [0, n) by the context's means; inline when n is 1.
void onefold_parallel(const onefold_context *context, onefold_task_fn fn, void *arg, size_t n);

/// onefold_parallel_if of any number of tasks.
void onefold_parallel_several(const onefold_context *context, int wakes, onefold_task_fn fn,
                              void *arg, size_t n);

/// onefold_parallel where threads of the context stand by, or `wakes`: it is worth waking them.
/// Else one after the other. A single task is called from here, as it may be as short as the loop.
static inline void onefold_parallel_if(const onefold_context *context, int wakes,
                                       onefold_task_fn fn, void *arg, size_t n) {
  if (n == 1) {
    fn(arg, 0);
    return;
  }
  onefold_parallel_several(context, wakes, fn, arg, n);
}

const onefold_dispatch *onefold_context_dispatch(const onefold_context *context);

/// Asks the context's source of tilings. Non-zero when it gave one.
int onefold_context_tiling(const onefold_context *context, const struct onefold_conv2d_desc *desc,
                           onefold_tiling *tiling);

/// Tells who wants to know of a problem that was planned.
void onefold_context_planned(onefold_context *context, const struct onefold_conv2d_desc *desc,
                             const onefold_tiling *tiling);

/// *result = a * b; zero on overflow.
static inline int onefold_mul(size_t a, size_t b, size_t *result) {
  return !__builtin_mul_overflow(a, b, result);
}

#endif
