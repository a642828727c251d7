// SPDX-License-Identifier: BSD-3-Clause
// Execution, random nodes, reports and comparisons of graphs.
#include "tests/graph_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

float *graph_run(onefold_context *context, const onefold_graph *graph, graph_form form,
                 const float *x) {
  const onefold_exec_options options = {.struct_size = sizeof options,
                                        .in_layout = form.in,
                                        .out_layout = form.out,
                                        .fuse_epilogues = form.fused};
  const int block = onefold_context_block(context);
  const onefold_shape in = onefold_graph_shape(graph, 0);
  const onefold_shape out = onefold_graph_shape(graph, graph->outputs[0]);
  float *input = malloc(test_layout_elements(in, form.in, block) * sizeof *input);
  float *output = malloc(test_layout_elements(out, form.out, block) * sizeof *output);
  float *y = malloc(test_layout_elements(out, ONEFOLD_NCHW, block) * sizeof *y);
  assert_true(input && output && y);
  test_to_layout(in, x, form.in, block, 7.5f, input);
  onefold_exec *exec = NULL;
  test_ok(context, onefold_exec_create(context, graph, &options, &exec));
  test_ok(context, onefold_exec_pack(exec));
  test_ok(context, onefold_exec_run(exec, (const float *const[]){input}, &output));
  test_from_layout(out, form.out, block, output, y);
  // A second run must not depend on what the first left in the arena.
  float *again = malloc(test_layout_elements(out, form.out, block) * sizeof *again);
  assert_non_null(again);
  test_ok(context, onefold_exec_run(exec, (const float *const[]){input}, &again));
  assert_memory_equal(output, again, test_layout_elements(out, form.out, block) * sizeof *again);
  onefold_exec_destroy(exec);
  free(again);
  free(output);
  free(input);
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

void graph_check_forms(onefold_context *context, const onefold_graph *graph, const float *x) {
  graph_result reference = graph_reference(graph, &x, 0);
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
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    float *y = graph_run(context, runs[i].graph, runs[i].form, x);
    graph_expect(&reference, y, runs[i].factor);
    free(y);
  }
  onefold_graph_destroy(branches);
  onefold_graph_destroy(folded);
  graph_result_free(&reference);
}

float *graph_random_input(test_rng *rng, const onefold_graph *graph) {
  const onefold_shape s = onefold_graph_shape(graph, 0);
  const size_t count = (size_t)(s.n * s.c * s.h * s.w);
  float *x = malloc(count * sizeof *x);
  assert_non_null(x);
  test_fill_uniform(rng, x, count);
  return x;
}

onefold_node graph_random_conv(test_rng *rng, onefold_graph *graph, onefold_node input,
                               const onefold_graph_conv2d_params *params, int bias) {
  const int64_t in = onefold_graph_shape(graph, input).c / params->groups;
  const size_t count = (size_t)(params->out_channels * in * params->kernel_h * params->kernel_w);
  float *values = malloc((count + (size_t)params->out_channels) * sizeof *values);
  assert_non_null(values);
  test_fill_uniform(rng, values, count + (size_t)params->out_channels);
  const onefold_node node =
      onefold_graph_conv2d(graph, input, params, values, bias ? values + count : NULL);
  free(values);
  return node;
}

onefold_node graph_random_bn(test_rng *rng, onefold_graph *graph, onefold_node input,
                             double epsilon) {
  const size_t channels = (size_t)onefold_graph_shape(graph, input).c;
  float *v = malloc(4 * channels * sizeof *v);
  assert_non_null(v);
  for (size_t c = 0; c < channels; c++) {
    v[c] = test_uniform(rng, 0.5f, 1.5f) * (test_once_in(rng, 2) ? -1.0f : 1.0f);
    v[channels + c] = test_uniform(rng, -0.5f, 0.5f);
    v[2 * channels + c] = test_uniform(rng, -0.5f, 0.5f);
    v[3 * channels + c] = test_uniform(rng, 0.5f, 1.5f);
  }
  const onefold_batch_norm_params params = {v, v + channels, v + 2 * channels, v + 3 * channels,
                                            epsilon};
  const onefold_node node = onefold_graph_batch_norm(graph, input, &params);
  free(v);
  return node;
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
  report->count++;
}

static onefold_graph *fold_to(onefold_context *context, const onefold_graph *graph,
                              onefold_fold_level level, graph_report *report) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.level = level;
  if (report) {
    *report = (graph_report){0};
    options.report = graph_collect;
    options.user = report;
  }
  onefold_graph *folded = NULL;
  test_ok(context, onefold_fold(context, graph, &options, &folded));
  return folded;
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

static void expect_same_array(const float *a, const float *b, size_t count) {
  assert_int_equal(a != NULL, b != NULL);
  if (a) assert_memory_equal(a, b, count * sizeof *a);
}

void graph_expect_same(const onefold_graph *a, const onefold_graph *b) {
  assert_int_equal(a->node_count, b->node_count);
  assert_int_equal(a->output_count, b->output_count);
  assert_memory_equal(a->outputs, b->outputs, (size_t)a->output_count * sizeof *a->outputs);
  for (int32_t i = 0; i < a->node_count; i++) {
    const onefold_graph_node *x = &a->nodes[i], *y = &b->nodes[i];
    assert_int_equal(x->kind, y->kind);
    assert_string_equal(x->name, y->name);
    assert_memory_equal(&x->shape, &y->shape, sizeof x->shape);
    assert_int_equal(x->input_count, y->input_count);
    assert_memory_equal(x->inputs, y->inputs, (size_t)x->input_count * sizeof *x->inputs);
    const size_t channels = (size_t)x->shape.c;
    if (x->kind == ONEFOLD_NODE_CONV2D) {
      const onefold_graph_conv2d_params *p = &x->as.conv2d.params;
      assert_memory_equal(p, &y->as.conv2d.params, sizeof *p);
      const int64_t in = a->nodes[x->inputs[0]].shape.c / p->groups;
      expect_same_array(x->as.conv2d.weight, y->as.conv2d.weight,
                        channels * (size_t)(in * p->kernel_h * p->kernel_w));
      expect_same_array(x->as.conv2d.bias, y->as.conv2d.bias, channels);
    } else if (x->kind == ONEFOLD_NODE_BATCH_NORM) {
      const onefold_batch_norm_params *p = &x->as.batch_norm, *q = &y->as.batch_norm;
      assert_true(p->epsilon == q->epsilon);
      expect_same_array(p->gamma, q->gamma, channels);
      expect_same_array(p->beta, q->beta, channels);
      expect_same_array(p->mean, q->mean, channels);
      expect_same_array(p->variance, q->variance, channels);
    }
  }
}
