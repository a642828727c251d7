// SPDX-License-Identifier: BSD-3-Clause
// Hands a cache line from thread 0 to each other thread and back. The threads may be any loop's of
// the caller, and run one after the other: so every wait has an end.
#include "ops/handover.h"

#include "ops/context.h"

#include <math.h>
#include <stdatomic.h>
#include <time.h>

enum { CHUNKS = 5, TRIPS = 200, STOP = -1 };

/// The line, whose even turns are thread 0's and whose odd ones the other's.
typedef struct meeting {
  _Alignas(128) atomic_int turn;
  _Alignas(128) size_t other; // thread
  double ns;                  // written by thread 0
} meeting;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/// Waits for a turn; 0 when it did not come in 10 ms, or not at all.
static int wait_for(const meeting *m, int turn) {
  enum { SPINS = 1 << 12 };
  const double end = now() + 1e7;
  do {
    for (int i = 0; i < SPINS; i++) {
      const int seen = atomic_load_explicit(&m->turn, memory_order_acquire);
      if (seen == turn) return 1;
      if (seen == STOP) return 0;
    }
  } while (now() < end);
  return 0;
}

static void pass_on(meeting *m, int turn) {
  atomic_store_explicit(&m->turn, turn + 1, memory_order_release);
}

/// The best chunk of round trips; 0 where the other does not answer.
static double trips(meeting *m) {
  double best = INFINITY;
  int turn = 0;
  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    const double start = now();
    for (int i = 0; i < TRIPS; i++, turn += 2) {
      pass_on(m, turn);
      if (!wait_for(m, turn + 2)) return 0;
    }
    best = fmin(best, (now() - start) / (2 * TRIPS));
  }
  return best;
}

static void task(void *arg, size_t index) {
  meeting *m = arg;
  if (index == 0) {
    m->ns = trips(m);
    atomic_store_explicit(&m->turn, STOP, memory_order_release);
  } else if (index == m->other) {
    for (int turn = 1; turn < 2 * CHUNKS * TRIPS && wait_for(m, turn); turn += 2) pass_on(m, turn);
  }
}

double onefold_handover_ns(const onefold_context *context) {
  const size_t threads = (size_t)onefold_context_threads(context);
  double farthest = 0;
  for (size_t other = 1; other < threads; other++) {
    meeting m = {.other = other};
    onefold_parallel(context, task, &m, threads);
    if (m.ns <= 0) return 0;
    farthest = fmax(farthest, m.ns);
  }
  return farthest;
}
