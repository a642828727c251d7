// SPDX-License-Identifier: BSD-3-Clause
// Execution, random nodes, reports and comparisons of graphs.
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

static void expect_same_array(const float *a, const float *b, size_t count) {
  assert_int_equal(a != NULL, b != NULL);
  if (a) assert_memory_equal(a, b, count * sizeof *a);
}

static void expect_same_conv(const onefold_node_conv2d *x, const onefold_node_conv2d *y,
                             int64_t in_channels) {
  const onefold_graph_conv2d_params *p = &x->params;
  assert_memory_equal(p, &y->params, sizeof *p);
  assert_int_equal(x->fixed, y->fixed);
  const int64_t in = in_channels / p->groups;
  expect_same_array(x->weight, y->weight,
                    (size_t)(p->out_channels * in * p->kernel_h * p->kernel_w));
  expect_same_array(x->bias, y->bias, (size_t)p->out_channels);
}

static void expect_same_border(const onefold_border_params *p, const onefold_border_params *q,
                               size_t channels) {
  assert_true(p->top == q->top && p->bottom == q->bottom);
  assert_true(p->left == q->left && p->right == q->right);
  expect_same_array(p->bias, q->bias,
                    channels * (size_t)(p->top + 1 + p->bottom) * (size_t)(p->left + 1 + p->right));
}

static void expect_same_pad(const onefold_pad_params *p, const onefold_pad_params *q,
                            size_t channels) {
  assert_true(p->top == q->top && p->bottom == q->bottom);
  assert_true(p->left == q->left && p->right == q->right);
  expect_same_array(p->value, q->value, channels);
}

static void expect_same_batch_norm(const onefold_batch_norm_params *p,
                                   const onefold_batch_norm_params *q, size_t channels) {
  assert_true(p->epsilon == q->epsilon);
  expect_same_array(p->gamma, q->gamma, channels);
  expect_same_array(p->beta, q->beta, channels);
  expect_same_array(p->mean, q->mean, channels);
  expect_same_array(p->variance, q->variance, channels);
}

static void expect_same_squeeze_excite(const onefold_squeeze_excite_params *p,
                                       const onefold_squeeze_excite_params *q, size_t channels) {
  assert_int_equal(p->hidden, q->hidden);
  assert_int_equal(p->gate, q->gate);
  const size_t hidden = (size_t)p->hidden;
  expect_same_array(p->reduce_weight, q->reduce_weight, hidden * channels);
  expect_same_array(p->reduce_bias, q->reduce_bias, hidden);
  expect_same_array(p->expand_weight, q->expand_weight, hidden * channels);
  expect_same_array(p->expand_bias, q->expand_bias, channels);
}

static void expect_same_pool(const onefold_pool2d_params *p, const onefold_pool2d_params *q) {
  assert_true(p->kernel_h == q->kernel_h && p->kernel_w == q->kernel_w);
  assert_true(p->stride_h == q->stride_h && p->stride_w == q->stride_w);
  assert_true(p->pad_top == q->pad_top && p->pad_bottom == q->pad_bottom);
  assert_true(p->pad_left == q->pad_left && p->pad_right == q->pad_right);
  assert_true(p->ceil_mode == q->ceil_mode && p->count_include_pad == q->count_include_pad);
  assert_true(p->divisor == q->divisor);
}

/// Nodes of one kind and shape.
static void expect_same_payload(const onefold_graph *graph, const onefold_graph_node *x,
                                const onefold_graph_node *y) {
  const size_t channels = (size_t)x->shape.c;
  switch (x->kind) {
  case ONEFOLD_NODE_CONV2D:
    expect_same_conv(&x->as.conv2d, &y->as.conv2d, graph->nodes[x->inputs[0]].shape.c);
    break;
  case ONEFOLD_NODE_BATCH_NORM:
    expect_same_batch_norm(&x->as.batch_norm, &y->as.batch_norm, channels);
    break;
  case ONEFOLD_NODE_ACTIVATION:
    assert_int_equal(x->as.activation.function, y->as.activation.function);
    assert_true(x->as.activation.param == y->as.activation.param);
    break;
  case ONEFOLD_NODE_SQUEEZE_EXCITE:
    expect_same_squeeze_excite(&x->as.squeeze_excite, &y->as.squeeze_excite, channels);
    break;
  case ONEFOLD_NODE_BORDER:
    expect_same_border(&x->as.border, &y->as.border, channels);
    break;
  case ONEFOLD_NODE_PAD:
    expect_same_pad(&x->as.pad, &y->as.pad, channels);
    break;
  case ONEFOLD_NODE_SLICE:
    assert_int_equal(x->as.slice_begin, y->as.slice_begin);
    break;
  case ONEFOLD_NODE_AVG_POOL:
  case ONEFOLD_NODE_MAX_POOL:
    expect_same_pool(&x->as.pool, &y->as.pool);
    break;
  case ONEFOLD_NODE_UPSAMPLE:
    assert_int_equal(x->as.upsample_factor, y->as.upsample_factor);
    break;
  default: // nothing but the inputs and the shape
    break;
  }
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
    expect_same_payload(a, x, y);
  }
}
