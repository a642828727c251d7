// SPDX-License-Identifier: BSD-3-Clause
// Whole networks run end to end on small images: the eager training form, the branches and the
// folded form agree, and activations neither explode nor vanish with generated weights.
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>

enum { SEED = 11 };

static double norm(const float *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
  return sqrt(sum);
}

/// |y - want| / |want| is at most `limit`: 1e-5 is what float sums in another order come to.
static void expect_within(const float *y, const float *want, size_t count, double limit,
                          const char *form) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    const double d = (double)y[i] - (double)want[i];
    sum += d * d;
  }
  const double error = sqrt(sum) / norm(want, count);
  if (!(error <= limit)) test_failed("%s: relative error %.3g", form, error);
}

static void expect_close(const float *y, const float *want, size_t count, const char *form) {
  expect_within(y, want, count, 1e-5, form);
}

static size_t output_size(const onefold_graph *graph, int32_t k) {
  size_t count;
  assert_true(onefold_shape_elements(graph->nodes[graph->outputs[k]].shape, &count));
  return count;
}

/// Holds the branches and the folded form to the eager training form; returns the latter's
/// outputs, to be freed.
static float **check_forms(onefold_context *context, const onefold_graph *graph,
                           const float *const *x) {
  onefold_graph *branches = graph_branches(context, graph, NULL);
  onefold_graph *folded = graph_fold(context, graph, NULL);
  const struct {
    const char *name;
    const onefold_graph *graph;
    int fused;
  } forms[] = {{"training", graph, 1},
               {"branches", branches, 1},
               {"folded", folded, 1},
               {"folded, eager", folded, 0}};
  float **want = graph_run(context, graph, (graph_form){0, ONEFOLD_NCHW, ONEFOLD_NCHW}, x);
  for (int32_t k = 0; k < graph->output_count; k++) {
    const size_t count = output_size(graph, k);
    const double rms = norm(want[k], count) / sqrt((double)count);
    if (!(rms > 1e-3 && rms < 1e3)) test_failed("output %d has rms %.3g", (int)k, rms);
  }
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const graph_form form = {forms[i].fused, ONEFOLD_NCHW, ONEFOLD_NCHW};
    float **y = graph_run(context, forms[i].graph, form, x);
    for (int32_t k = 0; k < graph->output_count; k++)
      expect_close(y[k], want[k], output_size(graph, k), forms[i].name);
    free(y);
  }
  onefold_graph_destroy(folded);
  onefold_graph_destroy(branches);
  return want;
}

static onefold_graph *build(onefold_context *context, const char *name, onefold_shape in) {
  onefold_weights *weights;
  onefold_graph *graph = NULL;
  test_case("%s %dx%d", name, (int)in.h, (int)in.w);
  test_ok(context, onefold_weights_seeded(context, SEED, &weights));
  test_ok(context, onefold_network_build(context, name, in, weights, &graph));
  onefold_weights_close(weights);
  return graph;
}

