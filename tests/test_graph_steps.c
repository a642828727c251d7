// SPDX-License-Identifier: BSD-3-Clause
// What an execution tells of its steps, against its graph and totals, and runs with clocks.
#include "graph/exec.h"
#include "tests/graph_support.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SEED = 5, MOST_STEPS = 400 };

/// An execution of a network's folded or training form, packed, with an input and an output.
typedef struct fixture {
  onefold_context *context;
  onefold_graph *graph;
  onefold_exec *exec;
  onefold_exec_info info;
  const float *const *x;
  float *y;
  size_t outputs;
} fixture;

static fixture make(onefold_isa isa, const char *name, int folded, onefold_pairs pairs) {
  fixture f = {.context = test_context(isa, 1)};
  onefold_weights *weights;
  test_rng rng = {SEED};
  test_case("%s %s", name, folded ? "folded" : "training");
  test_ok(f.context, onefold_weights_seeded(f.context, SEED, &weights));
  test_ok(f.context,
          onefold_network_build(f.context, name, (onefold_shape){1, 3, 64, 32}, weights, &f.graph));
  onefold_weights_close(weights);
  if (folded) {
    onefold_graph *training = f.graph;
    f.graph = graph_fold(f.context, training, NULL);
    onefold_graph_destroy(training);
  }
  f.x = graph_random_inputs(&rng, f.graph);
  const onefold_exec_options options = {
      .struct_size = sizeof options, .fuse_epilogues = folded, .pairs = pairs};
  test_ok(f.context, onefold_exec_create(f.context, f.graph, &options, &f.exec));
  test_ok(f.context, onefold_exec_pack(f.exec));
  onefold_exec_get_info(f.exec, &f.info);
  assert_true(f.info.steps > 0 && f.info.steps <= MOST_STEPS);
  const onefold_shape out = onefold_graph_shape(f.graph, onefold_graph_output_at(f.graph, 0));
  f.outputs = onefold_tensor_elements(f.context, out, ONEFOLD_NCHW);
  f.y = malloc(f.outputs * sizeof *f.y);
  assert_non_null(f.y);
  return f;
}

static void destroy(fixture *f) {
  free(f->y);
  free((void *)f->x);
  onefold_exec_destroy(f->exec);
  onefold_graph_destroy(f->graph);
  onefold_context_destroy(f->context);
}

static onefold_exec_step step_at(const fixture *f, size_t index) {
  onefold_exec_step step;
  test_ok(f->context, onefold_exec_get_step(f->exec, index, &step));
  return step;
}

