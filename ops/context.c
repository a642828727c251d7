// SPDX-License-Identifier: BSD-3-Clause
// The context: options checked once, the dispatch table, and the last error.
#include "ops/context.h"

#include "arch/caches.h"
#include "arch/cores.h"
#include "arch/fingerprint.h"
#include "arch/isa.h"
#include "arch/pool.h"
#include "arch/threads.h"
#include "arch/topology.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT   64
#define MAX_THREADS 4096

struct onefold_context {
  onefold_context_options options; // threads resolved
  onefold_pool *pool;              // the default allocator's, or NULL
  int teams;                       // loops are the library's own, and each thread has a core
  onefold_dispatch dispatch;
  pthread_mutex_t error_lock; // guards what is below; taken on failure only
  onefold_status error;
  char error_text[ONEFOLD_SENTENCE];
  onefold_caught *caught; // of all threads, the last begun first
};

/// Allocators are asked for whole multiples of the alignment, as aligned_alloc wants.
static size_t whole(size_t size) {
  return size ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
}

static void *default_allocate(void *user, size_t size, size_t alignment) {
  return onefold_pool_allocate(user, size, alignment);
}

static void default_release(void *user, void *pointer) {
  onefold_pool_release(user, pointer);
}

static void openmp_parallel_for(void *user, onefold_task_fn fn, void *arg, size_t n) {
  const onefold_context *context = user;
  onefold_threads_openmp(context->options.threads, fn, arg, n);
}

onefold_status onefold_context_create(const onefold_context_options *options,
                                      onefold_context **context) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  *context = NULL;
  onefold_context_options chosen = {.struct_size = sizeof chosen};
  if (options) {
    if (options->struct_size < offsetof(onefold_context_options, tiling) ||
        options->struct_size > sizeof chosen) {
      return ONEFOLD_INVALID_ARGUMENT;
    }
    memcpy(&chosen, options, options->struct_size);
  }
  if (chosen.threads < 0 || chosen.threads > MAX_THREADS) return ONEFOLD_INVALID_ARGUMENT;
  if (!chosen.allocate != !chosen.release) return ONEFOLD_INVALID_ARGUMENT;
  if (chosen.has_max_isa && (unsigned)chosen.max_isa >= ONEFOLD_ISA_COUNT) {
    return ONEFOLD_INVALID_ARGUMENT;
  }
  if ((unsigned)chosen.accuracy > ONEFOLD_ACCURACY_FAST) return ONEFOLD_INVALID_ARGUMENT;

  const int cores = onefold_cores_usable();
  if (chosen.threads == 0) chosen.threads = cores;
  onefold_pool *pool = NULL;
  if (!chosen.allocate) {
    pool = onefold_pool_create();
    if (!pool) return ONEFOLD_OUT_OF_MEMORY;
    chosen.allocate = default_allocate;
    chosen.release = default_release;
    chosen.allocator_user = pool;
  }
  onefold_context *made = chosen.allocate(chosen.allocator_user, whole(sizeof *made), ALIGNMENT);
  if (!made) {
    onefold_pool_destroy(pool);
    return ONEFOLD_OUT_OF_MEMORY;
  }
  memset(made, 0, sizeof *made);
  made->options = chosen;
  made->pool = pool;
  if (!chosen.parallel_for && onefold_threads_have_openmp()) {
    made->options.parallel_for = openmp_parallel_for;
    made->options.parallel_user = made;
    made->teams = chosen.threads > 1 && chosen.threads <= cores;
  }
  const char *unknown = NULL;
  onefold_isa isa = onefold_isa_cap_environment(onefold_isa_best(onefold_cpu_features()), &unknown);
  if (chosen.has_max_isa) isa = onefold_isa_cap(isa, chosen.max_isa);
  const char *fault = onefold_dispatch_build(isa, &made->dispatch);
  onefold_machine machine = {0};
  onefold_cpuinfo_read(&machine);
  const onefold_caches caches = onefold_caches_assumed();
  made->dispatch.l1d_bytes = caches.l1d;
  made->dispatch.l2_bytes = caches.l2;
  made->dispatch.l3_bytes = caches.l3;
  made->dispatch.fma_rate = onefold_fma_rate(&machine, isa);
  if (fault || pthread_mutex_init(&made->error_lock, NULL) != 0) {
    chosen.release(chosen.allocator_user, made);
    onefold_pool_destroy(pool);
    return ONEFOLD_UNSUPPORTED;
  }
  if (unknown) {
    onefold_fail(made, ONEFOLD_OK, "ONEFOLD_MAX_ISA=%s is not a level and was left aside", unknown);
  }
  *context = made;
  return ONEFOLD_OK;
}

void onefold_context_destroy(onefold_context *context) {
  if (!context) return;
  onefold_pool *pool = context->pool;
  pthread_mutex_destroy(&context->error_lock);
  context->options.release(context->options.allocator_user, context);
  onefold_pool_destroy(pool);
}

onefold_isa onefold_context_isa(const onefold_context *context) {
  return context->dispatch.isa;
}

int32_t onefold_context_block(const onefold_context *context) {
  return context->dispatch.v;
}

int32_t onefold_context_threads(const onefold_context *context) {
  return context->options.threads;
}

onefold_accuracy onefold_context_accuracy(const onefold_context *context) {
  return context->options.accuracy;
}

const onefold_dispatch *onefold_context_dispatch(const onefold_context *context) {
  return &context->dispatch;
}

