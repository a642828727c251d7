// SPDX-License-Identifier: BSD-3-Clause
// Graphs and executions: building and its errors, totals, layouts, fused epilogues, buffers.
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static onefold_context *level_context(void **state, int threads) {
  return test_context(test_level(state), threads);
}

// ---------------------------------------------------------------------- building

static onefold_graph *with_input(onefold_context *context, int64_t c, int64_t h, int64_t w) {
  return graph_with_input(context, (onefold_shape){1, c, h, w});
}

static void test_build_errors(void **state) {
  onefold_context *context = level_context(state, 1);
  onefold_graph *g = graph_empty(context);
  graph_expect_failure(context, g, onefold_graph_input(g, (onefold_shape){1, 3, 0, 4}),
                       ONEFOLD_INVALID_ARGUMENT, "1x3x0x4");
  g = graph_empty(context);
  graph_expect_failure(context, g,
                       onefold_graph_input(g, (onefold_shape){1, 1 << 20, 1 << 30, 1 << 30}),
                       ONEFOLD_OVERFLOW, "does not fit");
  const float w[16 * 9] = {0}, ones[16] = {1, 1, 1, 1}, bad[2] = {1, NAN}, negative[2] = {1, -2};
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(4, 3, 1, 1);
  g = with_input(context, 4, 5, 6);
  graph_expect_failure(context, g, onefold_graph_conv2d(g, 0, NULL, w, NULL),
                       ONEFOLD_INVALID_ARGUMENT, "params");
  g = with_input(context, 4, 5, 6);
  graph_expect_failure(context, g, onefold_graph_conv2d(g, 0, &k3, NULL, NULL),
                       ONEFOLD_INVALID_ARGUMENT, "weight");
  g = with_input(context, 4, 5, 6);
  graph_expect_failure(context, g, onefold_graph_conv2d(g, 1, &k3, w, NULL),
                       ONEFOLD_INVALID_ARGUMENT, "node 1 does not exist");
  onefold_graph_conv2d_params p = k3;
  p.groups = 3;
  g = with_input(context, 4, 5, 6);
  graph_expect_failure(context, g, onefold_graph_conv2d(g, 0, &p, w, NULL), ONEFOLD_SHAPE_MISMATCH,
                       "3");
  p = k3;
  p.stride_h = 0;
  g = with_input(context, 4, 5, 6);
  graph_expect_failure(context, g, onefold_graph_conv2d(g, 0, &p, w, NULL),
                       ONEFOLD_INVALID_ARGUMENT, "stride");
  g = with_input(context, 2, 2, 2);
  graph_expect_failure(
      context, g, onefold_graph_batch_norm(g, 0, &(onefold_batch_norm_params){.variance = ones}),
      ONEFOLD_INVALID_ARGUMENT, "mean is NULL");
  g = with_input(context, 2, 2, 2);
  graph_expect_failure(
      context, g,
      onefold_graph_batch_norm(
          g, 0, &(onefold_batch_norm_params){.mean = ones, .variance = negative, .epsilon = 1}),
      ONEFOLD_INVALID_ARGUMENT, "variance + epsilon of channel 1 is -1");
  g = with_input(context, 2, 2, 2);
  graph_expect_failure(
      context, g,
      onefold_graph_batch_norm(
          g, 0, &(onefold_batch_norm_params){.gamma = bad, .mean = ones, .variance = ones}),
      ONEFOLD_INVALID_ARGUMENT, "gamma of channel 1");
  g = with_input(context, 2, 2, 2);
  graph_expect_failure(context, g, onefold_graph_sum(g, NULL, 2), ONEFOLD_INVALID_ARGUMENT, "NULL");
  g = with_input(context, 2, 2, 2);
  const onefold_node other = onefold_graph_input(g, (onefold_shape){1, 2, 2, 3});
  graph_expect_failure(context, g, onefold_graph_sum(g, (const onefold_node[]){0, other}, 2),
                       ONEFOLD_SHAPE_MISMATCH, "1x2x2x3");
  g = with_input(context, 2, 2, 2);
  graph_expect_failure(context, g, onefold_graph_activation(g, 0, (onefold_activation)8, 0),
                       ONEFOLD_INVALID_ARGUMENT, "activation 8");
  onefold_squeeze_excite_params se = {
      .hidden = 2, .reduce_weight = w, .expand_weight = w, .gate = ONEFOLD_ACT_SIGMOID};
  se.gate = ONEFOLD_ACT_RELU;
  g = with_input(context, 2, 2, 2);
  graph_expect_failure(context, g, onefold_graph_squeeze_excite(g, 0, &se),
                       ONEFOLD_INVALID_ARGUMENT, "relu");
  se.gate = ONEFOLD_ACT_HARD_SIGMOID;
  se.hidden = 0;
  g = with_input(context, 2, 2, 2);
  graph_expect_failure(context, g, onefold_graph_squeeze_excite(g, 0, &se),
                       ONEFOLD_INVALID_ARGUMENT, "hidden is 0");
  g = with_input(context, 2, 2, 2);
  assert_int_equal(onefold_graph_output(g, 5), ONEFOLD_INVALID_ARGUMENT);
  onefold_graph_destroy(g);
  assert_int_equal(onefold_graph_create(NULL, &g), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_graph_status(NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_graph_input(NULL, (onefold_shape){1, 1, 1, 1}), ONEFOLD_NO_NODE);
  onefold_graph_destroy(NULL);
  onefold_context_destroy(context);
}

static void test_totals_and_names(void **state) {
  onefold_context *context = level_context(state, 1);
  test_rng rng = {61};
  onefold_graph *g = with_input(context, 6, 9, 8);
  onefold_graph_conv2d_params p = onefold_graph_conv2d_square(4, 3, 2, 2);
  const onefold_node conv = graph_random_conv(&rng, g, 0, &p, 1);
  const onefold_node bn = graph_random_bn(&rng, g, conv, 1e-5);
  const onefold_shape shape = onefold_graph_shape(g, bn);
  assert_true(shape.n == 1 && shape.c == 4 && shape.h == 5 && shape.w == 4);
  const onefold_graph_totals totals = onefold_graph_count(g);
  assert_int_equal(totals.nodes, 3);
  assert_int_equal(totals.parameters, 4 * 3 * 9 + 4 + 8);
  assert_true(totals.macs == 4.0 * 3 * 9 * 20);
  char name[200];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  onefold_graph_name(g, conv, name);
  assert_int_equal(strlen(g->nodes[conv].name), 95);
  assert_true(onefold_graph_shape(g, 99).n == 0);
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

// ----------------------------------------------------------------------- running

static void test_forms_and_layouts(void **state) {
  test_rng rng = {62};
  const onefold_shape shapes[] = {{1, 3, 5, 6}, {2, 17, 4, 7}, {1, 40, 3, 3}};
  for (int threads = 1; threads <= 2; threads++)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
      onefold_context *context = level_context(state, threads);
      onefold_graph *g = graph_mixed(context, &rng, shapes[i]);
      const float *const *x = graph_random_inputs(&rng, g);
      graph_result reference = graph_reference(g, x, 0);
      for (int fused = 0; fused <= 1; fused++)
        for (int in = 0; in < 3; in++)
          for (int out = 0; out < 3; out++) {
            test_case("%lld channels, %d threads, fused %d, %s to %s", (long long)shapes[i].c,
                      threads, fused, onefold_layout_name((onefold_layout)in),
                      onefold_layout_name((onefold_layout)out));
            float **y = graph_run(context, g,
                                  (graph_form){fused, (onefold_layout)in, (onefold_layout)out}, x);
            graph_expect(&reference, y[0], 1);
            free(y);
          }
      graph_check_forms(context, g, x);
      graph_result_free(&reference);
      free((void *)x);
      onefold_graph_destroy(g);
      onefold_context_destroy(context);
    }
}

static void test_epilogues(void **state) {
  onefold_context *context = level_context(state, 1);
  test_rng rng = {63};
  graph_text text;
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(16, 3, 1, 1);

  // Two convolutions and a scaled identity: two steps, the activation in the last one.
  onefold_graph *g = with_input(context, 16, 5, 5);
  const onefold_node terms[3] = {graph_random_conv(&rng, g, 0, &k3, 1),
                                 graph_random_conv(&rng, g, 0, &k3, 0),
                                 graph_random_bn(&rng, g, 0, 1e-5)};
  onefold_graph_output(
      g, onefold_graph_activation(g, onefold_graph_sum(g, terms, 3), ONEFOLD_ACT_RELU, 0));
  assert_int_equal(graph_steps(context, g, 1, &text), 2);
  assert_non_null(strstr(text.text, "+residual*scale"));
  assert_non_null(strstr(text.text, "+residual +relu"));
  assert_int_equal(graph_steps(context, g, 0, &text), 6);
  assert_null(strstr(text.text, "+"));
  onefold_graph_destroy(g);

  // act(conv(x)) + x: one step.
  g = with_input(context, 16, 5, 5);
  const onefold_node act =
      onefold_graph_activation(g, graph_random_conv(&rng, g, 0, &k3, 1), ONEFOLD_ACT_SILU, 0);
  onefold_graph_output(g, onefold_graph_sum(g, (const onefold_node[]){act, 0}, 2));
  assert_int_equal(graph_steps(context, g, 1, &text), 1);
  assert_non_null(strstr(text.text, "+silu +residual"));
  onefold_graph_destroy(g);

  // A convolution that something else reads keeps its own result.
  g = with_input(context, 16, 5, 5);
  const onefold_node conv = graph_random_conv(&rng, g, 0, &k3, 1);
  const onefold_node relu = onefold_graph_activation(g, conv, ONEFOLD_ACT_RELU, 0);
  onefold_graph_output(g, onefold_graph_sum(g, (const onefold_node[]){conv, relu}, 2));
  assert_int_equal(graph_steps(context, g, 1, &text), 3);
  graph_check_random(context, g, &rng);
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

/// Several inputs and outputs keep their order; an input may be an output, and a node twice.
static void test_inputs_and_outputs(void **state) {
  onefold_context *context = level_context(state, 1);
  test_rng rng = {64};
  onefold_graph *g = graph_empty(context);
  const onefold_shape shape = {1, 5, 3, 4};
  enum { COUNT = 5 * 3 * 4 };
  const onefold_node a = onefold_graph_input(g, shape), b = onefold_graph_input(g, shape);
  const onefold_node sum = onefold_graph_sum(g, (const onefold_node[]){a, b}, 2);
  const onefold_node neg = onefold_graph_activation(g, sum, ONEFOLD_ACT_LEAKY_RELU, -1);
  const onefold_node outputs[] = {b, neg, sum, neg, a};
  for (int i = 0; i < 5; i++) test_ok(context, onefold_graph_output(g, outputs[i]));
  for (size_t i = 0; i < 5; i++) assert_int_equal(onefold_graph_output_at(g, i), outputs[i]);
  assert_int_equal(onefold_graph_output_at(g, 5), ONEFOLD_NO_NODE);
  assert_int_equal(onefold_graph_input_at(g, 0), a);
  assert_int_equal(onefold_graph_input_at(g, 1), b);
  assert_int_equal(onefold_graph_input_at(g, 2), ONEFOLD_NO_NODE);
  assert_int_equal(onefold_graph_input_at(NULL, 0), ONEFOLD_NO_NODE);
  float x[2][COUNT], y[5][COUNT];
  test_fill_uniform(&rng, x[0], 2 * (size_t)COUNT);
  onefold_exec *exec;
  test_ok(context, onefold_exec_create(context, g, NULL, &exec));
  onefold_graph *folded = graph_fold(context, g, NULL);
  graph_expect_same(g, folded);
  test_ok(context, onefold_exec_pack(exec));
  onefold_graph_destroy(folded);
  onefold_graph_destroy(g); // packed: no longer needed
  float *const written[5] = {y[0], y[1], y[2], y[3], y[4]};
  const float *const read[2] = {x[0], x[1]};
  test_ok(context, onefold_exec_run(exec, read, written));
  for (int i = 0; i < COUNT; i++) {
    const float s = x[0][i] + x[1][i];
    assert_true(y[0][i] == x[1][i] && y[4][i] == x[0][i]);
    assert_true(y[2][i] == s && y[1][i] == fabsf(s) && y[3][i] == y[1][i]);
  }
  onefold_exec_destroy(exec);
  onefold_context_destroy(context);
}

static void test_run_errors(void **state) {
  onefold_context *context = level_context(state, 1);
  test_rng rng = {65};
  onefold_graph *g = with_input(context, 4, 3, 3);
  onefold_exec *exec = NULL;
  test_fails(context, onefold_exec_create(context, g, NULL, &exec), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "no output");
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(4, 3, 1, 1);
  onefold_graph_output(g, graph_random_conv(&rng, g, 0, &k3, 0));
  onefold_exec_options options = {.struct_size = sizeof options};
  options.in_layout = (onefold_layout)3;
  test_fails(context, onefold_exec_create(context, g, &options, &exec), ONEFOLD_INVALID_ARGUMENT);
  options = (onefold_exec_options){.struct_size = 3};
  test_fails(context, onefold_exec_create(context, g, &options, &exec), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_exec_create(context, NULL, NULL, &exec), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_exec_create(context, g, NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_ok(context, onefold_exec_create(context, g, NULL, &exec));
  float x[100], y[100];
  const float *in = x;
  float *out = y;
  test_fails(context, onefold_exec_run(exec, &in, &out), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "onefold_exec_pack");
  test_ok(context, onefold_exec_pack(exec));
  test_fails(context, onefold_exec_pack(exec), ONEFOLD_INVALID_ARGUMENT);
  test_fill_uniform(&rng, x, 100);
  test_fails(context, onefold_exec_run(exec, NULL, &out), ONEFOLD_BAD_BUFFER);
  test_fails(context, onefold_exec_run(exec, &in, NULL), ONEFOLD_BAD_BUFFER);
  out = NULL;
  test_fails(context, onefold_exec_run(exec, &in, &out), ONEFOLD_BAD_BUFFER);
  out = x + 35;
  test_fails(context, onefold_exec_run(exec, &in, &out), ONEFOLD_BAD_BUFFER);
  test_says(context, "output 0 overlaps input 0");
  out = x + 36;
  test_ok(context, onefold_exec_run(exec, &in, &out));
  out = (float *)((char *)y + 2);
  test_fails(context, onefold_exec_run(exec, &in, &out), ONEFOLD_BAD_BUFFER);
  test_says(context, "aligned");
  assert_int_equal(onefold_exec_run(NULL, &in, &out), ONEFOLD_INVALID_ARGUMENT);
  onefold_exec_destroy(exec);
  onefold_exec_destroy(NULL);
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_build_errors),       cmocka_unit_test(test_totals_and_names),
      cmocka_unit_test(test_forms_and_layouts),  cmocka_unit_test(test_epilogues),
      cmocka_unit_test(test_inputs_and_outputs), cmocka_unit_test(test_run_errors),
  };
  return test_every_level("graph", tests, sizeof tests / sizeof *tests);
}
