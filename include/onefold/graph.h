// SPDX-License-Identifier: BSD-3-Clause
// Graphs of operators. A block, a network, a training-time form and a deploy
// form are all graphs; folding (fold.h) rewrites one into another, and an
// execution (exec.h) runs one.
//
// A node is named by its number. Builder calls return ONEFOLD_NO_NODE on
// failure and pass ONEFOLD_NO_NODE through, so that a builder may be written
// without a check per line; onefold_graph_status gives the first failure.
// Weights are copied into the graph. A graph is not thread-safe while it is
// built; a finished one may be read by many threads.
#ifndef ONEFOLD_GRAPH_H
#define ONEFOLD_GRAPH_H

#include <onefold/context.h>
#include <onefold/conv2d.h>
#include <onefold/elementwise.h>
#include <onefold/export.h>
#include <onefold/pool.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

typedef struct onefold_graph onefold_graph;
typedef int32_t onefold_node;
#define ONEFOLD_NO_NODE (-1)

ONEFOLD_API onefold_status onefold_graph_create(onefold_context *context, onefold_graph **graph);
ONEFOLD_API void onefold_graph_destroy(onefold_graph *graph);

/// ONEFOLD_OK, or the status of the first builder call that failed.
ONEFOLD_API onefold_status onefold_graph_status(const onefold_graph *graph);

/// Names the node added last ("rbr_dense.conv"); shown in reports. At most 95
/// bytes are kept.
ONEFOLD_API void onefold_graph_name(onefold_graph *graph, onefold_node node, const char *name);

ONEFOLD_API onefold_node onefold_graph_input(onefold_graph *graph, onefold_shape shape);

/// Geometry of a convolution node.
typedef struct onefold_graph_conv2d_params {
  int64_t out_channels, kernel_h, kernel_w;
  int64_t stride_h, stride_w, dilation_h, dilation_w;
  int64_t pad_top, pad_bottom, pad_left, pad_right;
  int64_t groups;
} onefold_graph_conv2d_params;

/// Square kernel, one stride, dilation 1, padding kernel/2 on every side.
ONEFOLD_API onefold_graph_conv2d_params onefold_graph_conv2d_square(int64_t out_channels,
                                                                    int64_t kernel, int64_t stride,
                                                                    int64_t groups);

/// weight [O][I/g][K_h][K_w]; bias [O] or NULL.
ONEFOLD_API onefold_node onefold_graph_conv2d(onefold_graph *graph, onefold_node input,
                                              const onefold_graph_conv2d_params *params,
                                              const float *weight, const float *bias);

/// A convolution whose weights are constants of the block and not trained: a fixed filter. It
/// counts no parameters; all else is as for a convolution.
ONEFOLD_API onefold_node onefold_graph_filter(onefold_graph *graph, onefold_node input,
                                              const onefold_graph_conv2d_params *params,
                                              const float *weight, const float *bias);

/// A fully connected layer over all of C, H and W: a convolution whose kernel is the image.
/// weight [out_features][C*H*W]; bias [out_features] or NULL; the result is N x out_features x
/// 1 x 1.
ONEFOLD_API onefold_node onefold_graph_linear(onefold_graph *graph, onefold_node input,
                                              int64_t out_features, const float *weight,
                                              const float *bias);

/// Fails where variance + epsilon is not positive or a parameter is not finite. With mean and
/// variance NULL the statistics are those of the batch: the graph can be read and counted, but
/// neither folded (BN_NO_STATS) nor run (UNSUPPORTED).
ONEFOLD_API onefold_node onefold_graph_batch_norm(onefold_graph *graph, onefold_node input,
                                                  const onefold_batch_norm_params *params);

/// y[c] = scale[c]*x[c] + shift[c]: a batch normalisation of mean 0, variance 1 and epsilon 0.
/// scale and shift [C]; shift NULL for 0.
ONEFOLD_API onefold_node onefold_graph_scale(onefold_graph *graph, onefold_node input,
                                             const float *scale, const float *shift);

/// The input itself: a sum of one.
ONEFOLD_API onefold_node onefold_graph_identity(onefold_graph *graph, onefold_node input);

/// Sum of `count` nodes of one shape.
ONEFOLD_API onefold_node onefold_graph_sum(onefold_graph *graph, const onefold_node *inputs,
                                           size_t count);

ONEFOLD_API onefold_node onefold_graph_activation(onefold_graph *graph, onefold_node input,
                                                  onefold_activation activation, float param);

/// Joins `count` nodes along the channels; their N, H and W agree.
ONEFOLD_API onefold_node onefold_graph_concat(onefold_graph *graph, const onefold_node *inputs,
                                              size_t count);

/// Channels [begin, begin + count).
ONEFOLD_API onefold_node onefold_graph_slice(onefold_graph *graph, onefold_node input,
                                             int64_t begin, int64_t count);

/// Slices of the given sizes one after the other, into parts[count]; the sizes add up to C.
ONEFOLD_API onefold_status onefold_graph_split(onefold_graph *graph, onefold_node input,
                                               const int64_t *sizes, size_t count,
                                               onefold_node *parts);

