// SPDX-License-Identifier: BSD-3-Clause
// The branches of OREPA (Hu et al., CVPR 2022) on feature maps, without their batch norm:
//   origin: K x K                       avg:   1x1, then the mean of K x K
//   prior:  1x1, then one cosine filter per channel
//   kxk:    1x1 that begins as the identity, then K x K
//   1x1     gconv: depthwise K x K with 8 results per channel, then 1x1
// each scaled per channel by its row of `vector`. All are free of biases, so that zero padding
// between them changes nothing. Of each branch the last operator that sees pixels has the stride.
#ifndef ONEFOLD_MODELS_OREPA_LAYER_H
#define ONEFOLD_MODELS_OREPA_LAYER_H

#include "models/builder.h"

typedef struct onefold_orepa_layer {
  const char *at;       // before the names of its tensors: "", "rbr_dense.", "weight0."
  const char *family;   // then: "weight_orepa_", or "weight_rbr_", which has no 1x1 branch
  int32_t has_point;    // the 1x1 branch
  int32_t rows;         // of `vector`; those past the branches' are not used
  int32_t turned;       // non-zero: kernels turned by 180 degrees
  int64_t mid_channels; // between the two of kxk
  onefold_graph_conv2d_params conv; // what the branches amount to; square, one padding
} onefold_orepa_layer;

/// Adds the branches and their sum.
onefold_node onefold_build_orepa_layer(onefold_builder *builder, onefold_node input,
                                       const onefold_orepa_layer *layer);

/// mid_channels of params, or the rule of the original code: as many as the input has, and twice
/// as many for more than 4 groups.
int64_t onefold_orepa_mid_channels(const onefold_block_params *params);

#endif
