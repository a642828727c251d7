// SPDX-License-Identifier: BSD-3-Clause
// The list of blocks: names, defaults, and building one as a graph.
#include "models/builder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct block {
  const char *name;
  onefold_block_build_fn *build;
  int64_t kernel;
  onefold_activation activation;
  float activation_param;
  double bn_epsilon;
  const char *summary;
} block;

static const block blocks[] = {
#define ONEFOLD_BLOCK(name, kernel, activation, parameter, bn_epsilon, summary)                    \
  {#name, onefold_block_build_##name, kernel, activation, parameter, bn_epsilon, summary},
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

static onefold_status unknown_block(const onefold_context *context, const char *name) {
  char names[512] = "";
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
      .activation = found->activation,
      .activation_param = found->activation_param,
      .bn_epsilon = found->bn_epsilon,
      .prefix = "",
  };
  return ONEFOLD_OK;
}

static onefold_status check_params(const onefold_context *context,
                                   const onefold_block_params *params) {
  if (params->struct_size != sizeof *params)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "struct_size of onefold_block_params is %zu, not %zu", params->struct_size,
                        sizeof *params);
  const struct {
    const char *name;
    int64_t value, least;
  } sizes[] = {
      {"input.n", params->input.n, 1},
      {"input.c", params->input.c, 1},
      {"input.h", params->input.h, 1},
      {"input.w", params->input.w, 1},
      {"out_channels", params->out_channels, 1},
      {"kernel", params->kernel, 1},
      {"stride", params->stride, 1},
      {"dilation", params->dilation, 1},
      {"groups", params->groups, 1},
      {"se_hidden", params->se_hidden, 0},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i].value < sizes[i].least)
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is %lld", sizes[i].name,
                          (long long)sizes[i].value);
  if (params->input.c % params->groups != 0 || params->out_channels % params->groups != 0)
    return onefold_fail(
        context, ONEFOLD_SHAPE_MISMATCH, "%lld groups do not divide %lld and %lld channels",
        (long long)params->groups, (long long)params->input.c, (long long)params->out_channels);
  if (!isfinite(params->bn_epsilon) || params->bn_epsilon < 0)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "bn_epsilon is %g", params->bn_epsilon);
  return ONEFOLD_OK;
}

onefold_status onefold_block_build(onefold_context *context, const char *name,
                                   const onefold_block_params *params,
                                   const onefold_weights *weights, onefold_graph **graph) {
  if (!context || !params || !weights || !graph)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context   ? "context"
                        : !params  ? "params"
                        : !weights ? "weights"
                                   : "graph");
  *graph = NULL;
  const block *found = find_block(name);
  if (!found) return unknown_block(context, name);
  onefold_status status = check_params(context, params);
  if (status != ONEFOLD_OK) return status;
  onefold_builder builder = {.context = context, .weights = weights, .params = params};
  status = onefold_graph_create(context, &builder.graph);
  if (status != ONEFOLD_OK) return status;
  const onefold_node input = onefold_graph_input(builder.graph, params->input);
  onefold_graph_name(builder.graph, input, "input");
  builder.status = onefold_graph_status(builder.graph);
  const onefold_node output = found->build(&builder, input);
  if (builder.status == ONEFOLD_OK) builder.status = onefold_graph_output(builder.graph, output);
  if (builder.status != ONEFOLD_OK) {
    onefold_graph_destroy(builder.graph);
    return builder.status;
  }
  *graph = builder.graph;
  return ONEFOLD_OK;
}
