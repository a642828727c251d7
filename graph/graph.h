// SPDX-License-Identifier: BSD-3-Clause
// The graph from inside: nodes with their owned weights, for running, folding and building.
//
// Nodes are stored in the order in which they were added, so every input of a node has a
// smaller number than the node.
#ifndef ONEFOLD_GRAPH_GRAPH_H
#define ONEFOLD_GRAPH_GRAPH_H

#include "ops/context.h"

#include <onefold/conv2d.h>
#include <onefold/graph.h>

#define ONEFOLD_NODE_NAME 96

typedef enum onefold_node_kind {
#define ONEFOLD_NODE(id, name) ONEFOLD_NODE_##id,
#include "graph/node_list.def"
  ONEFOLD_NODE_KIND_COUNT
} onefold_node_kind;

typedef struct onefold_node_conv2d {
  onefold_graph_conv2d_params params;
  const float *weight; // [O][I/g][K_h][K_w]
  const float *bias;   // [O] or NULL
  int fixed;           // the weights are constants of the block, not parameters
} onefold_node_conv2d;

typedef struct onefold_node_activation {
  onefold_activation function;
  float param;
} onefold_node_activation;

/// One node. `weights` owns every array that the payload points to.
typedef struct onefold_graph_node {
  onefold_node_kind kind;
  char name[ONEFOLD_NODE_NAME];
  onefold_node *inputs;
  int32_t input_count;
  onefold_shape shape; // of the result
  union {
    onefold_node_conv2d conv2d;
    onefold_batch_norm_params batch_norm;
    onefold_node_activation activation;
    onefold_squeeze_excite_params squeeze_excite;
    onefold_border_params border;
    onefold_pad_params pad;
    onefold_pool2d_params pool;
    int64_t slice_begin;     // first channel; as many follow as the result has
    int64_t upsample_factor; // in both directions
  } as;
  float *weights;
} onefold_graph_node;

struct onefold_graph {
  onefold_context *context;
  onefold_status status; // of the first builder call that failed
  onefold_graph_node *nodes;
  int32_t node_count, node_capacity;
  onefold_node *outputs;
  int32_t output_count, output_capacity;
};

/// What the rest of the library asks of a kind of node.
typedef struct onefold_node_type {
  const char *name;
  int64_t (*parameters)(const onefold_graph *graph, const onefold_graph_node *node);
  double (*macs)(const onefold_graph *graph, const onefold_graph_node *node);
  /// Adds the same node, reading `inputs`, to another graph.
  onefold_node (*copy)(onefold_graph *to, const onefold_graph_node *node,
                       const onefold_node *inputs);
} onefold_node_type;

#define ONEFOLD_NODE(id, name) extern const onefold_node_type onefold_node_type_##name;
#include "graph/node_list.def"

const onefold_node_type *onefold_node_type_of(onefold_node_kind kind);

/// Non-zero for a row ONEFOLD_NODE_LINEAR or ONEFOLD_NODE_JOIN.
int onefold_node_is_linear(onefold_node_kind kind);

/// For kinds without weights or multiply-adds.
int64_t onefold_node_no_parameters(const onefold_graph *graph, const onefold_graph_node *node);
double onefold_node_no_macs(const onefold_graph *graph, const onefold_graph_node *node);

/// An array that a node takes into its ownership: `count` floats from `source`, NULL for none.
typedef struct onefold_node_array {
  const float *source;
  size_t count;
  const float **target; // set to the node's own copy, or to NULL
} onefold_node_array;

/// Appends a node. `node` holds kind, shape and payload; inputs and arrays are copied, and
/// `arrays[i].target` must point into `node`. Returns its number or ONEFOLD_NO_NODE.
onefold_node onefold_graph_add_node(onefold_graph *graph, onefold_graph_node *node,
                                    const onefold_node *inputs, size_t input_count,
                                    const onefold_node_array *arrays, size_t array_count);

/// The index of the first number that is not finite. Zero where all are finite, and for NULL.
int onefold_node_find_not_finite(const float *values, size_t count, size_t *index);

/// Records the first failure of a builder call; returns ONEFOLD_NO_NODE.
onefold_node onefold_graph_fail(onefold_graph *graph, onefold_status status);

/// Non-zero when `node` is a node of a graph that has not failed. A graph that has is left as it
/// is, with the first failure's sentence; in any other a number that is no node's is a failure.
int onefold_graph_check_node(onefold_graph *graph, onefold_node node);

/// Copies a node into another graph with its name.
onefold_node onefold_graph_copy_node(onefold_graph *to, const onefold_graph *from,
                                     onefold_node node, const onefold_node *inputs);

/// Room for one more element of `size` bytes; doubles the capacity. Zero when out of memory.
int onefold_graph_reserve(const onefold_context *context, void **array, int32_t count,
                          int32_t *capacity, size_t size);

/// Removes the nodes from `node_count` on. None of them may be an output.
void onefold_graph_truncate(onefold_graph *graph, int32_t node_count);

/// Puts the nodes in an order that follows from the graph's structure alone: the inputs as they
/// were declared, then each output's operands before it. Removes what no output reads.
onefold_status onefold_graph_sort(onefold_graph *graph);

/// Readers of each node: how many inputs and outputs refer to it, into uses[node_count]. Nodes
/// that no output needs have none and count for none.
void onefold_graph_count_uses(const onefold_graph *graph, int32_t *uses);

/// The problem of a convolution node, in blocked layouts and without an epilogue.
void onefold_node_conv2d_desc(const onefold_graph *graph, const onefold_graph_node *node,
                              onefold_conv2d_desc *desc);

/// Elements of a shape as NCHW. Zero when a size is not positive or the product, in bytes of
/// double, does not fit.
int onefold_shape_elements(onefold_shape shape, size_t *elements);

/// Class of the row or column `position` of `size` by a border's `before` and `after`: each of
/// the first and of the last has its own, all between are one (onefold_border_params).
int64_t onefold_border_class(int64_t position, int64_t size, int64_t before, int64_t after);

/// Appends a pooling node of the given kind.
onefold_node onefold_node_add_pool(onefold_graph *graph, onefold_node_kind kind, onefold_node input,
                                   const onefold_pool2d_params *params);

#endif
