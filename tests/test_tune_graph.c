// SPDX-License-Identifier: BSD-3-Clause
// Tuning graphs where they run: rows of their layers, pairs of convolutions, and what is left of a
// tuning that a user ends.
#include "tests/record_support.h"

#include <onefold/tune.h>

#include <stdio.h>
#include <string.h>

static int always(void *user) {
  (void)user;
  return 1;
}

/// Rows that come of a graph.
typedef struct rows {
  onefold_record *record;
  int count;
  size_t steps;
} rows;

static void put_row(void *user, const onefold_record_row *row, size_t steps, int is_final) {
  rows *r = user;
  if (!is_final) return;
  test_record_ok(r->record, onefold_record_put(r->record, row, ONEFOLD_RECORD_REPLACE, NULL));
  assert_int_equal(row->key.situation, ONEFOLD_IN_PLACE);
  assert_true(row->median_ns > 0 && row->median_ns <= row->default_ns);
  assert_in_range(row->trials, 5, 256 * steps);
  r->count++;
  r->steps += steps;
}

/// Two convolutions of one problem and one of another; afterwards the context plans as before.
static void test_graph(void **state) {
  (void)state;
  onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  onefold_rotation *rotation = NULL;
  onefold_context *context = NULL;
  onefold_graph *graph = NULL;
  assert_int_equal(onefold_rotation_create(&options, &rotation), ONEFOLD_OK);
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  test_ok(context, onefold_graph_create(context, &graph));
  float weight[16 * 16 * 9] = {0.5f};
  onefold_node node = onefold_graph_input(graph, (onefold_shape){1, 16, 12, 12});
  for (int i = 0; i < 3; i++) {
    onefold_graph_conv2d_params params = onefold_graph_conv2d_square(16, i < 2 ? 3 : 1, 1, 1);
    node = onefold_graph_conv2d(graph, node, &params, weight, NULL);
    assert_int_not_equal(node, ONEFOLD_NO_NODE);
  }
  test_ok(context, onefold_graph_output(graph, node));
  const onefold_exec_options exec = {.struct_size = sizeof exec, .fuse_epilogues = 1};
  rows r = {.record = test_record(NULL, 0, NULL)};
  onefold_tune_options o = {.struct_size = sizeof o, .budget = 2, .candidates = 3, .user = &r};
  onefold_tune_result result = {.struct_size = sizeof result};
  test_ok(context, onefold_tune_graph(context, rotation, graph, &exec, &o, put_row, &result));
  assert_int_equal(result.finished, 1);
  assert_true(r.count >= 2 && r.steps == 3);
  assert_int_equal(test_record_count(r.record), r.count);
  assert_true(result.row.default_ns > 0 && result.row.median_ns > 0 && result.samples > 10);

  onefold_conv2d_desc desc;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_plan_info info;
  test_ok(context, onefold_conv2d_desc_parse(context, "ic16ih12oc16oh12kh3ph1", &desc));
  test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
  onefold_conv2d_plan_get_info(plan, &info);
  assert_string_equal(info.source, "default");
  onefold_conv2d_plan_destroy(plan);

  o.stopped = always;
  const int before = r.count;
  test_ok(context, onefold_tune_graph(context, rotation, graph, &exec, &o, put_row, &result));
  assert_true(result.finished == 0 && r.count == before);
  assert_int_equal(onefold_tune_graph(context, NULL, graph, &exec, &o, put_row, &result),
                   ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_rotation_create(NULL, &rotation), ONEFOLD_INVALID_ARGUMENT);
  onefold_record_close(r.record);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
  onefold_rotation_destroy(rotation);
}

static onefold_graph *separable(onefold_context *context) {
  static const float weight[24 * 24] = {0.5f};
  onefold_graph *graph = NULL;
  test_ok(context, onefold_graph_create(context, &graph));
  onefold_node node = onefold_graph_input(graph, (onefold_shape){1, 24, 40, 40});
  for (int i = 0; i < 2; i++) {
    onefold_graph_conv2d_params params = onefold_graph_conv2d_square(24, i ? 1 : 3, 1, i ? 1 : 24);
    node = onefold_graph_conv2d(graph, node, &params, weight, NULL);
    assert_int_not_equal(node, ONEFOLD_NO_NODE);
  }
  test_ok(context, onefold_graph_output(graph, node));
  return graph;
}

