// SPDX-License-Identifier: BSD-3-Clause
// The list of blocks: names, defaults, and building one as a graph or behind nodes of one.
#include "graph/graph.h"
#include "models/block_params.h"
#include "models/builder.h"

#include <stdio.h>
#include <string.h>

typedef struct block {
  const char *name;
  onefold_block_build_fn *build;
  int64_t kernel;
  onefold_activation activation;
  float activation_param;
  double bn_epsilon;
  const char *typical, *summary;
} block;

static const block blocks[] = {
#define ONEFOLD_BLOCK(name, kernel, activation, parameter, bn_epsilon, typical, summary)           \
  {#name, onefold_block_build_##name, kernel, activation, parameter, bn_epsilon, typical, summary},
#include "models/block_list.def"
};
#define BLOCK_COUNT (sizeof blocks / sizeof *blocks)

static const block *find_block(const char *name) {
  for (size_t i = 0; name && i < BLOCK_COUNT; i++)
    if (strcmp(blocks[i].name, name) == 0) return &blocks[i];
  return NULL;
}

const char *onefold_block_name(size_t index) {
  return index < BLOCK_COUNT ? blocks[index].name : NULL;
}

const char *onefold_block_summary(const char *name) {
  const block *found = find_block(name);
  return found ? found->summary : NULL;
}

const char *onefold_block_typical(const char *name) {
  const block *found = find_block(name);
  return found ? found->typical : NULL;
}

static onefold_status unknown_block(const onefold_context *context, const char *name) {
  char names[1024] = "";
  size_t used = 0;
  for (size_t i = 0; i < BLOCK_COUNT && used < sizeof names; i++)
    used +=
        (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", blocks[i].name);
  return onefold_fail(context, ONEFOLD_NOT_FOUND, "no block '%s'; there are: %s",
                      name ? name : "(null)", names);
}

onefold_status onefold_block_params_init(onefold_context *context, const char *name,
                                         onefold_block_params *params) {
  if (!params) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "params is NULL");
  const block *found = find_block(name);
  if (!found) return unknown_block(context, name);
  *params = (onefold_block_params){
      .struct_size = sizeof *params,
      .input = {1, 0, 0, 0},
      .kernel = found->kernel,
      .stride = 1,
      .dilation = 1,
      .groups = 1,
      .padding = -1,
      .repeats = 1,
      .identity = -1,
      .shortcut = -1,
      .batch_norm = 1,
      .reparam_bn = 1,
      .activation = found->activation,
      .activation_param = found->activation_param,
      .bn_epsilon = found->bn_epsilon,
      .prefix = "",
  };
  return ONEFOLD_OK;
}

/// Builds a block whose parameters are checked; `builder` holds its inputs.
static onefold_status run_builder(const block *found, onefold_builder *builder, onefold_node input,
                                  onefold_node *output) {
  builder->status = onefold_graph_status(builder->graph);
  *output = found->build(builder, input);
  return builder->status;
}

static const char *missing_argument(const void *context, const void *params, const void *weights,
                                    const void *graph) {
  if (!context) return "context";
  if (!params) return "params";
  if (!weights) return "weights";
  return graph ? NULL : "graph";
}

onefold_status onefold_block_build(onefold_context *context, const char *name,
                                   const onefold_block_params *params,
                                   const onefold_weights *weights, onefold_graph **graph) {
  const char *missing = missing_argument(context, params, weights, graph);
  if (missing) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL", missing);
  *graph = NULL;
  const block *found = find_block(name);
  if (!found) return unknown_block(context, name);
  onefold_status status = onefold_block_params_check(context, params);
  if (status != ONEFOLD_OK) return status;
  onefold_builder builder = {.context = context,
                             .weights = weights,
                             .params = params,
                             .block = found->name,
                             .route = ONEFOLD_NO_NODE,
                             .adds_route = 1};
  status = onefold_graph_create(context, &builder.graph);
  if (status != ONEFOLD_OK) return status;
  const onefold_node input = onefold_graph_input(builder.graph, params->input);
  onefold_graph_name(builder.graph, input, "input");
  onefold_node output;
  status = run_builder(found, &builder, input, &output);
  if (status == ONEFOLD_OK) status = onefold_graph_output(builder.graph, output);
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(builder.graph);
    return status;
  }
  *graph = builder.graph;
  return ONEFOLD_OK;
}

/// Checks what is appended and where, and builds it.
static onefold_status append(onefold_context *context, onefold_graph *graph,
                             const onefold_node *inputs, size_t input_count, const char *name,
                             const onefold_block_params *params, const onefold_weights *weights,
                             onefold_node *output) {
  if (input_count < 1 || input_count > 2)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "input_count is %zu", input_count);
  for (size_t i = 0; i < input_count; i++)
    if (!onefold_graph_check_node(graph, inputs[i])) return onefold_graph_status(graph);
  const block *found = find_block(name);
  if (!found) return unknown_block(context, name);
  onefold_block_params own = *params;
  own.input = onefold_graph_shape(graph, inputs[0]);
  if (input_count == 2) own.route_channels = onefold_graph_shape(graph, inputs[1]).c;
  const onefold_status status = onefold_block_params_check(context, &own);
  if (status != ONEFOLD_OK) return status;
  onefold_builder builder = {.context = context,
                             .graph = graph,
                             .weights = weights,
                             .params = &own,
                             .block = found->name,
                             .route = input_count == 2 ? inputs[1] : ONEFOLD_NO_NODE};
  return run_builder(found, &builder, inputs[0], output);
}

onefold_status onefold_block_append(onefold_context *context, onefold_graph *graph,
                                    const onefold_node *inputs, size_t input_count,
                                    const char *name, const onefold_block_params *params,
                                    const onefold_weights *weights, onefold_node *output) {
  const char *missing = missing_argument(context, params, weights, graph);
  if (!missing && (!inputs || !output)) missing = inputs ? "output" : "inputs";
  onefold_status status = graph ? onefold_graph_status(graph) : ONEFOLD_OK;
  onefold_node result = ONEFOLD_NO_NODE; // `output` may be one of the inputs
  if (status == ONEFOLD_OK && missing)
    status = onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL", missing);
  else if (status == ONEFOLD_OK)
    status = append(context, graph, inputs, input_count, name, params, weights, &result);
  if (output) *output = status == ONEFOLD_OK ? result : ONEFOLD_NO_NODE;
  if (status != ONEFOLD_OK) onefold_graph_fail(graph, status);
  return status;
}
