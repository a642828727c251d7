// SPDX-License-Identifier: BSD-3-Clause
// Executions on threads: several contexts at once in one process, each with its network or all of
// one graph, and that the threads of a run stand by between its steps. The tasks go to threads of
// the caller, too, since OpenMP's are opaque to the thread sanitizer.
#include "tests/thread_support.h"

#include <onefold/onefold.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_JOBS = 5, MOST_OUTPUTS = 4 };

/// A network from its weights to its results, in a context of its own.
typedef struct job {
  const char *network;
  int batch, threads;
  const onefold_graph *graph; // what is run; NULL: the network, built and folded
  int own_threads;            // the caller's parallel_for
  int runs;
  float *want[MOST_OUTPUTS]; // what a run alone gives, once there was one
  size_t floats[MOST_OUTPUTS];
} job;

static onefold_status make_context(const job *j, onefold_context **context) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = j->threads,
                                           .parallel_for = j->own_threads ? test_on_threads : NULL};
  return onefold_context_create(&options, context);
}

static onefold_status build(onefold_context *context, const job *j, onefold_graph **folded) {
  onefold_weights *weights = NULL;
  onefold_graph *graph = NULL;
  const onefold_shape in = {j->batch, 3, 32, 32};
  onefold_status status = onefold_weights_seeded(context, 3, &weights);
  if (status == ONEFOLD_OK)
    status = onefold_network_build(context, j->network, in, weights, &graph);
  if (status == ONEFOLD_OK) status = onefold_fold(context, graph, NULL, folded);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return status;
}

static float *input_of(const onefold_exec *exec) {
  const onefold_shape s = onefold_exec_input_shape(exec, 0);
  const size_t n = test_elements(s);
  float *x = malloc(n * sizeof *x);
  for (size_t i = 0; x && i < n; i++) x[i] = (float)(i * 7919 % 101) / 50 - 1;
  return x;
}

/// Room for the results, filled with what they are not.
static int make_outputs(const onefold_exec *exec, size_t *floats, float **y) {
  for (size_t k = 0; k < MOST_OUTPUTS; k++) {
    const onefold_shape s = onefold_exec_output_shape(exec, k);
    floats[k] = test_elements(s);
    y[k] = malloc(floats[k] * sizeof **y + 1);
    if (!y[k]) return 0;
    memset(y[k], 0xFF, floats[k] * sizeof **y);
  }
  return 1;
}

/// Runs; keeps the first results, and holds the others to them.
static const char *run_often(onefold_exec *exec, job *j) {
  float *y[MOST_OUTPUTS] = {0}, *x = input_of(exec);
  const char *wrong = x && make_outputs(exec, j->floats, y) ? NULL : "no memory";
  for (int i = 0; i < j->runs && !wrong; i++) {
    if (onefold_exec_run(exec, (const float *const[]){x}, y) != ONEFOLD_OK) wrong = "run failed";
    for (size_t k = 0; k < MOST_OUTPUTS && !wrong && j->want[k]; k++)
      if (memcmp(y[k], j->want[k], j->floats[k] * sizeof **y) != 0)
        wrong = "the output differs from that of one thread alone";
  }
  for (size_t k = 0; k < MOST_OUTPUTS; k++) {
    if (j->want[k])
      free(y[k]);
    else
      j->want[k] = y[k];
  }
  free(x);
  return wrong;
}

static void *do_job(void *arg) {
  job *j = arg;
  const char *wrong = NULL;
  onefold_context *context = NULL;
  onefold_graph *folded = NULL;
  onefold_exec *exec = NULL;
  if (make_context(j, &context) != ONEFOLD_OK) return "no context";
  if (!j->graph && build(context, j, &folded) != ONEFOLD_OK)
    wrong = "no network";
  else if (onefold_exec_create(context, j->graph ? j->graph : folded, NULL, &exec) != ONEFOLD_OK)
    wrong = "no execution";
  else if (onefold_exec_pack(exec) != ONEFOLD_OK)
    wrong = "pack failed";
  else
    wrong = run_often(exec, j);
  onefold_exec_destroy(exec);
  onefold_graph_destroy(folded);
  onefold_context_destroy(context);
  return (void *)(uintptr_t)wrong;
}

