// SPDX-License-Identifier: BSD-3-Clause
// What block builders write with: nodes whose weights are read by name. A failure is kept by
// the builder; calls after it do nothing and return ONEFOLD_NO_NODE. Names are relative to the
// builder's prefix.
#ifndef ONEFOLD_MODELS_BUILDER_H
#define ONEFOLD_MODELS_BUILDER_H

#include "ops/context.h"

#include <onefold/models.h>

/// Bytes of the longest tensor name, with its end.
#define ONEFOLD_BUILD_NAME 512

typedef struct onefold_builder {
  onefold_context *context;
  onefold_graph *graph;
  const onefold_weights *weights;
  const onefold_block_params *params;
  const char *block;  // its name, for sentences
  onefold_node route; // the second input, ONEFOLD_NO_NODE where none was given
  int32_t adds_route; // onefold_build_route may add an input to the graph
  onefold_status status;
} onefold_builder;

/// Adds the block's nodes on `input`; returns its result.
typedef onefold_node onefold_block_build_fn(onefold_builder *builder, onefold_node input);
#define ONEFOLD_BLOCK(name, kernel, activation, parameter, bn_epsilon, typical, summary)           \
  onefold_block_build_fn onefold_block_build_##name;
#include "models/block_list.def"

// ------------------------------------------------------------------ failures

/// Records a failure, also of the graph; returns ONEFOLD_NO_NODE.
onefold_node onefold_build_fail(onefold_builder *builder, onefold_status status);

/// Refuses a parameter of which the block has one value only: zero, and a failure
/// "<block>: <name> is <value>, the block has <only>", where `value` is not `only`.
int onefold_build_only(onefold_builder *builder, const char *name, int64_t value, int64_t only);

/// Zero, and a failure INVALID_ARGUMENT "<block>: kernel is <kernel>, it must be odd".
int onefold_build_odd_kernel(onefold_builder *builder);

// ---------------------------------------------------------------- parameters

/// params->padding of a kernel, or dilation*(kernel-1)/2 where none is given.
int64_t onefold_build_padding(const onefold_block_params *params, int64_t kernel);

/// Non-zero where the block has an identity branch from `in` to out_channels. Fails where one is
/// asked for and the channels or the stride forbid it.
int onefold_build_has_identity(onefold_builder *builder, int64_t in);

/// The block's main convolution: out_channels, a square kernel, stride, dilation, groups and
/// padding as in params.
onefold_graph_conv2d_params onefold_build_main_conv(const onefold_block_params *params,
                                                    int64_t kernel);

// ------------------------------------------------------------------- tensors

/// Non-zero where the weights are a file that holds the tensor. A generator holds none: it makes
/// whatever is read.
int onefold_build_has(const onefold_builder *builder, const char *name, const char *suffix);

/// Reads <prefix><name><suffix>, to be released with onefold_release; NULL after a failure.
float *onefold_build_read(onefold_builder *builder, const char *name, const char *suffix,
                          const int64_t *dims, int32_t rank);

/// Zeroed room for a tensor that is computed; NULL after a failure.
float *onefold_build_room(onefold_builder *builder, const char *name, const int64_t *dims,
                          int32_t rank);

// --------------------------------------------------------------------- nodes

/// Names the node and picks up a failure of the graph.
onefold_node onefold_build_finish(onefold_builder *builder, onefold_node node, const char *name);

/// Reads <name>.weight, and <name>.bias where a file has one.
onefold_node onefold_build_conv2d(onefold_builder *builder, onefold_node input, const char *name,
                                  const onefold_graph_conv2d_params *params);

/// Reads <name>.weight and <name>.bias.
onefold_node onefold_build_conv2d_bias(onefold_builder *builder, onefold_node input,
                                       const char *name, const onefold_graph_conv2d_params *params);

/// Reads <name>.weight, .bias, .running_mean and .running_var; epsilon is the block's. In a
/// file, the first two or the last two may be missing: gamma is then 1 and beta 0, or the node
/// has no statistics.
onefold_node onefold_build_batch_norm(onefold_builder *builder, onefold_node input,
                                      const char *name);

/// A convolution and its batch normalisation.
onefold_node onefold_build_conv_bn_as(onefold_builder *builder, onefold_node input,
                                      const char *conv, const char *bn,
                                      const onefold_graph_conv2d_params *params);

/// The same, <name>.conv and <name>.bn.
onefold_node onefold_build_conv_bn(onefold_builder *builder, onefold_node input, const char *name,
                                   const onefold_graph_conv2d_params *params);

/// The same, and the block's activation.
onefold_node onefold_build_conv_bn_act(onefold_builder *builder, onefold_node input,
                                       const char *name, const onefold_graph_conv2d_params *params);

/// A convolution of values that are released here; NULL after a failure. `fixed` makes it a
/// fixed filter, which counts no parameters.
onefold_node onefold_build_conv2d_values(onefold_builder *builder, onefold_node input,
                                         const onefold_graph_conv2d_params *params, float *values,
                                         int fixed, const char *name);

/// y[c] = scale[c]*x[c].
onefold_node onefold_build_scale(onefold_builder *builder, onefold_node input, const float *scale,
                                 const char *name);

/// `pad` rows and columns of value[c] on every side, NULL for 0; none where `pad` is 0.
onefold_node onefold_build_pad(onefold_builder *builder, onefold_node input, int64_t pad,
                               const float *value, const char *name);

/// The sum of branches, named `name`.
onefold_node onefold_build_sum(onefold_builder *builder, const onefold_node *branches, size_t count,
                               const char *name);

/// The block's squeeze-and-excitation, none where se_hidden is 0. `reduce` and `expand` name its
/// layers, NULL for the style's own: se.down and se.up, se.fc.0 and se.fc.2, se.conv_reduce and
/// se.conv_expand. Weights of the linear style are of rank 2 and have no biases.
onefold_node onefold_build_squeeze_excite(onefold_builder *builder, onefold_node input,
                                          const char *reduce, const char *expand);

/// The same in a style of the block's own, whatever se_style says.
onefold_node onefold_build_squeeze_excite_as(onefold_builder *builder, onefold_node input,
                                             onefold_se_style style, const char *reduce,
                                             const char *expand);

/// The block's activation; none adds no node.
onefold_node onefold_build_activation(onefold_builder *builder, onefold_node input);

/// The block's second input, of route_channels channels and `grid`'s other sizes. Fails where
/// there is none, or where it has another grid.
onefold_node onefold_build_route(onefold_builder *builder, onefold_shape grid);

// ---------------------------------------------------------- blocks in blocks

/// Parameters of a block inside this one: its own defaults, with this block's epsilon,
/// activation, style of squeeze-and-excitation and OREPA flags. The caller sets the rest.
onefold_block_params onefold_build_inherit(onefold_builder *builder, const char *block);

/// Adds a whole block; `name` ("m.0.") goes between this block's prefix and the names inside.
onefold_node onefold_build_block(onefold_builder *builder, onefold_node input, const char *block,
                                 const char *name, const onefold_block_params *params);

#endif