static int same_shape(onefold_shape a, onefold_shape b) {
  return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

/// A convolution reads the image and a residual of its result's size, and writes the result.
static void check_conv(const fixture *f, const onefold_exec_step *step) {
  const onefold_conv2d_desc *first = &step->convs[0].desc;
  const onefold_exec_conv *last = &step->convs[step->conv_count - 1];
  const int paired = strcmp(step->op, "pair") == 0;
  assert_int_equal(step->conv_count, paired ? 2 : 1);
  assert_true(paired || strcmp(step->op, "conv") == 0);
  assert_true(same_shape(
      step->in, (onefold_shape){first->batch, first->in_channels, first->in_h, first->in_w}));
  assert_true(same_shape(step->out, last->plan.out));
  const size_t in = onefold_tensor_elements(f->context, step->in, first->in_layout),
               out = onefold_tensor_elements(f->context, step->out, last->desc.out_layout);
  const int residual = last->desc.residual != ONEFOLD_RESIDUAL_NONE;
  assert_int_equal(step->read_bytes, sizeof(float) * (in + (residual ? out : 0)));
  assert_int_equal(step->written_bytes, sizeof(float) * out);
  size_t packed = 0;
  double macs = 0;
  for (size_t i = 0; i < step->conv_count; i++) {
    const onefold_conv2d_plan_info *plan = &step->convs[i].plan;
    assert_true(strlen(plan->algorithm) > 0 && strncmp(plan->kernel, "onefold_uk_", 11) == 0);
    assert_string_equal(plan->source, "default");
    assert_string_equal(step->convs[i].tiling.algorithm, plan->algorithm);
    assert_true(step->convs[i].tiling.threads > 0);
    packed += plan->packed_bytes;
    macs += plan->macs;
  }
  assert_int_equal(step->packed_bytes, packed);
  assert_true(step->macs == macs);
}

/// Steps add up to the graph's multiply-adds and the execution's weights.
static void check_steps(const fixture *f, int has_pairs) {
  double macs = 0;
  size_t packed = 0, pairs = 0;
  for (size_t i = 0; i < f->info.steps; i++) {
    const onefold_exec_step step = step_at(f, i);
    assert_true(strlen(step.name) > 0 && strlen(step.op) > 0);
    assert_true(step.read_bytes > 0 && step.written_bytes > 0);
    if (step.conv_count) check_conv(f, &step);
    pairs += step.conv_count == 2;
    macs += step.macs;
    packed += step.packed_bytes;
  }
  assert_true(macs == onefold_graph_count(f->graph).macs);
  assert_int_equal(packed, f->info.packed_bytes);
  assert_int_equal(pairs > 0, has_pairs);
  onefold_exec_step step = {.name = "kept"};
  test_fails(f->context, onefold_exec_get_step(f->exec, f->info.steps, &step),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(f->context, "step ");
  assert_string_equal(step.name, "kept");
}

/// The tensors one by one take at least what the arena does without its workspaces.
static void check_memory(const fixture *f) {
  size_t workspace = 0;
  for (size_t i = 0; i < f->info.steps; i++) {
    const onefold_exec_step step = step_at(f, i);
    assert_true(step.workspace_bytes <= f->info.arena_bytes);
    if (step.workspace_bytes > workspace) workspace = step.workspace_bytes;
  }
  assert_true(f->info.arena_bytes > workspace);
  assert_true(f->info.tensor_bytes > f->info.arena_bytes - workspace);
}

static void test_steps(void **state) {
  static const struct {
    const char *name;
    int folded;
    onefold_pairs pairs; // those of MobileOne can all be pairs
  } cases[] = {
      {"repghostnet-0.5x", 1, ONEFOLD_PAIRS_NEVER},
      {"repghostnet-0.5x", 0, ONEFOLD_PAIRS_NEVER},
      {"mobileone-s0", 1, ONEFOLD_PAIRS_ALWAYS},
      {"yolov7-tiny", 1, ONEFOLD_PAIRS_WHERE_FASTER},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fixture f = make(test_level(state), cases[i].name, cases[i].folded, cases[i].pairs);
    check_steps(&f, cases[i].pairs == ONEFOLD_PAIRS_ALWAYS);
    check_memory(&f);
    destroy(&f);
  }
}

/// A part of a concat that has to be copied is as large as that part, on both sides.
static void test_copied_part(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 3, 4, 5});
  const onefold_node parts[] = {0, 0};
  onefold_graph_output(graph, onefold_graph_concat(graph, parts, 2));
  fixture f = {.context = context, .graph = graph};
  test_ok(context, onefold_exec_create(context, graph, NULL, &f.exec));
  onefold_exec_get_info(f.exec, &f.info);
  size_t copies = 0;
  for (size_t i = 0; i < f.info.steps; i++) {
    const onefold_exec_step step = step_at(&f, i);
    if (strcmp(step.op, "copy_channels") != 0) continue;
    copies++;
    assert_int_equal(step.in.c, 3);
    assert_int_equal(step.out.c, 3);
    assert_int_equal(step.read_bytes, 3 * 20 * sizeof(float));
    assert_int_equal(step.written_bytes, 3 * 20 * sizeof(float));
    assert_int_equal(step.conv_count, 0);
  }
  assert_int_equal(copies, 2);
  onefold_exec_destroy(f.exec);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// With clocks a run gives the same bits; the steps' times are within the whole run's.
static void test_clocks(void **state) {
  fixture f = make(test_level(state), "repghostnet-0.5x", 1, ONEFOLD_PAIRS_NEVER);
  double seconds[MOST_STEPS];
  for (size_t i = 0; i < MOST_STEPS; i++) seconds[i] = -1;
  float *again = malloc(f.outputs * sizeof *again);
  assert_non_null(again);
  test_ok(f.context, onefold_exec_run(f.exec, f.x, (float *const[]){f.y}));
  const double start = now();
  test_ok(f.context, onefold_exec_run_timed(f.exec, f.x, (float *const[]){again}, seconds));
  const double whole = now() - start;
  assert_memory_equal(again, f.y, f.outputs * sizeof *again);
  double sum = 0;
  for (size_t i = 0; i < f.info.steps; i++) {
    assert_true(seconds[i] >= 0);
    sum += seconds[i];
  }
  assert_true(sum > 0 && sum <= whole * (1 + 1e-9));
  assert_true(seconds[f.info.steps] < 0);
  test_fails(f.context, onefold_exec_run_timed(f.exec, NULL, (float *const[]){again}, seconds),
             ONEFOLD_BAD_BUFFER);
  free(again);
  destroy(&f);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steps),
      cmocka_unit_test(test_copied_part),
      cmocka_unit_test(test_clocks),
  };
  return test_every_level("graph_steps", tests, sizeof tests / sizeof *tests);
}
