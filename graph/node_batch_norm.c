// SPDX-License-Identifier: BSD-3-Clause
// Batch normalisation nodes (inference: running statistics), and scales per channel.
#include "graph/graph.h"

#include <math.h>

/// The sentence's subject and channel of the first value that cannot be used, or NULL.
static const char *find_fault(const onefold_batch_norm_params *p, int64_t channels,
                              int64_t *channel, double *value) {
  const struct {
    const char *name;
    const float *values;
  } arrays[] = {
      {"gamma", p->gamma}, {"beta", p->beta}, {"mean", p->mean}, {"variance", p->variance}};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    for (int64_t c = 0; arrays[i].values && c < channels; c++)
      if (!isfinite(arrays[i].values[c])) {
        *channel = c;
        *value = arrays[i].values[c];
        return arrays[i].name;
      }
  for (int64_t c = 0; p->variance && c < channels; c++)
    if (!((double)p->variance[c] + p->epsilon > 0)) {
      *channel = c;
      *value = (double)p->variance[c] + p->epsilon;
      return "variance + epsilon";
    }
  return NULL;
}

onefold_node onefold_graph_batch_norm(onefold_graph *graph, onefold_node input,
                                      const onefold_batch_norm_params *params) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  onefold_context *context = graph->context;
  if (!params)
    return onefold_graph_fail(
        graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "batch_norm: params is NULL"));
  if (!params->mean != !params->variance)
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                                                  "batch_norm: %s is NULL and %s is not",
                                                  params->mean ? "variance" : "mean",
                                                  params->mean ? "mean" : "variance"));
  if (!isfinite(params->epsilon))
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                                                  "batch_norm: epsilon is %g", params->epsilon));
  const onefold_shape shape = graph->nodes[input].shape;
  int64_t channel = 0;
  double value = 0;
  const char *fault = find_fault(params, shape.c, &channel, &value);
  if (fault)
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                                                  "batch_norm: %s of channel %lld is %g", fault,
                                                  (long long)channel, value));
  onefold_graph_node node = {.kind = ONEFOLD_NODE_BATCH_NORM, .shape = shape};
  const size_t channels = (size_t)shape.c;
  node.as.batch_norm.epsilon = params->epsilon;
  const onefold_node_array arrays[] = {
      {params->gamma, channels, &node.as.batch_norm.gamma},
      {params->beta, channels, &node.as.batch_norm.beta},
      {params->mean, channels, &node.as.batch_norm.mean},
      {params->variance, channels, &node.as.batch_norm.variance},
  };
  return onefold_graph_add_node(graph, &node, &input, 1, arrays, 4);
}

onefold_node onefold_graph_scale(onefold_graph *graph, onefold_node input, const float *scale,
                                 const float *shift) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  const onefold_context *context = graph->context;
  const size_t channels = (size_t)graph->nodes[input].shape.c;
  size_t bytes = 0;
  if (!scale)
    return onefold_graph_fail(
        graph, onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "scale: scale is NULL"));
  float *statistics =
      onefold_mul(channels, 2 * sizeof(float), &bytes) ? onefold_allocate(context, bytes) : NULL;
  if (!statistics)
    return onefold_graph_fail(graph,
                              onefold_fail(context, ONEFOLD_OUT_OF_MEMORY,
                                           "no memory for a scale of %zu channels", channels));
  for (size_t c = 0; c < channels; c++) statistics[channels + c] = 1;
  const onefold_batch_norm_params params = {
      .gamma = scale, .beta = shift, .mean = statistics, .variance = statistics + channels};
  const onefold_node node = onefold_graph_batch_norm(graph, input, &params);
  onefold_release(context, statistics);
  return node;
}

static int64_t parameters(const onefold_graph *graph, const onefold_graph_node *node) {
  (void)graph;
  return node->shape.c * ((node->as.batch_norm.gamma != NULL) + (node->as.batch_norm.beta != NULL));
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  return onefold_graph_batch_norm(to, inputs[0], &node->as.batch_norm);
}

const onefold_node_type onefold_node_type_batch_norm = {
    .name = "batch_norm",
    .parameters = parameters,
    .macs = onefold_node_no_macs,
    .copy = copy,
};
