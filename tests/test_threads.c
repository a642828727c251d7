// SPDX-License-Identifier: BSD-3-Clause
// What may be shared between threads: a plan and its weights, a context that
// makes plans, and its last error. The tasks of a run go to threads of the
// caller, since OpenMP's are opaque to the thread sanitizer.
#include "arch/cores.h"
#include "tests/conv_support.h"
#include "tests/thread_support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLERS = 4 };

static onefold_context *make_context(int own_threads) {
  onefold_context_options options;
  onefold_context *context = NULL;
  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  options.threads = 4;
  options.parallel_for = own_threads ? test_on_threads : NULL;
  options.accuracy = ONEFOLD_ACCURACY_STRICT;
  test_ok(NULL, onefold_context_create(&options, &context));
  return context;
}

// ------------------------------------------------------ one plan, many threads

typedef struct runner {
  const onefold_conv2d_plan *plan;
  const onefold_conv2d_packed *packed;
  onefold_conv2d_buffers buffers; // input and scale are shared
  const float *want;
  size_t floats;
  int runs;
} runner;

static void *run_often(void *arg) {
  runner *r = arg;
  for (int i = 0; i < r->runs; i++) {
    memset(r->buffers.output, 0xFF, r->floats * sizeof(float));
    if (onefold_conv2d_run(r->plan, r->packed, &r->buffers) != ONEFOLD_OK) return "run failed";
    if (memcmp(r->buffers.output, r->want, r->floats * sizeof(float)) != 0) {
      return "the output differs from that of one thread";
    }
  }
  return NULL;
}

static float *allocate(size_t floats) {
  float *values = aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64 + 64);
  assert_non_null(values);
  return values;
}

static void share_plan(onefold_context *context, int index) {
  test_rng rng = {UINT64_C(60000) + (uint64_t)index};
  onefold_conv2d_desc d;
  onefold_shape out;
  conv_case c;
  char text[384];
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  onefold_conv2d_plan_info info;
  runner runners[CALLERS];

  do conv_draw(&rng, 4e6, &d, &out);
  while (index % 2 && conv_macs(&d, out) < 15e5); // several tasks
  conv_draw_epilogue(&rng, 0, &d);
  conv_case_make(&c, &rng, &d, 0);
  conv_describe(&d, text, sizeof(text));
  test_case("case %d: %s", index, text);
  const onefold_conv2d_weights weights = {c.weight, c.bias, c.residual_scale};
  test_ok(context, onefold_conv2d_plan_create(context, &d, &plan));
  test_ok(context, onefold_conv2d_pack(plan, &weights, &packed));
  onefold_conv2d_plan_get_info(plan, &info);
  const int v = onefold_context_block(context);
  const size_t n = test_layout_elements(out, d.out_layout, v);
  float *input = allocate(test_layout_elements(c.in, d.in_layout, v));
  float *residual = allocate(n), *want = allocate(n);
  test_to_layout(c.in, c.x, d.in_layout, v, 1.0f, input);
  if (c.residual) test_to_layout(out, c.residual, d.out_layout, v, 1.0f, residual);
  for (int i = 0; i < CALLERS; i++) {
    runners[i] = (runner){plan,
                          packed,
                          {input, c.residual ? residual : NULL, c.scale, allocate(n),
                           allocate(info.workspace_bytes / sizeof(float))},
                          want,
                          n,
                          test_scaled(5)};
  }
  test_ok(context, onefold_conv2d_run(plan, packed, &runners[0].buffers));
  memcpy(want, runners[0].buffers.output, n * sizeof(float));
  test_run_callers(run_often, runners, sizeof(*runners), CALLERS);
  for (int i = 0; i < CALLERS; i++) {
    free(runners[i].buffers.output);
    free(runners[i].buffers.workspace);
  }
  free(input);
  free(residual);
  free(want);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  conv_case_destroy(&c);
}

static void test_shared_plan(void **state) {
  onefold_context *context = make_context(1);
  const int cases = test_scaled(40);
  (void)state;
  for (int i = 0; i < cases; i++) share_plan(context, i);
  onefold_context_destroy(context);
}

static void test_shared_plan_openmp(void **state) {
  (void)state;
#if TEST_TSAN
  print_message("SKIP OpenMP under the thread sanitizer\n");
  skip();
#else
  onefold_context *context = make_context(0);
  const int cases = test_scaled(20);
  for (int i = 0; i < cases; i++) share_plan(context, i);
  onefold_context_destroy(context);
#endif
}

// --------------------------------------------------- one context, many threads

typedef struct maker {
  onefold_context *context;
  uint64_t seed;
  int plans;
} maker;