/// Adds rows and columns around the image that hold value[c]; value [C] or NULL for 0.
typedef struct onefold_pad_params {
  int64_t top, bottom, left, right; // not negative
  const float *value;
} onefold_pad_params;
ONEFOLD_API onefold_node onefold_graph_pad(onefold_graph *graph, onefold_node input,
                                           const onefold_pad_params *params);

/// Adds bias[c][r][q] to the pixels of row class r and column class q. The first `top` rows
/// are the classes 0 .. top-1, the last `bottom` rows the classes top+1 .. top+bottom, all rows
/// between them are of class top; columns likewise with left and right. top + bottom <= H and
/// left + right <= W. What folding needs where a bias meets zero padding.
typedef struct onefold_border_params {
  int64_t top, bottom, left, right;
  const float *bias; // [C][top + 1 + bottom][left + 1 + right]
} onefold_border_params;
ONEFOLD_API onefold_node onefold_graph_border(onefold_graph *graph, onefold_node input,
                                              const onefold_border_params *params);

/// Pooling; a mean with padding that is counted is a linear map, and folds.
ONEFOLD_API onefold_node onefold_graph_avg_pool(onefold_graph *graph, onefold_node input,
                                                const onefold_pool2d_params *params);
ONEFOLD_API onefold_node onefold_graph_max_pool(onefold_graph *graph, onefold_node input,
                                                const onefold_pool2d_params *params);

/// Mean over the pixels of each channel: N x C x 1 x 1.
ONEFOLD_API onefold_node onefold_graph_global_pool(onefold_graph *graph, onefold_node input);

/// Nearest-neighbour upsampling by a whole factor in both directions.
ONEFOLD_API onefold_node onefold_graph_upsample(onefold_graph *graph, onefold_node input,
                                                int64_t factor);

/// Squeeze-and-excitation (Hu et al., 2018), never folded:
/// y[c] = x[c] * gate(W2 * relu(W1 * mean(x) + b1) + b2)[c].
typedef struct onefold_squeeze_excite_params {
  int64_t hidden;
  const float *reduce_weight; // [hidden][C]
  const float *reduce_bias;   // [hidden] or NULL
  const float *expand_weight; // [C][hidden]
  const float *expand_bias;   // [C] or NULL
  onefold_activation gate;    // SIGMOID or HARD_SIGMOID
} onefold_squeeze_excite_params;
ONEFOLD_API onefold_node onefold_graph_squeeze_excite(onefold_graph *graph, onefold_node input,
                                                      const onefold_squeeze_excite_params *params);

/// Declares a result. A graph may have several; they keep their order.
ONEFOLD_API onefold_status onefold_graph_output(onefold_graph *graph, onefold_node node);

/// Inputs and outputs by their place in the order of declaration; ONEFOLD_NO_NODE past the
/// last.
ONEFOLD_API onefold_node onefold_graph_input_at(const onefold_graph *graph, size_t index);
ONEFOLD_API onefold_node onefold_graph_output_at(const onefold_graph *graph, size_t index);

/// Shape of a node's result.
ONEFOLD_API onefold_shape onefold_graph_shape(const onefold_graph *graph, onefold_node node);

/// Totals over the nodes: parameters (weights, biases, BN gamma and beta) and
/// multiply-adds of convolutions.
typedef struct onefold_graph_totals {
  int64_t nodes, parameters;
  double macs;
} onefold_graph_totals;
ONEFOLD_API onefold_graph_totals onefold_graph_count(const onefold_graph *graph);

/// A node as it is read, for those who hand a graph on to something else. What its kind does not
/// have is 0 or NULL; arrays belong to the graph. Of a pooling node, padding that a mean counts is
/// in the parameters; of a slice, as many channels are taken as the result has.
typedef struct onefold_node_info {
  const char *kind, *name; // "input", "conv", "batch_norm", "sum", "activation", "concat", ...
  const onefold_node *inputs;
  size_t input_count;
  onefold_shape shape;                       // of the result
  const onefold_graph_conv2d_params *conv2d; // of a convolution, with its arrays
  int32_t fixed;                             // a fixed filter: onefold_graph_filter
  const float *weight, *bias;
  const onefold_batch_norm_params *batch_norm;
  const onefold_squeeze_excite_params *squeeze_excite;
  const onefold_border_params *border;
  const onefold_pad_params *pad;
  const onefold_pool2d_params *pool;
  onefold_activation activation;
  float activation_param;
  int64_t slice_begin, upsample_factor;
} onefold_node_info;

/// Nodes have the numbers from 0 to onefold_graph_count's nodes - 1, and read smaller ones.
/// Errors: INVALID_ARGUMENT for another number.
ONEFOLD_API onefold_status onefold_graph_get_node(const onefold_graph *graph, onefold_node node,
                                                  onefold_node_info *info);

/// A graph that is one convolution, with an activation after it or none, as a block's is once
/// folded: its problem, in blocked layouts, and its weights, which belong to the graph. Errors:
/// UNSUPPORTED for any other graph, INVALID_ARGUMENT for one that has failed (sentence in the
/// context); nothing is written then.
ONEFOLD_API onefold_status onefold_graph_as_conv2d(const onefold_graph *graph,
                                                   onefold_conv2d_desc *desc,
                                                   onefold_conv2d_weights *weights);

ONEFOLD_END

#endif