/// Each job by itself on one thread, then all at once.
static void alone_and_together(job *jobs, int count, int own_threads) {
  for (int i = 0; i < count; i++) {
    const int threads = jobs[i].threads;
    jobs[i].threads = jobs[i].runs = 1;
    test_case("%s alone", jobs[i].network);
    const char *wrong = do_job(&jobs[i]);
    if (wrong) test_failed("%s", wrong);
    jobs[i].threads = threads;
    jobs[i].runs = test_scaled(10);
    jobs[i].own_threads = own_threads;
  }
  test_case("%d at once", count);
  test_run_callers(do_job, jobs, sizeof *jobs, count);
  for (int i = 0; i < count; i++)
    for (size_t k = 0; k < MOST_OUTPUTS; k++) free(jobs[i].want[k]);
}

static void networks_at_once(int own_threads) {
  job jobs[] = {{.network = "repghostnet-0.5x", .batch = 2, .threads = 1},
                {.network = "mobileone-s0", .batch = 1, .threads = 2},
                {.network = "repghostnet-0.5x", .batch = 1, .threads = 2},
                {.network = "repvgg-a0", .batch = 1, .threads = 1},
                {.network = "yolov7-tiny", .batch = 2, .threads = 2}};
  alone_and_together(jobs, sizeof jobs / sizeof *jobs, own_threads);
}

/// A finished graph may be read by many threads, of any context.
static void one_graph_at_once(int own_threads) {
  job jobs[MOST_JOBS - 1] = {{.network = "repghostnet-0.5x", .batch = 2, .threads = 2}};
  onefold_context *context = NULL;
  onefold_graph *folded = NULL;
  test_ok(NULL, make_context(&jobs[0], &context));
  test_ok(context, build(context, &jobs[0], &folded));
  jobs[0].graph = folded;
  for (int i = 1; i < MOST_JOBS - 1; i++) jobs[i] = jobs[0];
  jobs[1].threads = 1;
  alone_and_together(jobs, MOST_JOBS - 1, own_threads);
  onefold_graph_destroy(folded);
  onefold_context_destroy(context);
}

static void test_contexts_at_once(void **state) {
  (void)state;
  networks_at_once(1);
  one_graph_at_once(1);
}

static void test_contexts_at_once_openmp(void **state) {
  (void)state;
#if TEST_TSAN
  print_message("SKIP OpenMP under the thread sanitizer\n");
  skip();
#else
  networks_at_once(0);
  one_graph_at_once(0);
#endif
}

// ------------------------------------------------------- threads that stand by

// Of each thread: the wrapped function has no argument to carry it.
static _Thread_local struct { int calls, inside, loops_inside, loops_outside; } together;

void __real_onefold_context_together(const onefold_context *context, void (*body)(void *),
                                     void *arg);
void __wrap_onefold_context_together(const onefold_context *context, void (*body)(void *),
                                     void *arg);

void __wrap_onefold_context_together(const onefold_context *context, void (*body)(void *),
                                     void *arg) {
  together.calls++;
  together.inside++;
  __real_onefold_context_together(context, body, arg);
  together.inside--;
}

static void count_loops(void *user, onefold_task_fn fn, void *arg, size_t n) {
  (void)user;
  together.loops_inside += together.inside > 0;
  together.loops_outside += together.inside == 0;
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

/// All loops of a run are in one onefold_context_together, which tests/test_threads.c tests.
static void test_run_is_together(void **state) {
  (void)state;
  const job j = {.network = "repghostnet-0.5x", .batch = 1, .threads = 2};
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 2, .parallel_for = count_loops};
  onefold_context *context = NULL;
  onefold_graph *folded = NULL;
  onefold_exec *exec = NULL;
  float *y[MOST_OUTPUTS];
  size_t floats[MOST_OUTPUTS];
  test_ok(NULL, onefold_context_create(&options, &context));
  test_ok(context, build(context, &j, &folded));
  test_ok(context, onefold_exec_create(context, folded, NULL, &exec));
  test_ok(context, onefold_exec_pack(exec));
  float *x = input_of(exec);
  assert_true(x && make_outputs(exec, floats, y));
  for (int i = 0; i < 2; i++) {
    memset(&together, 0, sizeof together);
    const float *const inputs[] = {x};
    test_ok(context,
            i ? onefold_exec_run_timed(exec, inputs, y, NULL) : onefold_exec_run(exec, inputs, y));
    assert_int_equal(together.calls, 1);
    assert_true(together.loops_inside > 1);
    assert_int_equal(together.loops_outside, 0);
  }
  for (size_t k = 0; k < MOST_OUTPUTS; k++) free(y[k]);
  free(x);
  onefold_exec_destroy(exec);
  onefold_graph_destroy(folded);
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_contexts_at_once),
      cmocka_unit_test(test_contexts_at_once_openmp),
      cmocka_unit_test(test_run_is_together),
  };
  return cmocka_run_group_tests_name("threads_graph", tests, NULL, NULL) != 0;
}
