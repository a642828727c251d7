// SPDX-License-Identifier: BSD-3-Clause
// Which layers threads are woken for: none that take less time than that, unless a tiling says so;
// but all that have several tasks while the threads of the context stand by.
#include "arch/cores.h"
#include "arch/threads.h"
#include "ops/context.h"
#include "ops/conv_plan.h"
#include "tests/conv_support.h"

#include <pthread.h>
#include <string.h>

static int64_t calls;

static void count_calls(void *user, onefold_task_fn fn, void *arg, size_t n) {
  (void)user;
  calls++;
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

/// Runs 1x1 from 16 to 16 channels at size x size, with a tiling (NULL: the default choice);
/// returns the tasks of its plan, and in `calls` how often the caller's loop was called.
static int32_t run_layer(onefold_context *context, int64_t size, const onefold_tiling *tiling) {
  static float input[64 * 64 * 16], output[64 * 64 * 16], weight[16 * 16];
  onefold_conv2d_desc d;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  onefold_tiling chosen;
  onefold_conv2d_desc_init(&d);
  d.in_channels = d.out_channels = 16;
  d.in_h = d.in_w = size;
  test_ok(context, onefold_conv2d_plan_create_tiled(context, &d, tiling, &plan));
  onefold_conv2d_plan_get_tiling(plan, &chosen);
  test_ok(context, onefold_conv2d_pack(plan, &(onefold_conv2d_weights){.weight = weight}, &packed));
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(plan, &info);
  assert_int_equal(info.workspace_bytes, 0);
  const onefold_conv2d_buffers buffers = {.input = input, .output = output};
  calls = 0;
  test_ok(context, onefold_conv2d_run(plan, packed, &buffers));
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  return chosen.threads;
}

static void test_sizes(void **state) {
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 2, .parallel_for = count_calls};
  const onefold_tiling two = {.threads = 2};
  onefold_context *context = NULL;
  int alone = 0, asleep = 0, woken = 0; // sizes of one task, of several, and of several woken for
  (void)state;
  test_ok(NULL, onefold_context_create(&options, &context));
  for (int64_t size = 1; size <= 64; size++) {
    test_case("%lldx%lld", (long long)size, (long long)size);
    const int32_t tasks = run_layer(context, size, NULL);
    assert_true(calls == 0 || tasks > 1);
    if (tasks == 1) assert_int_equal(asleep + woken, 0); // larger ones have no fewer
    if (tasks > 1 && calls == 0) assert_int_equal(woken, 0);
    alone += tasks == 1;
    asleep += tasks > 1 && calls == 0;
    woken += calls > 0;
    assert_int_equal(run_layer(context, size, &two), 2);
    assert_int_equal(calls, 1);
  }
  assert_true(alone > 0 && asleep > 0 && woken > 0);
  onefold_context_destroy(context);
}

/// Among layers of a graph, smaller ones are shared than alone.
static void test_among(void **state) {
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 2, .parallel_for = count_calls};
  onefold_context *context = NULL;
  int shared = 0;
  (void)state;
  test_ok(NULL, onefold_context_create(&options, &context));
  for (int64_t size = 1; size <= 64; size++) {
    test_case("%lldx%lld", (long long)size, (long long)size);
    onefold_conv2d_desc d;
    onefold_conv2d_plan *alone = NULL, *among = NULL;
    onefold_tiling have, want;
    onefold_conv2d_desc_init(&d);
    d.in_channels = d.out_channels = 16;
    d.in_h = d.in_w = size;
    test_ok(context, onefold_conv2d_plan_create(context, &d, &alone));
    test_ok(context, onefold_conv_plan_among(context, &d, &among));
    onefold_conv2d_plan_get_tiling(alone, &have);
    onefold_conv2d_plan_get_tiling(among, &want);
    assert_true(want.threads >= have.threads);
    shared += want.threads > have.threads;
    onefold_conv2d_plan_destroy(alone);
    onefold_conv2d_plan_destroy(among);
  }
  assert_true(shared > 0);
  onefold_context_destroy(context);
}

typedef struct watch {
  const onefold_context *context;
  pthread_t thread[2];
  int wakes;
} watch;

static void note_thread(void *arg, size_t index) {
  ((watch *)arg)->thread[index] = pthread_self();
}

static void run_tasks(void *arg) {
  watch *w = arg;
  onefold_parallel_if(w->context, w->wakes, note_thread, w, 2);
}

static void test_stand_by(void **state) {
  (void)state;
#if TEST_TSAN
  print_message("SKIP OpenMP under the thread sanitizer\n");
  skip();
#else
  if (!onefold_threads_have_openmp() || onefold_cores_usable() < 2) {
    print_message("SKIP: no threads that could stand by\n");
    skip();
  }
  const onefold_context_options options = {.struct_size = sizeof options, .threads = 2};
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  watch w = {.context = context};
  run_tasks(&w);
  assert_true(pthread_equal(w.thread[0], w.thread[1]));
  onefold_context_together(context, run_tasks, &w);
  assert_false(pthread_equal(w.thread[0], w.thread[1]));
  run_tasks(&w);
  assert_true(pthread_equal(w.thread[0], w.thread[1]));
  w.wakes = 1;
  run_tasks(&w);
  assert_false(pthread_equal(w.thread[0], w.thread[1]));
  onefold_context_destroy(context);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_among),
                                     cmocka_unit_test(test_stand_by)};
  return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