/// Convolutions of the first step that is one or two.
static size_t convolutions(onefold_context *context, const onefold_graph *graph,
                           const char **source) {
  const onefold_exec_options options = {
      .struct_size = sizeof options, .in_layout = ONEFOLD_BLOCKED, .fuse_epilogues = 1};
  onefold_exec *exec = NULL;
  onefold_exec_step step = {.conv_count = 0};
  test_ok(context, onefold_exec_create(context, graph, &options, &exec));
  for (size_t i = 0; !step.conv_count; i++) test_ok(context, onefold_exec_get_step(exec, i, &step));
  static char text[160];
  snprintf(text, sizeof text, "%s", step.convs[0].plan.source);
  *source = text;
  onefold_exec_destroy(exec);
  return step.conv_count;
}

/// A row of the first of two convolutions.
static void keep_first(void *user, const onefold_record_row *row, size_t steps, int is_final) {
  (void)is_final;
  assert_int_equal(steps, 1);
  if (row->key.problem[0] == 'g') *(onefold_record_row *)user = *row;
  assert_true(row->tiling.pair == 0 || row->key.problem[0] == 'g');
}

/// Of a pair whose halves were timed apart and together there is a row in any case, and executions
/// do what a row says.
static void test_pairs(void **state) {
  (void)state;
  onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  onefold_context_options plain = options;
  onefold_rotation *rotation = NULL;
  onefold_context *context = NULL;
  assert_int_equal(onefold_rotation_create(&options, &rotation), ONEFOLD_OK);
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  onefold_graph *graph = separable(context);
  const char *source;
  assert_int_equal(convolutions(context, graph, &source), 1); // what is between fits in L2
  const onefold_exec_options exec = {
      .struct_size = sizeof exec, .in_layout = ONEFOLD_BLOCKED, .fuse_epilogues = 1};
  onefold_record_row row = {.trials = 0};
  const onefold_tune_options o = {
      .struct_size = sizeof o, .budget = 2, .candidates = 2, .user = &row};
  onefold_tune_result result = {.struct_size = sizeof result};
  test_ok(context, onefold_tune_graph(context, rotation, graph, &exec, &o, keep_first, &result));
  assert_int_equal(result.finished, 1);
  assert_true(row.trials >= 5 && row.median_ns > 0 && row.median_ns <= row.default_ns);
  assert_true(row.tiling.pair == 0 || row.tiling.pair == 2);
  assert_int_equal(convolutions(context, graph, &source), 1);

  for (int32_t pair = 1; pair <= 2; pair++) {
    onefold_record *record = test_record(NULL, 0, NULL);
    onefold_tilings *tilings = NULL;
    onefold_context *tuned = NULL;
    onefold_context_options with = plain;
    row.tiling = (onefold_tiling){.pair = pair};
    test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
    test_record_ok(record, onefold_record_attach(record, ONEFOLD_IN_PLACE, NULL, &with, &tilings));
    assert_int_equal(onefold_context_create(&with, &tuned), ONEFOLD_OK);
    assert_int_equal(convolutions(tuned, graph, &source), pair);
    assert_string_equal(source, "record");
    onefold_context_destroy(tuned);
    onefold_tilings_destroy(tilings);
    onefold_record_close(record);
  }
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
  onefold_rotation_destroy(rotation);
}

/// Stops once rounds have begun.
typedef struct stopper {
  int calls, rows;
} stopper;

static int later(void *user) {
  return ++((stopper *)user)->calls > 15;
}

static void count_row(void *user, const onefold_record_row *row, size_t steps, int is_final) {
  (void)row, (void)steps;
  ((stopper *)user)->rows += is_final;
}

/// What was found in the rounds before the user ends them is not lost.
static void test_graph_stopped(void **state) {
  (void)state;
  onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  onefold_rotation *rotation = NULL;
  onefold_context *context = NULL;
  assert_int_equal(onefold_rotation_create(&options, &rotation), ONEFOLD_OK);
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  onefold_graph *graph = separable(context);
  const onefold_exec_options exec = {
      .struct_size = sizeof exec, .fuse_epilogues = 1, .pairs = ONEFOLD_PAIRS_NEVER};
  stopper s = {0};
  const onefold_tune_options o = {
      .struct_size = sizeof o, .budget = 1000, .candidates = 1000, .stopped = later, .user = &s};
  onefold_tune_result result = {.struct_size = sizeof result};
  test_ok(context, onefold_tune_graph(context, rotation, graph, &exec, &o, count_row, &result));
  assert_int_equal(result.finished, 1);
  assert_int_equal(s.rows, 2);
  assert_int_equal(result.row.trials, 11);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
  onefold_rotation_destroy(rotation);
}
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_graph),
      cmocka_unit_test(test_pairs),
      cmocka_unit_test(test_graph_stopped),
  };
  return cmocka_run_group_tests_name("tune graph", tests, NULL, NULL);
}