static void test_networks(void **state) {
  static const struct {
    const char *name;
    onefold_shape in;
  } cases[] = {
      {"repvgg-a0", {1, 3, 64, 64}},        {"repghostnet-0.5x", {1, 3, 64, 64}},
      {"repghostnet-0.5x", {2, 3, 33, 47}}, {"mobileone-s0", {1, 3, 64, 64}},
      {"yolov7-tiny", {1, 3, 64, 32}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_context *context = test_context(test_level(state), 1);
    test_rng rng = {SEED + i};
    onefold_graph *graph = build(context, cases[i].name, cases[i].in);
    const float *const *x = graph_random_inputs(&rng, graph);
    free(check_forms(context, graph, x));
    free((void *)x);
    onefold_graph_destroy(graph);
    onefold_context_destroy(context);
  }
}

/// The eager form against the evaluation in double precision.
static void test_against_reference(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {SEED};
  onefold_graph *graph = build(context, "repghostnet-0.5x", (onefold_shape){1, 3, 32, 32});
  const float *const *x = graph_random_inputs(&rng, graph);
  float **y = check_forms(context, graph, x);
  graph_result reference = graph_reference(graph, x, 0);
  float *want = malloc(reference.count * sizeof *want);
  assert_non_null(want);
  for (size_t i = 0; i < reference.count; i++) want[i] = (float)reference.value[i];
  expect_close(y[0], want, reference.count, "eager");
  free(want);
  graph_result_free(&reference);
  free(y);
  free((void *)x);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

/// Blocks one behind the other or side by side, each on an input of its own.
typedef struct part {
  const char *block, *prefix, *params;
  onefold_shape in;
} part;

static void check_parts(onefold_context *context, const part *parts, size_t count) {
  onefold_weights *weights;
  onefold_graph *graph;
  test_rng rng = {SEED};
  test_case("%zu x %s", count, parts[0].block);
  test_ok(context, onefold_weights_seeded(context, SEED, &weights));
  test_ok(context, onefold_graph_create(context, &graph));
  for (size_t i = 0; i < count; i++) {
    onefold_block_params params;
    test_ok(context, onefold_block_params_init(context, parts[i].block, &params));
    test_ok(context, onefold_block_params_set(context, &params, parts[i].params));
    params.prefix = parts[i].prefix;
    onefold_node node = onefold_graph_input(graph, parts[i].in);
    test_ok(context, onefold_block_append(context, graph, &node, 1, parts[i].block, &params,
                                          weights, &node));
    test_ok(context, onefold_graph_output(graph, node));
  }
  onefold_weights_close(weights);
  const float *const *x = graph_random_inputs(&rng, graph);
  free(check_forms(context, graph, x));
  free((void *)x);
  onefold_graph_destroy(graph);
}

/// YOLOv7's three RepConvs, at a fifth of the published image.
static void test_yolov7_head(void **state) {
  static const part head[] = {
      {"repconv", "model.102.", "out_channels=256", {1, 128, 16, 16}},
      {"repconv", "model.103.", "out_channels=512", {1, 256, 8, 8}},
      {"repconv", "model.104.", "out_channels=1024", {1, 512, 4, 4}},
  };
  onefold_context *context = test_context(test_level(state), 1);
  check_parts(context, head, sizeof head / sizeof *head);
  onefold_context_destroy(context);
}

static void test_c3_orepa(void **state) {
  static const part c3 = {
      "c3_orepa", "model.2.", "out_channels=128 repeats=2 shortcut=0", {1, 128, 9, 7}};
  onefold_context *context = test_context(test_level(state), 1);
  check_parts(context, &c3, 1);
  onefold_context_destroy(context);
}

/// Every network on a small image, the training form against the folded one, at the best level.
/// Where tests are scaled down, without those of more than ten million parameters.
static void test_every_network(void **state) {
  enum { FEW = 10000000 };
  (void)state;
  for (size_t i = 0; onefold_network_name(i); i++) {
    onefold_context *context;
    test_rng rng = {SEED + i};
    const graph_form form = {1, ONEFOLD_NCHW, ONEFOLD_NCHW};
    assert_int_equal(onefold_context_create(NULL, &context), ONEFOLD_OK);
    onefold_graph *graph = build(context, onefold_network_name(i), (onefold_shape){1, 3, 32, 64});
    if (test_scaled(10) == 10 || onefold_graph_count(graph).parameters < FEW) {
      const float *const *x = graph_random_inputs(&rng, graph);
      onefold_graph *folded = graph_fold(context, graph, NULL);
      float **want = graph_run(context, graph, form, x);
      float **y = graph_run(context, folded, form, x);
      for (int32_t k = 0; k < graph->output_count; k++)
        expect_within(y[k], want[k], output_size(graph, k), 1e-4, "folded");
      free(y);
      free(want);
      free((void *)x);
      onefold_graph_destroy(folded);
    }
    onefold_graph_destroy(graph);
    onefold_context_destroy(context);
  }
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest every[] = {cmocka_unit_test(test_every_network)};
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_networks),
      cmocka_unit_test(test_against_reference),
      cmocka_unit_test(test_yolov7_head),
      cmocka_unit_test(test_c3_orepa),
  };
  const int failures = cmocka_run_group_tests_name("every_network", every, NULL, NULL);
  return failures + test_every_level("networks", tests, sizeof tests / sizeof *tests);
}
