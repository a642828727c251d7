// SPDX-License-Identifier: BSD-3-Clause
// The parallel loop of contexts whose caller brings none, and teams that stand by for several
// loops: to start OpenMP's threads and to wait for them takes some 4 us each time, to hand a loop
// to threads that wait for it a fraction of one.
#include "arch/threads.h"

#ifdef _OPENMP

#include <limits.h>
#include <omp.h>
#include <sched.h>
#include <stdatomic.h>

/// Threads that stand by, and the loop that they share. `turn` counts the loops: what is written
/// before it is read after it.
typedef struct team {
  void (*fn)(void *, size_t);
  void *arg;
  size_t n;
  int threads, end;
  atomic_uint turn;
  atomic_int working; // threads that are not done with the loop
} team;

/// The team that waits for the loops of this thread.
static _Thread_local team *standing_by;

/// Waits a little, and where it was often, gives way.
static void wait(int times) {
  enum { SPINS = 1000 };
  if (times > SPINS) {
    sched_yield();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// The indices of a thread of the team.
static void share(const team *t, int thread) {
  size_t i = 0, end = 0;
  onefold_split(t->n, (size_t)t->threads, (size_t)thread, &i, &end);
  for (; i < end; i++) t->fn(t->arg, i);
}

static void next_turn(team *t) {
  atomic_store_explicit(&t->working, t->threads - 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&t->turn, 1, memory_order_release);
}

/// A loop with the team of this thread. One that a task of it starts is none of the team's.
static void lead(void (*fn)(void *, size_t), void *arg, size_t n) {
  team *const t = standing_by;
  standing_by = NULL;
  t->fn = fn;
  t->arg = arg;
  t->n = n;
  next_turn(t);
  share(t, 0);
  for (int i = 0; atomic_load_explicit(&t->working, memory_order_acquire) > 0; i += i < INT_MAX)
    wait(i);
  standing_by = t;
}

static void stand_by(team *t, int thread) {
  for (unsigned seen = 0;; seen++) {
    for (int i = 0; atomic_load_explicit(&t->turn, memory_order_acquire) == seen; i += i < INT_MAX)
      wait(i);
    if (t->end) return;
    share(t, thread);
    atomic_fetch_sub_explicit(&t->working, 1, memory_order_release);
  }
}

void onefold_threads_together(int threads, void (*body)(void *), void *arg) {
  if (threads <= 1 || standing_by) {
    body(arg);
    return;
  }
  team t = {.threads = 1};
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    if (thread > 0) {
      stand_by(&t, thread);
    } else {
      t.threads = omp_get_num_threads();
      standing_by = &t;
      body(arg);
      standing_by = NULL;
      t.end = 1;
      next_turn(&t);
    }
  }
}

void onefold_threads_openmp(int threads, void (*fn)(void *, size_t), void *arg, size_t n) {
  if (standing_by) {
    lead(fn, arg, n);
    return;
  }
  if (threads < 1) threads = 1;
  if ((size_t)threads > n) threads = (int)(n > 0 ? n : 1);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

int onefold_threads_stand_by(void) {
  return standing_by != NULL;
}

int onefold_threads_places(void) {
  return omp_get_proc_bind() == omp_proc_bind_false ? 0 : omp_get_num_procs();
}

int onefold_threads_have_openmp(void) {
  return 1;
}

#else

void onefold_threads_together(int threads, void (*body)(void *), void *arg) {
  (void)threads;
  body(arg);
}

void onefold_threads_openmp(int threads, void (*fn)(void *, size_t), void *arg, size_t n) {
  (void)threads;
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

int onefold_threads_stand_by(void) {
  return 0;
}

int onefold_threads_places(void) {
  return 0;
}

int onefold_threads_have_openmp(void) {
  return 0;
}

#endif
