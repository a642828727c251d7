// SPDX-License-Identifier: BSD-3-Clause
// Measures the peak of the context's ISA level: a loop of independent
// multiply-adds, and reads and copies through buffers of a level's size.
#include "ops/context.h"
#include "ops/handover.h"

#include <onefold/machine.h>
#include <onefold/peak.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS        20
#define DRAM_REPEATS   4
#define REPEAT_SECONDS 1e-3
#define MIN_DRAM_BYTES ((size_t)64 << 20)
#define MAX_DRAM_BYTES ((size_t)512 << 20)

typedef struct work {
  onefold_peak_fma_fn *fma;
  onefold_peak_read_fn *read;
  onefold_peak_copy_fn *copy;
  size_t steps;  // of fma, or passes through the buffer
  float *buffer; // `floats` for each task
  size_t floats;
  double amount; // floating-point operations or bytes of one task, written by task 0
} work;

static void fma_task(void *arg, size_t index) {
  work *w = arg;
  float operands[3 * ONEFOLD_MAX_VECTOR];
  for (int i = 0; i < 3 * ONEFOLD_MAX_VECTOR; i++) operands[i] = 0.5f;
  const double flops = w->fma(w->steps, operands);
  if (index == 0) w->amount = flops;
}

/// A result that nobody needs, kept from being optimised away.
static void keep(float value) {
  volatile float sink = value;
  (void)sink;
}

static void read_task(void *arg, size_t index) {
  work *w = arg;
  for (size_t i = 0; i < w->steps; i++) keep(w->read(w->buffer + index * w->floats, w->floats));
  if (index == 0) w->amount = (double)(w->steps * w->floats * sizeof(float));
}

