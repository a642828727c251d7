// SPDX-License-Identifier: BSD-3-Clause
// Execution, reports and checks of graphs.
#include "tests/graph_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// An array of `count` arrays in one allocation.
static float **allocate_arrays(const size_t *sizes, size_t count) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += sizes[i];
  float **arrays = malloc(count * sizeof *arrays + total * sizeof **arrays);
  assert_non_null(arrays);
  float *next = (float *)(arrays + count);
  for (size_t i = 0; i < count; next += sizes[i++]) arrays[i] = next;
  return arrays;
}

enum { MOST_ENDS = 8 };

/// Sizes of a graph's inputs or outputs in a layout; returns how many there are.
static size_t input_sizes(const onefold_graph *graph, onefold_layout layout, int block,
                          onefold_shape *shapes, size_t *sizes) {
  size_t count = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    if (graph->nodes[i].kind != ONEFOLD_NODE_INPUT) continue;
    assert_true(count < MOST_ENDS);
    shapes[count] = graph->nodes[i].shape;
    sizes[count] = test_layout_elements(shapes[count], layout, block);
    count++;
  }
  return count;
}

static size_t output_sizes(const onefold_graph *graph, onefold_layout layout, int block,
                           onefold_shape *shapes, size_t *sizes) {
  const size_t count = (size_t)graph->output_count;
  assert_true(count <= MOST_ENDS);
  for (size_t k = 0; k < count; k++) {
    shapes[k] = onefold_graph_shape(graph, graph->outputs[k]);
    sizes[k] = test_layout_elements(shapes[k], layout, block);
  }
  return count;
}

float **graph_run(onefold_context *context, const onefold_graph *graph, graph_form form,
                  const float *const *x) {
  const onefold_exec_options options = {.struct_size = sizeof options,
                                        .in_layout = form.in,
                                        .out_layout = form.out,
                                        .fuse_epilogues = form.fused};
  const int block = onefold_context_block(context);
  onefold_shape in[MOST_ENDS], out[MOST_ENDS];
  size_t sizes[MOST_ENDS], plain[MOST_ENDS];
  const size_t ins = input_sizes(graph, form.in, block, in, sizes);
  float **inputs = allocate_arrays(sizes, ins);
  for (size_t i = 0; i < ins; i++) test_to_layout(in[i], x[i], form.in, block, 7.5f, inputs[i]);
  const size_t outs = output_sizes(graph, ONEFOLD_NCHW, block, out, plain);
  float **y = allocate_arrays(plain, outs);
  output_sizes(graph, form.out, block, out, sizes);
  float **outputs = allocate_arrays(sizes, outs), **again = allocate_arrays(sizes, outs);
  const float *const *const read = (const float *const *)inputs;

  onefold_exec *exec = NULL;
  test_ok(context, onefold_exec_create(context, graph, &options, &exec));
  test_ok(context, onefold_exec_pack(exec));
  test_ok(context, onefold_exec_run(exec, read, outputs));
  // A second run must not depend on what the first left in the arena.
  test_ok(context, onefold_exec_run(exec, read, again));
  onefold_exec_destroy(exec);
  for (size_t k = 0; k < outs; k++) {
    test_from_layout(out[k], form.out, block, outputs[k], y[k]);
    test_lanes_finite(out[k], form.out, block, outputs[k]);
    assert_memory_equal(outputs[k], again[k], sizes[k] * sizeof **again);
  }
  free(again);
  free(outputs);
  free(inputs);
  return y;
}

void graph_expect(const graph_result *reference, const float *y, double factor) {
  for (size_t i = 0; i < reference->count; i++) {
    const double bound = factor * test_sum_bound(reference->scale[i], reference->products);
    const double error = fabs((double)y[i] - reference->value[i]);
    if (!(error <= bound))
      test_failed("element %zu is %.9g, the reference %.9g: off by %.3g, allowed %.3g", i,
                  (double)y[i], reference->value[i], error, bound);
  }
}

void graph_check_forms(onefold_context *context, const onefold_graph *graph,
                       const float *const *x) {
  onefold_graph *branches, *folded;
  branches = graph_branches(context, graph, NULL);
  folded = graph_fold(context, graph, NULL);
  const struct {
    const onefold_graph *graph;
    graph_form form;
    double factor;
  } runs[] = {
      {graph, {0, ONEFOLD_NCHW, ONEFOLD_NCHW}, 1},
      {graph, {1, ONEFOLD_BLOCKED, ONEFOLD_NHWC}, 1},
      {branches, {1, ONEFOLD_NCHW, ONEFOLD_BLOCKED}, 2},
      {folded, {1, ONEFOLD_NHWC, ONEFOLD_NCHW}, 2},
      {folded, {0, ONEFOLD_BLOCKED, ONEFOLD_BLOCKED}, 2},
  };
  enum { RUNS = sizeof runs / sizeof *runs };
  float **y[RUNS];
  for (size_t i = 0; i < RUNS; i++) y[i] = graph_run(context, runs[i].graph, runs[i].form, x);
  for (int32_t k = 0; k < graph->output_count; k++) {
    graph_result reference = graph_reference(graph, x, k);
    for (size_t i = 0; i < RUNS; i++) graph_expect(&reference, y[i][k], runs[i].factor);
    graph_result_free(&reference);
  }
  for (size_t i = 0; i < RUNS; i++) free(y[i]);
  onefold_graph_destroy(branches);
  onefold_graph_destroy(folded);
}

