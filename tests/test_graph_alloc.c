// SPDX-License-Identifier: BSD-3-Clause
// onefold_exec_run of whole networks allocates nothing, from its first run on: neither from the C
// library nor from the context.
#include "tests/alloc_watch.h"
#include "tests/support.h"

#include <onefold/onefold.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static void *context_allocate(void *user, size_t size, size_t alignment) {
  atomic_fetch_add((atomic_int *)user, 1);
  return aligned_alloc(alignment, size);
}

static void context_release(void *user, void *pointer) {
  atomic_fetch_add((atomic_int *)user, 1);
  free(pointer);
}

static onefold_context *make_context(int threads, atomic_int *calls) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = threads,
                                           .allocate = context_allocate,
                                           .release = context_release,
                                           .allocator_user = calls};
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  return context;
}

/// How many steps there were of a kind.
typedef struct kinds {
  int pairs, winograd, several_tasks;
} kinds;

static void note_steps(const onefold_exec *exec, kinds *seen) {
  onefold_exec_step step;
  onefold_exec_info info;
  onefold_exec_get_info(exec, &info);
  for (size_t i = 0; i < info.steps; i++) {
    test_ok(NULL, onefold_exec_get_step(exec, i, &step));
    seen->pairs += step.conv_count == 2;
    for (size_t k = 0; k < step.conv_count; k++) {
      seen->winograd += strncmp(step.convs[k].plan.algorithm, "winograd", 8) == 0;
      seen->several_tasks += step.convs[k].tiling.threads > 1;
    }
  }
}

typedef struct network_case {
  const char *name;
  int size, batch, threads;
  onefold_pairs pairs;
} network_case;

static const network_case cases[] = {
    {"repghostnet-0.5x", 64, 1, 1, ONEFOLD_PAIRS_ALWAYS},
    {"repghostnet-0.5x", 64, 2, 2, ONEFOLD_PAIRS_ALWAYS},
    {"repghostnet-0.5x", 32, 2, 1, ONEFOLD_PAIRS_NEVER},
    {"repvgg-a0", 64, 1, 2, ONEFOLD_PAIRS_WHERE_FASTER},
    {"repvgg-a0", 64, 2, 1, ONEFOLD_PAIRS_WHERE_FASTER},
    {"yolov7-tiny", 64, 1, 1, ONEFOLD_PAIRS_WHERE_FASTER},
    {"yolov7-tiny", 64, 2, 2, ONEFOLD_PAIRS_WHERE_FASTER},
};

static float *zeros(onefold_shape s) {
  float *values = calloc(test_elements(s), sizeof *values);
  assert_non_null(values);
  return values;
}

/// The case's network, folded and packed.
static onefold_exec *prepare(onefold_context *context, const network_case *c) {
  const onefold_exec_options options = {
      .struct_size = sizeof options, .fuse_epilogues = 1, .pairs = c->pairs};
  const onefold_shape in = {c->batch, 3, c->size, c->size};
  onefold_weights *weights = NULL;
  onefold_graph *graph = NULL, *folded = NULL;
  onefold_exec *exec = NULL;
  test_ok(context, onefold_weights_seeded(context, 5, &weights));
  test_ok(context, onefold_network_build(context, c->name, in, weights, &graph));
  test_ok(context, onefold_fold(context, graph, NULL, &folded));
  test_ok(context, onefold_exec_create(context, folded, &options, &exec));
  test_ok(context, onefold_exec_pack(exec));
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return exec;
}

static void run_counted(const network_case *c, kinds *seen) {
  enum { RUNS = 3, MOST_OUTPUTS = 4 };
  atomic_int context_calls = 0;
  onefold_context *context = make_context(c->threads, &context_calls);
  onefold_exec *exec = prepare(context, c);
  note_steps(exec, seen);
  float *x = zeros(onefold_exec_input_shape(exec, 0)), *y[MOST_OUTPUTS] = {0};
  for (size_t k = 0; k < MOST_OUTPUTS && onefold_exec_output_shape(exec, k).n; k++)
    y[k] = zeros(onefold_exec_output_shape(exec, k));
  onefold_status status = ONEFOLD_OK;
  atomic_store(&context_calls, 0);
  test_watch_begin();
  for (int i = 0; i < RUNS && status == ONEFOLD_OK; i++)
    status = onefold_exec_run(exec, (const float *const[]){x}, y);
  const int calls = test_watch_end(), of_context = atomic_load(&context_calls);
  test_ok(context, status);
  if (calls || of_context)
    test_failed("%d calls of the C library's allocator, %d of the context's", calls, of_context);
  for (size_t k = 0; k < MOST_OUTPUTS; k++) free(y[k]);
  free(x);
  onefold_exec_destroy(exec);
  onefold_context_destroy(context);
}

static void test_networks(void **state) {
  kinds seen = {0};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const network_case *c = &cases[i];
    test_case("%s, %dx%d, batch %d, %d threads", c->name, c->size, c->size, c->batch, c->threads);
    run_counted(c, &seen);
  }
  assert_true(seen.pairs > 0 && seen.winograd > 0 && seen.several_tasks > 0);
}

/// The wrappers and the context's allocator do count what making a graph allocates.
static void test_watch(void **state) {
  atomic_int context_calls = 0;
  onefold_context *context = make_context(1, &context_calls);
  onefold_graph *graph = NULL;
  (void)state;
  atomic_store(&context_calls, 0);
  test_watch_begin();
  const onefold_status status = onefold_graph_create(context, &graph);
  const int calls = test_watch_end();
  test_ok(context, status);
  assert_true(atomic_load(&context_calls) > 0 && calls >= atomic_load(&context_calls));
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_watch), cmocka_unit_test(test_networks)};
  return cmocka_run_group_tests_name("graph_alloc", tests, NULL, NULL) != 0;
}
