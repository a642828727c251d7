// SPDX-License-Identifier: BSD-3-Clause
// The list of networks, and the assembler: it goes through a network's table and appends one
// block or node for each row.
#include "models/network.h"

#include <stdio.h>
#include <string.h>

typedef struct network_entry {
  const char *name;
  const onefold_network_row *rows;
  int64_t size, multiple;
  double bn_epsilon;
  const char *summary;
} network_entry;

static const network_entry networks[] = {
#define ONEFOLD_NETWORK(id, name, size, multiple, bn_epsilon, summary)                             \
  {name, onefold_network_rows_##id, size, multiple, bn_epsilon, summary},
#include "models/network_list.def"
};
#define NETWORK_COUNT (sizeof networks / sizeof *networks)

static const network_entry *find_network(const char *name) {
  for (size_t i = 0; name && i < NETWORK_COUNT; i++)
    if (strcmp(networks[i].name, name) == 0) return &networks[i];
  return NULL;
}

const char *onefold_network_name(size_t index) {
  return index < NETWORK_COUNT ? networks[index].name : NULL;
}

const char *onefold_network_summary(const char *name) {
  const network_entry *found = find_network(name);
  return found ? found->summary : NULL;
}

static onefold_status unknown_network(const onefold_context *context, const char *name) {
  char names[512] = "";
  for (size_t i = 0, used = 0; i < NETWORK_COUNT && used < sizeof names; i++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                             networks[i].name);
  return onefold_fail(context, ONEFOLD_NOT_FOUND, "no network '%s'; there are: %s",
                      name ? name : "(null)", names);
}

typedef struct assembly {
  const network_entry *network;
  onefold_context *context;
  const onefold_weights *weights;
  onefold_graph *graph;
  onefold_node last;     // of the row before; at first the image
  onefold_node *results; // of each row
  const char *counted;   // the name of the row before
  int number;            // its place among those of this name
} assembly;

/// The row's name with # replaced.
static void print_name(assembly *a, const onefold_network_row *row, char name[ONEFOLD_BUILD_NAME]) {
  a->number = a->counted && strcmp(a->counted, row->name) == 0 ? a->number + 1 : 0;
  a->counted = row->name;
  const char *mark = strchr(row->name, '#');
  if (mark)
    snprintf(name, ONEFOLD_BUILD_NAME, "%.*s%d%s", (int)(mark - row->name), row->name, a->number,
             mark + 1);
  else
    snprintf(name, ONEFOLD_BUILD_NAME, "%s", row->name);
}

static size_t find_inputs(const assembly *a, const onefold_network_row *row,
                          onefold_node inputs[ONEFOLD_NETWORK_INPUTS]) {
  size_t count = 0;
  inputs[0] = a->last;
  if (!row->from) return 1;
  for (; row->from[count] >= 0 && count < ONEFOLD_NETWORK_INPUTS; count++)
    inputs[count] = a->results[row->from[count]];
  return count;
}

static onefold_status add_row(assembly *a, const onefold_network_row *row) {
  const int is_node = onefold_network_has_node(row->module);
  char name[ONEFOLD_BUILD_NAME];
  onefold_node inputs[ONEFOLD_NETWORK_INPUTS];
  const size_t count = find_inputs(a, row, inputs);
  onefold_block_params params;
  onefold_status status =
      onefold_block_params_init(a->context, is_node ? "conv_bn" : row->module, &params);
  print_name(a, row, name);
  params.prefix = name;
  params.bn_epsilon = a->network->bn_epsilon;
  if (status == ONEFOLD_OK) status = onefold_block_params_set(a->context, &params, row->params);
  if (status != ONEFOLD_OK) return status;
  if (!is_node)
    return onefold_block_append(a->context, a->graph, inputs, count, row->module, &params,
                                a->weights, &a->last);
  onefold_builder builder = {.context = a->context,
                             .graph = a->graph,
                             .weights = a->weights,
                             .params = &params,
                             .block = row->module,
                             .route = ONEFOLD_NO_NODE};
  a->last = onefold_network_add_node(&builder, inputs, count);
  return builder.status;
}

static size_t at_least_one(int16_t value) {
  return value > 1 ? (size_t)value : 1;
}

static size_t count_rows(const onefold_network_row *rows) {
  size_t count = 1;
  while (strcmp(rows[count - 1].module, "output") != 0) count++;
  return count;
}

static onefold_status add_rows(assembly *a, size_t count) {
  const onefold_network_row *rows = a->network->rows;
  onefold_status status = ONEFOLD_OK;
  for (size_t i = 0; i < count; i += at_least_one(rows[i].span)) {
    const size_t added = at_least_one(rows[i].repeats) * at_least_one(rows[i].span);
    for (size_t k = 0; k < added && status == ONEFOLD_OK; k++) {
      const size_t row = i + k % at_least_one(rows[i].span);
      status = add_row(a, &rows[row]);
      a->results[row] = a->last;
    }
  }
  return status;
}

static onefold_status assemble(onefold_context *context, const network_entry *network,
                               onefold_shape input, const onefold_weights *weights,
                               onefold_graph *graph) {
  const size_t count = count_rows(network->rows);
  assembly a = {.network = network, .context = context, .weights = weights, .graph = graph};
  a.results = onefold_allocate(context, count * sizeof *a.results);
  if (!a.results)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for the %zu rows of %s", count,
                        network->name);
  a.last = onefold_graph_input(graph, input);
  onefold_graph_name(graph, a.last, "input");
  onefold_status status = onefold_graph_status(graph);
  if (status == ONEFOLD_OK) status = add_rows(&a, count);
  onefold_release(context, a.results);
  return status;
}

/// Fills in the sizes that are 0 and checks the others.
static onefold_status choose_input(const onefold_context *context, const network_entry *network,
                                   onefold_shape *input) {
  const struct {
    const char *name;
    int64_t *value, own, multiple;
  } sizes[] = {
      {"n", &input->n, 1, 1},
      {"c", &input->c, 3, 1},
      {"h", &input->h, network->size, network->multiple},
      {"w", &input->w, network->size, network->multiple},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    if (*sizes[i].value == 0) *sizes[i].value = sizes[i].own;
    if (*sizes[i].value < 0)
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "input.%s is %lld", sizes[i].name,
                          (long long)*sizes[i].value);
    if (*sizes[i].value % sizes[i].multiple != 0)
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                          "%s: input.%s is %lld, not a multiple of %lld", network->name,
                          sizes[i].name, (long long)*sizes[i].value, (long long)sizes[i].multiple);
  }
  if (input->c == 3) return ONEFOLD_OK;
  return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: input.c is %lld, the network has 3",
                      network->name, (long long)input->c);
}

onefold_status onefold_network_build(onefold_context *context, const char *name,
                                     onefold_shape input, const onefold_weights *weights,
                                     onefold_graph **graph) {
  if (!context || !weights || !graph)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context   ? "context"
                        : !weights ? "weights"
                                   : "graph");
  *graph = NULL;
  const network_entry *found = find_network(name);
  if (!found) return unknown_network(context, name);
  onefold_status status = choose_input(context, found, &input);
  if (status != ONEFOLD_OK) return status;
  onefold_graph *made;
  status = onefold_graph_create(context, &made);
  if (status != ONEFOLD_OK) return status;
  status = assemble(context, found, input, weights, made);
  if (status == ONEFOLD_OK)
    *graph = made;
  else
    onefold_graph_destroy(made);
  return status;
}
