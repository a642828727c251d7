// SPDX-License-Identifier: BSD-3-Clause
// Executions of the same weights on threads: they run, are made like each other and are destroyed
// at the same time.
#include "tests/graph_support.h"
#include "tests/thread_support.h"

#include <onefold/onefold.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/// The context's blocks are counted.
static void *allocate(void *user, size_t size, size_t alignment) {
  atomic_fetch_add((atomic_int *)user, 1);
  return aligned_alloc(alignment, size);
}

static void release(void *user, void *pointer) {
  atomic_fetch_sub((atomic_int *)user, 1);
  free(pointer);
}

static onefold_exec *prepare(onefold_context *context) {
  test_rng rng = {11};
  onefold_graph *graph = graph_mixed(context, &rng, (onefold_shape){1, 24, 9, 10});
  onefold_exec *exec = NULL;
  test_ok(context, onefold_exec_create(context, graph, NULL, &exec));
  test_ok(context, onefold_exec_pack(exec));
  onefold_graph_destroy(graph);
  return exec;
}

/// A thread that runs an execution, and after every run goes on with another one that is made like
/// `model`, or like its own where that is NULL. The model itself is kept.
typedef struct caller {
  onefold_exec *exec;
  const onefold_exec *model;
  const float *x, *want;
  size_t floats;
  int runs;
} caller;

static void *run_and_renew(void *arg) {
  caller *c = arg;
  const char *wrong = NULL;
  float *y = malloc(c->floats * sizeof *y);
  for (int i = 0; i < c->runs && y && !wrong; i++) {
    onefold_exec *next = NULL;
    memset(y, 0xFF, c->floats * sizeof *y);
    if (onefold_exec_run(c->exec, &c->x, &y) != ONEFOLD_OK) wrong = "run failed";
    if (!wrong && memcmp(y, c->want, c->floats * sizeof *y) != 0)
      wrong = "the output differs from that of one thread alone";
    if (wrong || c->exec == c->model) continue;
    if (onefold_exec_create_like(c->model ? c->model : c->exec, &next) != ONEFOLD_OK) {
      wrong = "no execution";
      continue;
    }
    onefold_exec_destroy(c->exec);
    c->exec = next;
  }
  if (c->exec != c->model) onefold_exec_destroy(c->exec);
  free(y);
  return (void *)(uintptr_t)(y ? wrong : "no memory");
}

enum { CALLERS = 4 };

/// `keeps`: the first execution is run by a thread while the others copy it, and outlives them.
/// Else it goes after its first run, and the last to go is whichever thread's.
static void run_at_once(onefold_isa isa, int threads, onefold_parallel_for_fn parallel_for,
                        int keeps) {
  atomic_int live = 0;
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = threads,
                                           .parallel_for = parallel_for,
                                           .allocate = allocate,
                                           .release = release,
                                           .allocator_user = &live,
                                           .max_isa = isa,
                                           .has_max_isa = 1};
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  test_case("%d threads%s, the first is %s", threads, parallel_for ? " of the caller" : "",
            keeps ? "kept" : "not kept");
  onefold_exec *exec = prepare(context);
  const size_t floats = test_elements(onefold_exec_output_shape(exec, 0)),
               inputs = test_elements(onefold_exec_input_shape(exec, 0));
  test_rng rng = {12};
  float *x = malloc(inputs * sizeof *x), *want = malloc(floats * sizeof *want);
  assert_true(x && want);
  test_fill_uniform(&rng, x, inputs);
  test_ok(context, onefold_exec_run(exec, (const float *const[]){x}, &want));
  caller callers[CALLERS];
  for (int i = 0; i < CALLERS; i++) {
    callers[i] = (caller){exec, keeps ? exec : NULL, x, want, floats, test_scaled(100)};
    if (i > 0) test_ok(context, onefold_exec_create_like(exec, &callers[i].exec));
  }
  test_run_callers(run_and_renew, callers, sizeof *callers, CALLERS);
  if (keeps) onefold_exec_destroy(exec);
  assert_int_equal(atomic_load(&live), 1); // the context
  free(x);
  free(want);
  onefold_context_destroy(context);
}

static void test_at_once(void **state) {
  for (int keeps = 0; keeps < 2; keeps++) {
    run_at_once(test_level(state), 1, NULL, keeps);
    run_at_once(test_level(state), 2, test_on_threads, keeps);
  }
}

static void test_at_once_openmp(void **state) {
#if TEST_TSAN
  (void)state;
  print_message("SKIP OpenMP under the thread sanitizer\n");
  skip();
#else
  for (int keeps = 0; keeps < 2; keeps++) run_at_once(test_level(state), 2, NULL, keeps);
#endif
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_at_once),
                                     cmocka_unit_test(test_at_once_openmp)};
  return test_every_level("threads_like", tests, sizeof tests / sizeof *tests);
}
