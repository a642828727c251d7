// SPDX-License-Identifier: BSD-3-Clause
// Several threads run one network at the same time, as those of a server do: each has an execution
// of its own, and the weights are in memory once.
#include <onefold/onefold.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, REQUESTS = 3, SIZE = 64, CLASSES = 1000 };

/// A thread, and what it works with.
typedef struct worker {
  pthread_t thread;
  onefold_exec *exec;
  float image[3 * SIZE * SIZE], scores[CLASSES];
  onefold_status status;
} worker;

/// Each request is another image: all workers get the same ones.
static void *serve(void *arg) {
  worker *w = arg;
  for (int request = 0; request < REQUESTS && !w->status; request++) {
    for (int i = 0; i < 3 * SIZE * SIZE; i++) w->image[i] = (float)((i + request) % 7) / 7;
    w->status = onefold_exec_run(w->exec, (const float *[]){w->image}, (float *[]){w->scores});
  }
  return NULL;
}

/// The network, folded and packed. Its context has one task a run: the threads are the workers.
static onefold_status prepare(onefold_context *context, onefold_exec **exec) {
  const onefold_shape input = {1, 3, SIZE, SIZE};
  onefold_weights *weights = NULL;
  onefold_graph *graph = NULL, *folded = NULL;
  onefold_status failed = onefold_weights_seeded(context, 1, &weights); // or onefold_weights_open
  if (!failed) failed = onefold_network_build(context, "repvgg-a0", input, weights, &graph);
  if (!failed) failed = onefold_fold(context, graph, NULL, &folded);
  if (!failed) failed = onefold_exec_create(context, folded, NULL, exec);
  if (!failed) failed = onefold_exec_pack(*exec);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return failed;
}

/// Runs all workers. Returns how many threads there were.
static int run(worker *workers) {
  int started = 0;
  while (started < THREADS &&
         !pthread_create(&workers[started].thread, NULL, serve, &workers[started]))
    started++;
  for (int i = 0; i < started; i++) pthread_join(workers[i].thread, NULL);
  return started;
}

int main(void) {
  const onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  onefold_context *context = NULL;
  worker *workers = calloc(THREADS, sizeof *workers);
  if (!workers || onefold_context_create(&options, &context)) return 1;
  onefold_status failed = prepare(context, &workers[0].exec);
  for (int i = 1; i < THREADS && !failed; i++)
    failed = onefold_exec_create_like(workers[0].exec, &workers[i].exec);
  int different = !failed && run(workers) < THREADS;
  for (int i = 0; i < THREADS && !failed; i++) {
    failed = workers[i].status;
    for (int k = 0; k < CLASSES; k++) different += workers[i].scores[k] != workers[0].scores[k];
  }
  char why[256];
  onefold_context_last_error(context, why, sizeof why);
  if (failed) fprintf(stderr, "%s: %s\n", onefold_status_name(failed), why);
  if (!failed && !different) {
    onefold_exec_info info;
    onefold_exec_get_info(workers[0].exec, &info);
    printf(
        "%d threads have the same scores of %d requests; %.1f MiB of weights, and %.1f MiB each\n",
        THREADS, REQUESTS, (double)info.packed_bytes / (1 << 20),
        (double)info.arena_bytes / (1 << 20));
  }
  for (int i = 0; i < THREADS; i++) onefold_exec_destroy(workers[i].exec); // in any order
  onefold_context_destroy(context);
  free(workers);
  return failed || different;
}