static void *make_plans(void *arg) {
  const maker *m = arg;
  static const float zeros[64 * 64 * 49];
  for (int i = 0; i < m->plans; i++) {
    test_rng rng = {m->seed + (uint64_t)i};
    onefold_conv2d_desc d;
    onefold_shape out, shape;
    onefold_conv2d_plan *plan = NULL;
    onefold_conv2d_packed *packed = NULL;
    char text[512];
    conv_draw(&rng, 3e5, &d, &out);
    const onefold_conv2d_weights weights = {zeros, zeros, NULL};
    if (onefold_conv2d_plan_create(m->context, &d, &plan) != ONEFOLD_OK) return "plan failed";
    if (onefold_conv2d_pack(plan, &weights, &packed) != ONEFOLD_OK) return "pack failed";
    onefold_conv2d_packed_destroy(packed);
    onefold_conv2d_plan_destroy(plan);
    // A failure, and whichever thread's sentence is the last.
    d.groups = 1 + d.in_channels;
    if (onefold_conv2d_output_shape(m->context, &d, &shape) != ONEFOLD_SHAPE_MISMATCH) {
      return "a wrong problem was accepted";
    }
    if (onefold_context_last_error(m->context, text, sizeof(text)) != ONEFOLD_SHAPE_MISMATCH ||
        strncmp(text, "groups is ", 10) != 0) {
      return "the last error is not a whole sentence";
    }
  }
  return NULL;
}

static void test_shared_context(void **state) {
  onefold_context *context = make_context(1);
  maker makers[CALLERS];
  (void)state;
  for (int i = 0; i < CALLERS; i++) {
    makers[i] = (maker){context, (uint64_t)i * 1000u, test_scaled(100)};
  }
  test_run_callers(make_plans, makers, sizeof(*makers), CALLERS);
  onefold_context_destroy(context);
}

// ------------------------------------------------------------ calls together

/// OpenMP's, where the library brings it.
__attribute__((weak)) int omp_in_parallel(void);

typedef struct together {
  const onefold_context *context;
  const runner *runner;
  pthread_t caller;
  int calls, in_parallel, deeper;
  const char *wrong;
} together;

static void run_together(void *arg) {
  together *t = arg;
  t->calls++;
  if (!pthread_equal(t->caller, pthread_self())) t->wrong = "body runs on another thread";
  t->in_parallel = omp_in_parallel && omp_in_parallel();
  if (!t->wrong) t->wrong = run_often((void *)(uintptr_t)t->runner);
  if (t->calls > 1) return;
  onefold_context_together(t->context, run_together, t); // changes nothing
}

/// Whether threads of this context wait for the runs of a body, which must give the same bits.
static int waits_for(onefold_context *context, const runner *r) {
  together t = {.context = context, .runner = r, .caller = pthread_self()};
  onefold_context_together(context, run_together, &t);
  if (t.wrong) test_failed("%s", t.wrong);
  assert_int_equal(t.calls, 2);
  return t.in_parallel;
}

static void test_together(void **state) {
  (void)state;
#if TEST_TSAN
  print_message("SKIP OpenMP under the thread sanitizer\n");
  skip();
#else
  static const char problem[] = "mb1ic32ih40oc32kh3ph1";
  onefold_conv2d_desc d;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  onefold_conv2d_plan_info info;
  const int cores = onefold_cores_usable();
  const size_t n = 32 * 40 * 40;
  float *input = allocate(n), *weight = allocate(32 * 32 * 9), *output = allocate(n),
        *want = allocate(n);
  for (size_t i = 0; i < n; i++) input[i] = (float)(i % 7) - 3;
  for (size_t i = 0; i < 32 * 32 * 9; i++) weight[i] = (float)(i % 5) - 2;
  const onefold_conv2d_weights weights = {.weight = weight};
  for (int i = 0; i < 4; i++) { // one thread, two, a thread too many, the caller's own
    const onefold_context_options options = {.struct_size = sizeof options,
                                             .threads = i == 0   ? 1
                                                        : i == 2 ? cores + 1
                                                                 : 2,
                                             .parallel_for = i == 3 ? test_on_threads : NULL};
    onefold_context *context = NULL;
    test_ok(NULL, onefold_context_create(&options, &context));
    test_ok(context, onefold_conv2d_desc_parse(context, problem, &d));
    test_ok(context, onefold_conv2d_plan_create(context, &d, &plan));
    test_ok(context, onefold_conv2d_pack(plan, &weights, &packed));
    onefold_conv2d_plan_get_info(plan, &info);
    float *workspace = allocate(info.workspace_bytes / sizeof(float));
    const runner r = {plan, packed, {input, NULL, NULL, output, workspace}, want, n, 50};
    test_ok(context, onefold_conv2d_run(plan, packed, &r.buffers));
    memcpy(want, output, n * sizeof *want);
    assert_int_equal(waits_for(context, &r), i == 1 && cores >= 2 && omp_in_parallel);
    free(workspace);
    onefold_conv2d_packed_destroy(packed);
    onefold_conv2d_plan_destroy(plan);
    onefold_context_destroy(context);
  }
  together t = {.calls = 1, .caller = pthread_self(), .wrong = "not run"};
  onefold_context_together(NULL, run_together, &t);
  assert_int_equal(t.calls, 2);
  free(input);
  free(weight);
  free(output);
  free(want);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shared_plan),
      cmocka_unit_test(test_shared_plan_openmp),
      cmocka_unit_test(test_shared_context),
      cmocka_unit_test(test_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
