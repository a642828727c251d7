// SPDX-License-Identifier: BSD-3-Clause
// A convolution backend on the caller's own threads: plans, packs and runs a layer over NCHW
// buffers, and compares the result with a loop over the definition.
#include <onefold/onefold.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, IN = 64, OUT = 96, SIZE = 28, KERNEL = 3, PAD = 1 };

// --------------------------------------------------------------------- threads

/// Threads that wait for a loop. There is one loop at a time, as this program has one caller.
typedef struct pool {
  pthread_t thread[THREADS - 1];
  pthread_mutex_t lock;
  pthread_cond_t begins, ends;
  onefold_task_fn fn;
  void *arg;
  size_t n, next;    // indices of the loop, and the next that nobody has taken
  unsigned loops;    // that have begun
  int started, busy; // threads, and those that are not done with the loop
  int stops;
} pool;

/// Calls fn for indices until none is left.
static void work(pool *p) {
  pthread_mutex_lock(&p->lock);
  while (p->next < p->n) {
    const size_t index = p->next++;
    pthread_mutex_unlock(&p->lock);
    p->fn(p->arg, index);
    pthread_mutex_lock(&p->lock);
  }
  pthread_mutex_unlock(&p->lock);
}

static void *run_thread(void *user) {
  pool *p = user;
  unsigned seen = 0;
  for (;;) {
    pthread_mutex_lock(&p->lock);
    while (p->loops == seen && !p->stops) pthread_cond_wait(&p->begins, &p->lock);
    seen = p->loops;
    const int stops = p->stops;
    pthread_mutex_unlock(&p->lock);
    if (stops) return NULL;
    work(p);
    pthread_mutex_lock(&p->lock);
    if (--p->busy == 0) pthread_cond_signal(&p->ends);
    pthread_mutex_unlock(&p->lock);
  }
}

/// An onefold_parallel_for_fn: returns when fn has been called for every index.
static void parallel_for(void *user, onefold_task_fn fn, void *arg, size_t n) {
  pool *p = user;
  pthread_mutex_lock(&p->lock);
  p->fn = fn;
  p->arg = arg;
  p->n = n;
  p->next = 0;
  p->busy = p->started;
  p->loops++;
  pthread_cond_broadcast(&p->begins);
  pthread_mutex_unlock(&p->lock);
  work(p);
  pthread_mutex_lock(&p->lock);
  while (p->busy > 0) pthread_cond_wait(&p->ends, &p->lock);
  pthread_mutex_unlock(&p->lock);
}

/// A thread that cannot be had is done without.
static void start(pool *p) {
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->begins, NULL);
  pthread_cond_init(&p->ends, NULL);
  while (p->started < THREADS - 1 &&
         pthread_create(&p->thread[p->started], NULL, run_thread, p) == 0)
    p->started++;
}

static void stop(pool *p) {
  pthread_mutex_lock(&p->lock);
  p->stops = 1;
  pthread_cond_broadcast(&p->begins);
  pthread_mutex_unlock(&p->lock);
  for (int i = 0; i < p->started; i++) pthread_join(p->thread[i], NULL);
  pthread_cond_destroy(&p->begins);
  pthread_cond_destroy(&p->ends);
  pthread_mutex_destroy(&p->lock);
}

// ----------------------------------------------------------------------- layer

static float x[IN * SIZE * SIZE], y[OUT * SIZE * SIZE]; // NCHW
static float weight[OUT * IN * KERNEL * KERNEL], bias[OUT];

/// Values from -0.5 to 0.5.
static void fill(float *values, size_t n, unsigned seed) {
  for (size_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 8) * 0x1p-24f - 0.5f;
  }
}

/// One output by the definition: ReLU of the bias and the sum over the window, in double.
static double expected(int channel, int row, int column) {
  double sum = (double)bias[channel];
  for (int c = 0; c < IN; c++) {
    for (int i = 0; i < KERNEL; i++) {
      for (int j = 0; j < KERNEL; j++) {
        const int r = row + i - PAD, k = column + j - PAD;
        if (r < 0 || r >= SIZE || k < 0 || k >= SIZE) continue;
        sum += (double)weight[((channel * IN + c) * KERNEL + i) * KERNEL + j] *
               (double)x[(c * SIZE + r) * SIZE + k];
      }
    }
  }
  return sum > 0 ? sum : 0;
}

static double largest_error(void) {
  double largest = 0;
  for (int o = 0; o < OUT; o++) {
    for (int r = 0; r < SIZE; r++) {
      for (int k = 0; k < SIZE; k++)
        largest = fmax(largest, fabs((double)y[(o * SIZE + r) * SIZE + k] - expected(o, r, k)));
    }
  }
  return largest;
}

/// Describes, plans, packs and runs the layer. A plan and its packed weights serve any number of
/// runs, and runs at the same time with buffers of their own.
static onefold_status run_layer(onefold_context *context) {
  onefold_conv2d_desc desc;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  onefold_conv2d_plan_info info = {.workspace_bytes = 0};
  void *workspace = NULL;
  onefold_conv2d_desc_init(&desc);
  desc.in_channels = IN;
  desc.in_h = desc.in_w = SIZE;
  desc.out_channels = OUT;
  desc.kernel_h = desc.kernel_w = KERNEL;
  desc.pad_top = desc.pad_bottom = desc.pad_left = desc.pad_right = PAD;
  desc.in_layout = desc.out_layout = ONEFOLD_NCHW;
  desc.activation = ONEFOLD_ACT_RELU;
  const onefold_conv2d_weights weights = {.weight = weight, .bias = bias};
  onefold_status failed = onefold_conv2d_plan_create(context, &desc, &plan);
  if (!failed) failed = onefold_conv2d_pack(plan, &weights, &packed);
  if (!failed) {
    onefold_conv2d_plan_get_info(plan, &info);
    if (info.workspace_bytes) {
      workspace = aligned_alloc(64, (info.workspace_bytes + 63) / 64 * 64);
      if (!workspace) failed = ONEFOLD_OUT_OF_MEMORY;
    }
  }
  const onefold_conv2d_buffers buffers = {.input = x, .output = y, .workspace = workspace};
  if (!failed) failed = onefold_conv2d_run(plan, packed, &buffers);
  if (!failed) printf("%s by %s on %d threads\n", info.algorithm, info.kernel, THREADS);
  free(workspace);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  return failed;
}

int main(void) {
  pool threads = {.started = 0};
  start(&threads);
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = THREADS,
                                           .parallel_for = parallel_for,
                                           .parallel_user = &threads};
  onefold_context *context = NULL;
  onefold_status failed = onefold_context_create(&options, &context);
  fill(x, sizeof x / sizeof x[0], 1);
  fill(weight, sizeof weight / sizeof weight[0], 2);
  fill(bias, sizeof bias / sizeof bias[0], 3);
  if (!failed) failed = run_layer(context);
  if (failed) {
    char why[256] = "";
    if (context) onefold_context_last_error(context, why, sizeof why);
    fprintf(stderr, "%s: %s\n", onefold_status_name(failed), why);
  }
  const double error = failed ? 0 : largest_error();
  if (!failed) printf("largest error %.2g\n", error);
  onefold_context_destroy(context);
  stop(&threads);
  return failed || error > 1e-4;
}
