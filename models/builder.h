// SPDX-License-Identifier: BSD-3-Clause
// What block builders write with: nodes whose weights are read by name. A failure is kept by
// the builder; calls after it do nothing and return ONEFOLD_NO_NODE.
#ifndef ONEFOLD_MODELS_BUILDER_H
#define ONEFOLD_MODELS_BUILDER_H

#include "ops/context.h"

#include <onefold/models.h>

typedef struct onefold_builder {
  onefold_context *context;
  onefold_graph *graph;
  const onefold_weights *weights;
  const onefold_block_params *params;
  onefold_status status;
} onefold_builder;

/// Adds the block's nodes on `input`; returns its result.
typedef onefold_node onefold_block_build_fn(onefold_builder *builder, onefold_node input);
#define ONEFOLD_BLOCK(name, kernel, activation, parameter, bn_epsilon, summary)                    \
  onefold_block_build_fn onefold_block_build_##name;
#include "models/block_list.def"

/// Reads <name>.weight, without a bias.
onefold_node onefold_build_conv2d(onefold_builder *builder, onefold_node input, const char *name,
                                  const onefold_graph_conv2d_params *params);

/// Reads <name>.weight, .bias, .running_mean and .running_var; epsilon is the block's.
onefold_node onefold_build_batch_norm(onefold_builder *builder, onefold_node input,
                                      const char *name);

/// A convolution <name>.conv and its batch normalisation <name>.bn.
onefold_node onefold_build_conv_bn(onefold_builder *builder, onefold_node input, const char *name,
                                   const onefold_graph_conv2d_params *params);

/// Squeeze-and-excitation of 1x1 convolutions with biases <name>.<reduce> and <name>.<expand>.
onefold_node onefold_build_squeeze_excite(onefold_builder *builder, onefold_node input,
                                          const char *reduce, const char *expand, int64_t hidden,
                                          onefold_activation gate);

/// The block's activation; none adds no node.
onefold_node onefold_build_activation(onefold_builder *builder, onefold_node input);

/// Records a failure; returns ONEFOLD_NO_NODE.
onefold_node onefold_build_fail(onefold_builder *builder, onefold_status status);

#endif
