// SPDX-License-Identifier: BSD-3-Clause
// What surrounds timed calls: which threads are awake, and which sleep before the clock starts.
// The program's pauses are counted here and take no time; parallel work of ours is seen through
// the context's own threads.
#include "bench/forms.h"
#include "bench/peers/peer.h"
#include "bench/timed.h"
#include "tests/support.h"

#include <string.h>
#include <time.h>

#define SEEN __attribute__((visibility("default"))) // by the shared library, too

SEEN int __wrap_nanosleep(const struct timespec *spell, struct timespec *left);
SEEN void __wrap_onefold_context_together(const onefold_context *context, void (*body)(void *),
                                          void *arg);
void __real_onefold_context_together(const onefold_context *context, void (*body)(void *),
                                     void *arg);

enum { WORKED = 1, RESTED };

static int last;                        // of these two
static const onefold_context *together; // whose threads are kept awake, outermost
static const onefold_context *expected; // the one that they may be of; NULL: any
static size_t togethers;

int __wrap_nanosleep(const struct timespec *spell, struct timespec *left) {
  (void)left;
  assert_true(spell->tv_nsec >= 5 * 1000 * 1000);
  last = RESTED;
  return 0;
}

void __wrap_onefold_context_together(const onefold_context *context, void (*body)(void *),
                                     void *arg) {
  const onefold_context *outer = together;
  if (!outer) together = context;
  togethers++;
  if (expected) assert_ptr_equal(together, expected);
  __real_onefold_context_together(context, body, arg);
  together = outer;
}

static void work(void *user, onefold_task_fn fn, void *arg, size_t n) {
  (void)user;
  last = WORKED;
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

static void open_session(bench_session *session, const bench_options *options) {
  *session = (bench_session){.options = options, .out = stdout};
  const onefold_context_options two = {
      .struct_size = sizeof two, .threads = 2, .parallel_for = work};
  const onefold_context_options one = {.struct_size = sizeof one, .threads = 1};
  char error[256] = "";
  assert_int_equal(onefold_context_create(&two, &session->context), ONEFOLD_OK);
  assert_int_equal(onefold_context_create(&one, &session->fewer), ONEFOLD_OK);
  assert_int_equal(onefold_gbench_open(NULL, 0, NULL, &session->gbench, error, sizeof error),
                   ONEFOLD_GBENCH_OPEN);
}

static void close_session(bench_session *session) {
  assert_int_equal(onefold_gbench_close(session->gbench), 0);
  onefold_context_destroy(session->fewer);
  onefold_context_destroy(session->context);
}

static int expect_rest(void *user) {
  (void)user;
  assert_int_equal(last, RESTED);
  return 0;
}

/// The FMA loop runs before a pause, not after it.
static void test_rest(void **state) {
  (void)state;
  const bench_options options = {.threads = 2};
  bench_session session;
  open_session(&session, &options);
  onefold_gbench_case cases[] = {{.name = "a", .run = expect_rest},
                                 {.name = "b", .run = expect_rest}};
  bench_stat stats[2], *const to[] = {&stats[0], &stats[1]};
  last = 0;
  assert_int_equal(onefold_bench_time(&session, "rest", cases, to, 2, 1e-5, 3), 0);
  assert_int_equal(stats[0].count, 3);
  assert_true(stats[0].peak > 0);
  close_session(&session);
}

static int expect_last(void *user) {
  assert_int_equal(last, *(const int *)user);
  return 0;
}

/// Caches are emptied by OpenMP's threads, which sleep before those of others run.
static void test_peer(void **state) {
  (void)state;
  static const struct {
    int32_t threads, own_threads;
    int last;
  } cases[] = {{2, 1, RESTED}, {2, 0, WORKED}, {1, 1, WORKED}};
  static float values[4096];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const bench_options options = {.threads = cases[i].threads, .cold = BENCH_COLD_ALL};
    bench_session session;
    open_session(&session, &options);
    session.eviction = values;
    session.eviction_floats = sizeof values / sizeof values[0];
    bench_peer_state peer = {.session = &session, .own_threads = cases[i].own_threads};
    onefold_peer_add(&peer, "");
    int want = cases[i].last;
    assert_true(onefold_peer_time(&peer, 0, 3, expect_last, &want) >= 0);
    session.eviction = NULL;
    close_session(&session);
  }
}

/// A form that is run on fewer threads keeps those awake, and never the others.
static void test_fewer(void **state) {
  (void)state;
  bench_options options = {.threads = 2, .fewer = 1};
  options.forms[BENCH_FOLDED] = 1;
  bench_session session;
  open_session(&session, &options);
  bench_model_spec spec = {.block = "repvgg", .problem = "a block"};
  onefold_weights *weights = NULL;
  assert_int_equal(onefold_weights_seeded(session.context, 1, &weights), ONEFOLD_OK);
  assert_int_equal(onefold_block_params_init(session.context, "repvgg", &spec.params), ONEFOLD_OK);
  spec.params.input = (onefold_shape){1, 8, 8, 8};
  spec.params.out_channels = 8;
  spec.weights = weights;
  bench_model model;
  bench_model_again again;
  assert_int_equal(onefold_bench_model_make(&session, &spec, &model), 0);
  assert_int_equal(onefold_bench_model_again_make(&model, NULL, &again), 0);
  onefold_gbench_case one = onefold_bench_again_case(&again.calls, "fewer");
  bench_stat stat, *const to[] = {&stat};
  togethers = 0;
  expected = session.fewer;
  assert_int_equal(onefold_bench_time(&session, "fewer", &one, to, 1, 1e-5, 3), 0);
  assert_int_equal(stat.count, 3);
  assert_true(togethers >= 3);
  expected = NULL;
  onefold_bench_model_again_destroy(&again);
  onefold_bench_model_destroy(&model);
  onefold_weights_close(weights);
  close_session(&session);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rest), cmocka_unit_test(test_peer),
                                     cmocka_unit_test(test_fewer)};
  return cmocka_run_group_tests_name("timed", tests, NULL, NULL);
}
