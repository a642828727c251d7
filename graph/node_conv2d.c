// SPDX-License-Identifier: BSD-3-Clause
// Convolution nodes, among them fixed filters and fully connected layers.
#include "graph/graph.h"

onefold_graph_conv2d_params onefold_graph_conv2d_square(int64_t out_channels, int64_t kernel,
                                                        int64_t stride, int64_t groups) {
  const int64_t pad = kernel / 2;
  return (onefold_graph_conv2d_params){
      .out_channels = out_channels,
      .kernel_h = kernel,
      .kernel_w = kernel,
      .stride_h = stride,
      .stride_w = stride,
      .dilation_h = 1,
      .dilation_w = 1,
      .pad_top = pad,
      .pad_bottom = pad,
      .pad_left = pad,
      .pad_right = pad,
      .groups = groups,
  };
}

static void fill_desc(onefold_shape in, const onefold_graph_conv2d_params *params,
                      onefold_conv2d_desc *desc) {
  onefold_conv2d_desc_init(desc);
  desc->batch = in.n;
  desc->in_channels = in.c;
  desc->in_h = in.h;
  desc->in_w = in.w;
  desc->out_channels = params->out_channels;
  desc->kernel_h = params->kernel_h;
  desc->kernel_w = params->kernel_w;
  desc->stride_h = params->stride_h;
  desc->stride_w = params->stride_w;
  desc->dilation_h = params->dilation_h;
  desc->dilation_w = params->dilation_w;
  desc->pad_top = params->pad_top;
  desc->pad_bottom = params->pad_bottom;
  desc->pad_left = params->pad_left;
  desc->pad_right = params->pad_right;
  desc->groups = params->groups;
}

void onefold_node_conv2d_desc(const onefold_graph *graph, const onefold_graph_node *node,
                              onefold_conv2d_desc *desc) {
  fill_desc(graph->nodes[node->inputs[0]].shape, &node->as.conv2d.params, desc);
}

/// `weight` is NULL only of a node that was read from bytes (graph/bytes.h).
static onefold_node add(onefold_graph *graph, onefold_node input,
                        const onefold_graph_conv2d_params *params, const float *weight,
                        const float *bias, int fixed) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  onefold_context *context = graph->context;
  onefold_graph_node node = {.kind = ONEFOLD_NODE_CONV2D,
                             .as.conv2d = {.params = *params, .fixed = fixed}};
  const onefold_shape in = graph->nodes[input].shape;
  onefold_conv2d_desc desc;
  fill_desc(in, params, &desc);
  onefold_status status = onefold_conv2d_output_shape(context, &desc, &node.shape);
  if (status != ONEFOLD_OK) return onefold_graph_fail(graph, status);
  size_t weights, elements;
  const onefold_shape dims = {params->out_channels, in.c / params->groups, params->kernel_h,
                              params->kernel_w};
  if (!onefold_shape_elements(dims, &weights) || !onefold_shape_elements(node.shape, &elements))
    return onefold_graph_fail(graph, onefold_fail(context, ONEFOLD_OVERFLOW,
                                                  "conv2d: %lldx%lldx%lldx%lld weights or their "
                                                  "result do not fit in memory",
                                                  (long long)dims.n, (long long)dims.c,
                                                  (long long)dims.h, (long long)dims.w));
  const onefold_node_array arrays[] = {
      {weight, weights, &node.as.conv2d.weight},
      {bias, (size_t)params->out_channels, &node.as.conv2d.bias},
  };
  return onefold_graph_add_node(graph, &node, &input, 1, arrays, 2);
}

/// The same from a caller, who may forget an argument.
static onefold_node add_checked(onefold_graph *graph, onefold_node input,
                                const onefold_graph_conv2d_params *params, const float *weight,
                                const float *bias, int fixed) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  if (!params || !weight)
    return onefold_graph_fail(graph,
                              onefold_fail(graph->context, ONEFOLD_INVALID_ARGUMENT,
                                           "conv2d: %s is NULL", params ? "weight" : "params"));
  return add(graph, input, params, weight, bias, fixed);
}

onefold_node onefold_graph_conv2d(onefold_graph *graph, onefold_node input,
                                  const onefold_graph_conv2d_params *params, const float *weight,
                                  const float *bias) {
  return add_checked(graph, input, params, weight, bias, 0);
}

onefold_node onefold_graph_filter(onefold_graph *graph, onefold_node input,
                                  const onefold_graph_conv2d_params *params, const float *weight,
                                  const float *bias) {
  return add_checked(graph, input, params, weight, bias, 1);
}

onefold_node onefold_graph_linear(onefold_graph *graph, onefold_node input, int64_t out_features,
                                  const float *weight, const float *bias) {
  if (!onefold_graph_check_node(graph, input)) return ONEFOLD_NO_NODE;
  const onefold_shape in = graph->nodes[input].shape;
  onefold_graph_conv2d_params params = onefold_graph_conv2d_square(out_features, 1, 1, 1);
  params.kernel_h = in.h;
  params.kernel_w = in.w;
  return add_checked(graph, input, &params, weight, bias, 0);
}

static double weight_count(const onefold_graph *graph, const onefold_graph_node *node) {
  const onefold_graph_conv2d_params *p = &node->as.conv2d.params;
  const int64_t in = graph->nodes[node->inputs[0]].shape.c / p->groups;
  return (double)p->out_channels * (double)in * (double)p->kernel_h * (double)p->kernel_w;
}

static int64_t parameters(const onefold_graph *graph, const onefold_graph_node *node) {
  if (node->as.conv2d.fixed) return 0;
  return (int64_t)weight_count(graph, node) +
         (node->as.conv2d.bias ? node->as.conv2d.params.out_channels : 0);
}

static double macs(const onefold_graph *graph, const onefold_graph_node *node) {
  return weight_count(graph, node) * (double)node->shape.n * (double)node->shape.h *
         (double)node->shape.w;
}

static onefold_node copy(onefold_graph *to, const onefold_graph_node *node,
                         const onefold_node *inputs) {
  const onefold_node_conv2d *conv = &node->as.conv2d;
  return add(to, inputs[0], &conv->params, conv->weight, conv->bias, conv->fixed);
}

const onefold_node_type onefold_node_type_conv2d = {
    .name = "conv",
    .parameters = parameters,
    .macs = macs,
    .copy = copy,
};