static void copy_task(void *arg, size_t index) {
  work *w = arg;
  float *from = w->buffer + index * w->floats;
  const size_t half = w->floats / 2;
  for (size_t i = 0; i < w->steps; i++) w->copy(from, from + half, half);
  if (index == 0) w->amount = (double)(w->steps * 2 * half * sizeof(float));
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/// Steps after which one task takes long enough to be timed. Each try counts
/// by its best, since this thread may lose its core in any of them.
static void calibrate(onefold_task_fn task, work *w) {
  for (w->steps = 1;; w->steps *= 2) {
    double best = INFINITY;
    for (int i = 0; i < 3; i++) {
      const double start = now();
      task(w, 0);
      best = fmin(best, now() - start);
    }
    if (best >= REPEAT_SECONDS) return;
  }
}

/// Best rate of `repeats` (at most REPEATS), in 1e9 a second; *spread (may be
/// NULL) as in onefold_peak.
static double best_rate(const onefold_context *context, onefold_task_fn task, work *w, size_t tasks,
                        int repeats, double *spread) {
  double rates[REPEATS];
  calibrate(task, w);
  for (int i = 0; i < repeats; i++) {
    const double start = now();
    onefold_parallel(context, task, w, tasks);
    rates[i] = (double)tasks * w->amount / (now() - start) * 1e-9;
  }
  qsort(rates, (size_t)repeats, sizeof *rates, compare);
  const double best = rates[repeats - 1];
  if (spread) *spread = (best - rates[repeats / 2]) / best;
  return best;
}

static onefold_bandwidth bandwidth(const onefold_context *context, work *w, size_t bytes,
                                   size_t tasks, int repeats) {
  onefold_bandwidth result = {0};
  w->floats = bytes / tasks / sizeof(float);
  if (w->floats == 0) return result;
  result.bytes = w->floats * tasks * sizeof(float);
  result.read_gbs = best_rate(context, read_task, w, tasks, repeats, NULL);
  result.copy_gbs = best_rate(context, copy_task, w, tasks, repeats, NULL);
  return result;
}

static size_t clamp(size_t value, size_t low, size_t high) {
  return value < low ? low : value > high ? high : value;
}

onefold_status onefold_measure_peak(onefold_context *context, onefold_peak *peak) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (!peak) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "peak is NULL");
  if (peak->struct_size != sizeof *peak) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "struct_size is %zu, not %zu",
                        peak->struct_size, sizeof *peak);
  }
  onefold_machine machine;
  const onefold_status status = onefold_machine_query(&machine);
  if (status != ONEFOLD_OK) return onefold_fail(context, status, "the machine is not known");

  const onefold_dispatch *dispatch = onefold_context_dispatch(context);
  const size_t tasks = (size_t)onefold_context_threads(context);
  const size_t l2 = (size_t)machine.l2_bytes, l3 = (size_t)machine.l3_bytes;
  const size_t dram = clamp(4 * l3, MIN_DRAM_BYTES, MAX_DRAM_BYTES);
  const size_t half_l2 = clamp(l2 / 2 * tasks, 0, dram);
  const size_t half_l3 = clamp(l3 / 2, 0, dram);
  work w = {
      .fma = (onefold_peak_fma_fn *)dispatch->ops[ONEFOLD_OP_PEAK_FMA].row[0]->fn,
      .read = (onefold_peak_read_fn *)dispatch->ops[ONEFOLD_OP_PEAK_READ].row[0]->fn,
      .copy = (onefold_peak_copy_fn *)dispatch->ops[ONEFOLD_OP_PEAK_COPY].row[0]->fn,
      .buffer = onefold_allocate(context, dram),
  };
  if (!w.buffer) {
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for %zu bytes", dram);
  }
  memset(w.buffer, 0, dram);
  peak->threads = (int32_t)tasks;
  peak->core_gflops = best_rate(context, fma_task, &w, 1, REPEATS, &peak->core_spread);
  peak->threads_gflops = peak->core_gflops;
  peak->threads_spread = peak->core_spread;
  if (tasks > 1) {
    peak->threads_gflops = best_rate(context, fma_task, &w, tasks, REPEATS, &peak->threads_spread);
  }
  peak->handover_ns = onefold_handover_ns(context);
  peak->l2 = bandwidth(context, &w, half_l2, tasks, REPEATS);
  peak->l3 = bandwidth(context, &w, half_l3, tasks, REPEATS);
  peak->dram = bandwidth(context, &w, dram, tasks, DRAM_REPEATS);
  onefold_release(context, w.buffer);
  return ONEFOLD_OK;
}

onefold_status onefold_measure_fma(onefold_context *context, double *gflops) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (!gflops) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "gflops is NULL");
  const onefold_dispatch *dispatch = onefold_context_dispatch(context);
  const size_t tasks = (size_t)onefold_context_threads(context);
  work w = {
      .fma = (onefold_peak_fma_fn *)dispatch->ops[ONEFOLD_OP_PEAK_FMA].row[0]->fn,
      .steps = 1 << 12,
  };
  double flops = 0.0;
  const double start = now();
  double elapsed = 0.0;
  while (elapsed < REPEAT_SECONDS) {
    onefold_parallel(context, fma_task, &w, tasks);
    flops += (double)tasks * w.amount;
    elapsed = now() - start;
  }
  *gflops = flops / elapsed * 1e-9;
  return ONEFOLD_OK;
}

static void touch_task(void *arg, size_t index) {
  (void)index;
  const work *w = arg;
  keep(w->read(w->buffer, w->floats));
}

onefold_status onefold_touch(onefold_context *context, const float *buffer, size_t n) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (!buffer && n > 0) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "buffer is NULL");
  const onefold_dispatch *dispatch = onefold_context_dispatch(context);
  work w = {
      .read = (onefold_peak_read_fn *)dispatch->ops[ONEFOLD_OP_PEAK_READ].row[0]->fn,
      .buffer = (float *)buffer, // read only
      .floats = n,
  };
  onefold_parallel(context, touch_task, &w, (size_t)onefold_context_threads(context));
  return ONEFOLD_OK;
}
