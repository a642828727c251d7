// SPDX-License-Identifier: BSD-3-Clause
// The nodes of networks that are no blocks.
#include "models/network.h"
#include "models/parts.h"

#include <string.h>

static onefold_node conv(onefold_builder *builder, onefold_node input) {
  const onefold_graph_conv2d_params params =
      onefold_build_main_conv(builder->params, builder->params->kernel);
  return onefold_build_conv2d(builder, input, "", &params);
}

static onefold_node conv_bias(onefold_builder *builder, onefold_node input) {
  const onefold_graph_conv2d_params params =
      onefold_build_main_conv(builder->params, builder->params->kernel);
  return onefold_build_conv2d_bias(builder, input, "", &params);
}

static onefold_node batch_norm(onefold_builder *builder, onefold_node input) {
  return onefold_build_batch_norm(builder, input, "");
}

static onefold_node activation(onefold_builder *builder, onefold_node input) {
  return onefold_build_activation(builder, input);
}

static onefold_node concat(onefold_builder *builder, const onefold_node *inputs, size_t count) {
  return onefold_build_concat(builder, inputs, count, "concat");
}

static onefold_node max_pool(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  const onefold_pool2d_params pool =
      onefold_pool2d_square(p->kernel, p->stride, onefold_build_padding(p, p->kernel));
  return onefold_build_finish(builder, onefold_graph_max_pool(builder->graph, input, &pool),
                              "max_pool");
}

static onefold_node upsample(onefold_builder *builder, onefold_node input) {
  return onefold_build_finish(builder, onefold_graph_upsample(builder->graph, input, 2),
                              "upsample");
}

static onefold_node global_pool(onefold_builder *builder, onefold_node input) {
  return onefold_build_finish(builder, onefold_graph_global_pool(builder->graph, input),
                              "global_pool");
}

static onefold_node linear(onefold_builder *builder, onefold_node input) {
  const onefold_shape in = onefold_graph_shape(builder->graph, input);
  const int64_t dims[2] = {builder->params->out_channels, in.c * in.h * in.w};
  float *weight = onefold_build_read(builder, "", ".weight", dims, 2);
  float *bias = onefold_build_read(builder, "", ".bias", dims, 1);
  const onefold_node node = builder->status == ONEFOLD_OK
                                ? onefold_graph_linear(builder->graph, input, dims[0], weight, bias)
                                : ONEFOLD_NO_NODE;
  onefold_release(builder->context, bias);
  onefold_release(builder->context, weight);
  return onefold_build_finish(builder, node, "");
}

static onefold_node output(onefold_builder *builder, const onefold_node *inputs, size_t count) {
  for (size_t i = 0; i < count && builder->status == ONEFOLD_OK; i++)
    builder->status = onefold_graph_output(builder->graph, inputs[i]);
  return inputs[0];
}

/// One of the two functions is there.
typedef struct node_module {
  const char *name;
  onefold_block_build_fn *one;
  onefold_node (*many)(onefold_builder *builder, const onefold_node *inputs, size_t count);
} node_module;

static const node_module modules[] = {
    {"conv2d", conv, NULL},
    {"conv2d_bias", conv_bias, NULL},
    {"batch_norm", batch_norm, NULL},
    {"activation", activation, NULL},
    {"max_pool", max_pool, NULL},
    {"upsample", upsample, NULL},
    {"global_pool", global_pool, NULL},
    {"linear", linear, NULL},
    {"concat", NULL, concat},
    {"output", NULL, output},
};

static const node_module *find_module(const char *name) {
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
    if (strcmp(modules[i].name, name) == 0) return &modules[i];
  return NULL;
}

int onefold_network_has_node(const char *module) {
  return find_module(module) != NULL;
}

onefold_node onefold_network_add_node(onefold_builder *builder, const onefold_node *inputs,
                                      size_t count) {
  const node_module *module = find_module(builder->block);
  return module->one ? module->one(builder, inputs[0]) : module->many(builder, inputs, count);
}
