// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests of graphs and folding: a reference that evaluates a graph in double
// precision with a bound on its float error, and one-call execution.
#ifndef ONEFOLD_TESTS_GRAPH_SUPPORT_H
#define ONEFOLD_TESTS_GRAPH_SUPPORT_H

#include "graph/graph.h"
#include "tests/support.h"

#include <onefold/onefold.h>

/// A node's result in NCHW: value and the scale of its rounding error, S, which adds up the
/// absolute values of everything that was added on the way; n is the number of products.
typedef struct graph_result {
  size_t count;
  double *value, *scale;
  double largest; // scale of any node's element, infinite where one is not a number
  double products;
} graph_result;

/// Evaluates output `output` of a graph on NCHW inputs.
graph_result graph_reference(const onefold_graph *graph, const float *const *inputs,
                             int32_t output);
void graph_result_free(graph_result *result);

/// The part of it that moves, pools, pads and joins channels: fills results[node].
void graph_eval_channels(const onefold_graph *graph, onefold_node node, graph_result *results);

/// How a graph is run.
typedef struct graph_form {
  int fused;
  onefold_layout in, out;
} graph_form;

/// Creates, packs and runs a graph. x[i] is input i, the result's element k output k, all NCHW;
/// the result is one allocation, to be freed.
float **graph_run(onefold_context *context, const onefold_graph *graph, graph_form form,
                  const float *const *x);

/// Fails the test where `y` is further from the reference than `factor` times the bound for a
/// float evaluation of the same form.
void graph_expect(const graph_result *reference, const float *y, double factor);

/// Runs the training form eager and fused, the branches and the folded form, and holds every
/// output of all of them to the reference of the training form.
void graph_check_forms(onefold_context *context, const onefold_graph *graph, const float *const *x);

/// The same for a graph of one input.
void graph_check_forms_of(onefold_context *context, const onefold_graph *graph, const float *x);

/// The same on random inputs.
void graph_check_random(onefold_context *context, const onefold_graph *graph, test_rng *rng);

/// Runs the graph itself, eager and fused, in several layouts, on random inputs.
void graph_check_runs(onefold_context *context, const onefold_graph *graph, test_rng *rng);

/// What an execution says of itself: a line per step.
typedef struct graph_text {
  size_t packed_bytes;
  char text[8000];
} graph_text;

/// Number of steps of a graph in blocked layouts, and their description.
size_t graph_steps(onefold_context *context, const onefold_graph *graph, int fused,
                   graph_text *text);

onefold_graph *graph_empty(onefold_context *context);
/// A graph whose node 0 is an input.
onefold_graph *graph_with_input(onefold_context *context, onefold_shape shape);

/// Asserts that a builder call failed, and that the graph keeps the failure; destroys the graph.
void graph_expect_failure(onefold_context *context, onefold_graph *graph, onefold_node node,
                          onefold_status status, const char *says);

/// Values in [-1, 1) for each of the graph's inputs; one allocation, to be freed.
const float *const *graph_random_inputs(test_rng *rng, const onefold_graph *graph);

onefold_node graph_relu(onefold_graph *graph, onefold_node input);
onefold_node graph_concat(onefold_graph *graph, onefold_node first, onefold_node second);

/// A convolution of random weights in [-1, 1), and of random bias where `bias`.
onefold_node graph_random_conv(test_rng *rng, onefold_graph *graph, onefold_node input,
                               const onefold_graph_conv2d_params *params, int bias);
/// A batch normalisation with gamma of both signs, mean and beta in [-0.5, 0.5), variance in
/// [0.5, 1.5).
onefold_node graph_random_bn(test_rng *rng, onefold_graph *graph, onefold_node input,
                             double epsilon);

/// A border node of up to three rows and columns on each side, with bias in [-1, 1).
onefold_node graph_random_border(test_rng *rng, onefold_graph *graph, onefold_node input);

/// A graph of convolutions, sums, activations, a batch normalisation and a squeeze-and-excitation,
/// with several readers of one node and sums of several tensors. At most 40 channels.
onefold_graph *graph_mixed(onefold_context *context, test_rng *rng, onefold_shape in);

/// A graph of `count` random nodes or small groups of them, of two inputs and up to four outputs.
onefold_graph *graph_random(onefold_context *context, test_rng *rng, onefold_shape in, int count);

/// The regions that a fold reported, the first 16 of them.
typedef struct graph_report {
  int count;
  onefold_fold_region regions[16];
  char names[16][96], kinds[16][48], reasons[16][256];
} graph_report;
void graph_collect(void *report, const onefold_fold_region *region);

/// Folds all regions; fails the test where that fails. `report` may be NULL.
onefold_graph *graph_fold(onefold_context *context, const onefold_graph *graph,
                          graph_report *report);

/// The branches: batch normalisations folded, nothing else. `report` may be NULL.
onefold_graph *graph_branches(onefold_context *context, const onefold_graph *graph,
                              graph_report *report);

/// Folds as the options say, which are given the report.
onefold_graph *graph_fold_with(onefold_context *context, const onefold_graph *graph,
                               onefold_fold_options options, graph_report *report);

/// The node of the given kind; fails the test unless there is exactly one.
const onefold_graph_node *graph_only(const onefold_graph *graph, onefold_node_kind kind);
int graph_count_kind(const onefold_graph *graph, onefold_node_kind kind);

/// Asserts that two graphs are the same to the bit: kinds, names, shapes, weights, outputs.
void graph_expect_same(const onefold_graph *a, const onefold_graph *b);

#endif