int onefold_context_tiling(const onefold_context *context, const struct onefold_conv2d_desc *desc,
                           onefold_tiling *tiling) {
  memset(tiling, 0, sizeof *tiling);
  if (!context->options.tiling ||
      !context->options.tiling(context->options.tiling_user, desc, tiling)) {
    return 0;
  }
  tiling->algorithm[sizeof tiling->algorithm - 1] = '\0';
  tiling->kernel[sizeof tiling->kernel - 1] = '\0';
  return 1;
}

void onefold_context_planned(onefold_context *context, const struct onefold_conv2d_desc *desc,
                             const onefold_tiling *tiling) {
  if (context->options.planned)
    context->options.planned(context->options.planned_user, context, desc, tiling);
}

void onefold_context_visit_kernels(const onefold_context *context, onefold_kernel_visit_fn visit,
                                   void *user) {
  for (int op = 0; op < ONEFOLD_OP_COUNT; op++) {
    for (int32_t i = 0; i < context->dispatch.ops[op].count; i++) {
      const onefold_kernel *row = context->dispatch.ops[op].row[i];
      visit(user, onefold_op_name((onefold_op)op), row->name, row->isa);
    }
  }
}

// ------------------------------------------------------------------ errors

onefold_status onefold_fail(const onefold_context *context, onefold_status status,
                            const char *format, ...) {
  if (!context) return status;
  onefold_context *c = (onefold_context *)context; // the error is the only mutable part
  va_list args;
  va_start(args, format);
  pthread_mutex_lock(&c->error_lock);
  onefold_caught *caught = c->caught;
  while (caught && !pthread_equal(caught->thread, pthread_self())) caught = caught->outer;
  *(caught ? &caught->status : &c->error) = status;
  vsnprintf(caught ? caught->text : c->error_text, ONEFOLD_SENTENCE, format, args);
  pthread_mutex_unlock(&c->error_lock);
  va_end(args);
  return status;
}

void onefold_catch_begin(const onefold_context *context, onefold_caught *caught) {
  onefold_context *c = (onefold_context *)context;
  caught->status = ONEFOLD_OK;
  caught->text[0] = '\0';
  caught->thread = pthread_self();
  pthread_mutex_lock(&c->error_lock);
  caught->outer = c->caught;
  c->caught = caught;
  pthread_mutex_unlock(&c->error_lock);
}

void onefold_catch_end(const onefold_context *context, onefold_caught *caught) {
  onefold_context *c = (onefold_context *)context;
  pthread_mutex_lock(&c->error_lock);
  onefold_caught **at = &c->caught;
  while (*at != caught) at = &(*at)->outer;
  *at = caught->outer;
  pthread_mutex_unlock(&c->error_lock);
}

onefold_status onefold_context_last_error(const onefold_context *context, char *text, size_t size) {
  if (text && size) text[0] = '\0';
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  onefold_context *c = (onefold_context *)context;
  pthread_mutex_lock(&c->error_lock);
  const onefold_status status = c->error;
  if (text && size) snprintf(text, size, "%s", c->error_text);
  pthread_mutex_unlock(&c->error_lock);
  return status;
}

// ------------------------------------------------------------------ memory

void *onefold_allocate(const onefold_context *context, size_t size) {
  void *pointer = onefold_allocate_unset(context, size);
  if (pointer) memset(pointer, 0, size);
  return pointer;
}

void *onefold_allocate_unset(const onefold_context *context, size_t size) {
  if (size > SIZE_MAX - ALIGNMENT) return NULL;
  const size_t rounded = whole(size);
  const onefold_context_options *o = &context->options;
  char *pointer = o->allocate(o->allocator_user, rounded, ALIGNMENT);
  if (pointer) memset(pointer + size, 0, rounded - size);
  return pointer;
}

void onefold_release(const onefold_context *context, void *pointer) {
  if (pointer) context->options.release(context->options.allocator_user, pointer);
}

size_t onefold_tensor_elements(const onefold_context *context, onefold_shape shape,
                               onefold_layout layout) {
  if (shape.n <= 0 || shape.c <= 0 || shape.h <= 0 || shape.w <= 0) return 0;
  const int64_t v = context->dispatch.v;
  size_t channels = (size_t)shape.c;
  if (layout == ONEFOLD_BLOCKED) {
    if (shape.c > INT64_MAX - v) return 0;
    channels = (size_t)((shape.c + v - 1) / v * v);
  }
  size_t n = 0;
  if (!onefold_mul((size_t)shape.n, channels, &n) || !onefold_mul(n, (size_t)shape.h, &n) ||
      !onefold_mul(n, (size_t)shape.w, &n) || n > PTRDIFF_MAX / sizeof(float)) {
    return 0;
  }
  return n;
}

// ---------------------------------------------------------------- parallel

void onefold_context_together(const onefold_context *context, void (*body)(void *), void *arg) {
  if (context && context->teams) {
    onefold_threads_together(context->options.threads, body, arg);
  } else {
    body(arg);
  }
}

void onefold_parallel(const onefold_context *context, onefold_task_fn fn, void *arg, size_t n) {
  const onefold_context_options *o = &context->options;
  if (n > 1 && o->parallel_for && o->threads > 1) {
    o->parallel_for(o->parallel_user, fn, arg, n);
    return;
  }
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

void onefold_parallel_several(const onefold_context *context, int wakes, onefold_task_fn fn,
                              void *arg, size_t n) {
  if (wakes || (context->teams && onefold_threads_stand_by())) {
    onefold_parallel(context, fn, arg, n);
    return;
  }
  for (size_t i = 0; i < n; i++) fn(arg, i);
}