void graph_check_runs(onefold_context *context, const onefold_graph *graph, test_rng *rng) {
  static const graph_form forms[] = {
      {0, ONEFOLD_NCHW, ONEFOLD_NCHW},    {1, ONEFOLD_NCHW, ONEFOLD_NHWC},
      {0, ONEFOLD_BLOCKED, ONEFOLD_NHWC}, {1, ONEFOLD_BLOCKED, ONEFOLD_BLOCKED},
      {1, ONEFOLD_NHWC, ONEFOLD_BLOCKED},
  };
  enum { FORMS = sizeof forms / sizeof *forms };
  const float *const *x = graph_random_inputs(rng, graph);
  float **y[FORMS];
  for (size_t i = 0; i < FORMS; i++) y[i] = graph_run(context, graph, forms[i], x);
  for (int32_t k = 0; k < graph->output_count; k++) {
    graph_result reference = graph_reference(graph, x, k);
    for (size_t i = 0; i < FORMS; i++) graph_expect(&reference, y[i][k], 1);
    graph_result_free(&reference);
  }
  for (size_t i = 0; i < FORMS; i++) free(y[i]);
  free((void *)x);
}

void graph_check_forms_of(onefold_context *context, const onefold_graph *graph, const float *x) {
  assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_INPUT), 1);
  graph_check_forms(context, graph, &x);
}

void graph_check_random(onefold_context *context, const onefold_graph *graph, test_rng *rng) {
  const float *const *x = graph_random_inputs(rng, graph);
  graph_check_forms(context, graph, x);
  free((void *)x);
}

const float *const *graph_random_inputs(test_rng *rng, const onefold_graph *graph) {
  onefold_shape shapes[MOST_ENDS];
  size_t sizes[MOST_ENDS];
  const size_t count = input_sizes(graph, ONEFOLD_NCHW, 1, shapes, sizes);
  float **x = allocate_arrays(sizes, count);
  for (size_t i = 0; i < count; i++) test_fill_uniform(rng, x[i], sizes[i]);
  return (const float *const *)x;
}

void graph_expect_failure(onefold_context *context, onefold_graph *graph, onefold_node node,
                          onefold_status status, const char *says) {
  assert_int_equal(node, ONEFOLD_NO_NODE);
  assert_int_equal(onefold_graph_status(graph), status);
  test_says(context, says);
  // The first failure stays, and everything after it passes through.
  assert_int_equal(onefold_graph_input(graph, (onefold_shape){1, 1, 1, 1}), ONEFOLD_NO_NODE);
  assert_int_equal(onefold_graph_activation(graph, node, ONEFOLD_ACT_RELU, 0), ONEFOLD_NO_NODE);
  assert_int_equal(onefold_graph_output(graph, 0), status);
  assert_int_equal(onefold_graph_status(graph), status);
  onefold_graph_destroy(graph);
}

static void note_line(void *user, const char *text) {
  graph_text *lines = user;
  const size_t used = strlen(lines->text);
  const int length = snprintf(lines->text + used, sizeof lines->text - used, "%s\n", text);
  assert_true(length >= 0 && used + (size_t)length < sizeof lines->text);
}

size_t graph_steps(onefold_context *context, const onefold_graph *graph, int fused,
                   graph_text *text) {
  const onefold_exec_options options = {.struct_size = sizeof options,
                                        .in_layout = ONEFOLD_BLOCKED,
                                        .out_layout = ONEFOLD_BLOCKED,
                                        .fuse_epilogues = fused};
  onefold_exec *exec;
  test_ok(context, onefold_exec_create(context, graph, &options, &exec));
  onefold_exec_info info;
  onefold_exec_get_info(exec, &info);
  *text = (graph_text){.packed_bytes = info.packed_bytes};
  onefold_exec_describe(exec, note_line, text);
  onefold_exec_destroy(exec);
  return info.steps;
}

void graph_collect(void *user, const onefold_fold_region *region) {
  graph_report *report = user;
  assert_true(report->count < 16);
  onefold_fold_region *kept = &report->regions[report->count];
  *kept = *region;
  snprintf(report->names[report->count], sizeof report->names[0], "%s", region->name);
  snprintf(report->reasons[report->count], sizeof report->reasons[0], "%s", region->reason);
  kept->name = report->names[report->count];
  kept->reason = report->reasons[report->count];
  snprintf(report->kinds[report->count], sizeof report->kinds[0], "%s", region->kind);
  kept->kind = report->kinds[report->count];
  report->count++;
}

onefold_graph *graph_fold_with(onefold_context *context, const onefold_graph *graph,
                               onefold_fold_options options, graph_report *report) {
  if (report) {
    *report = (graph_report){0};
    options.report = graph_collect;
    options.user = report;
  }
  onefold_graph *folded = NULL;
  test_ok(context, onefold_fold(context, graph, &options, &folded));
  return folded;
}

static onefold_graph *fold_to(onefold_context *context, const onefold_graph *graph,
                              onefold_fold_level level, graph_report *report) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.level = level;
  return graph_fold_with(context, graph, options, report);
}

onefold_graph *graph_fold(onefold_context *context, const onefold_graph *graph,
                          graph_report *report) {
  return fold_to(context, graph, ONEFOLD_FOLD_REGIONS, report);
}

onefold_graph *graph_branches(onefold_context *context, const onefold_graph *graph,
                              graph_report *report) {
  return fold_to(context, graph, ONEFOLD_FOLD_BATCH_NORM, report);
}

int graph_count_kind(const onefold_graph *graph, onefold_node_kind kind) {
  int count = 0;
  for (int32_t i = 0; i < graph->node_count; i++) count += graph->nodes[i].kind == kind;
  return count;
}

const onefold_graph_node *graph_only(const onefold_graph *graph, onefold_node_kind kind) {
  assert_int_equal(graph_count_kind(graph, kind), 1);
  int32_t i = 0;
  while (graph->nodes[i].kind != kind) i++;
  return &graph->nodes[i];
}
