// SPDX-License-Identifier: BSD-3-Clause
// Networks from inside: tables of rows, and the nodes that are no blocks.
#ifndef ONEFOLD_MODELS_NETWORK_H
#define ONEFOLD_MODELS_NETWORK_H

#include "models/builder.h"

#include <onefold/networks.h>

/// One row: a block of block_list.def, or one of the nodes below. A table ends with its row
/// "output".
typedef struct onefold_network_row {
  const char *module;
  /// What weight names begin with, "stage1.#.", where # is the row's place, from 0, among those
  /// that follow one another with this name; of a node with weights, all before ".weight".
  const char *name;
  const char *params;  // for onefold_block_params_set; nodes take those of the block conv_bn
  const int16_t *from; // the rows that it reads, ended by -1; NULL for the row before or the image
  int16_t repeats;     // this row and the span - 1 rows after it are gone through so many times;
  int16_t span;        // 0 for 1, both
} onefold_network_row;

/// A row that is gone through once and reads the row before.
#define ONEFOLD_NETWORK_ROW(m, n, p)                                                               \
  { .module = m, .name = n, .params = p }

/// Most rows that one row reads.
#define ONEFOLD_NETWORK_INPUTS 8

#define ONEFOLD_NETWORK(id, name, size, multiple, bn_epsilon, summary)                             \
  extern const onefold_network_row onefold_network_rows_##id[];
#include "models/network_list.def"

/// Non-zero for the nodes of networks that are no blocks:
///   conv2d, conv2d_bias  a convolution: out_channels, kernel, stride, groups, padding
///   batch_norm
///   activation           activation, activation_param
///   max_pool             kernel, stride; pads odd kernels so that stride 1 keeps the size
///   upsample             by 2
///   global_pool
///   linear               out_channels, with biases
///   concat               of up to ONEFOLD_NETWORK_INPUTS rows
///   output               declares what it reads as the network's outputs
int onefold_network_has_node(const char *module);

/// Adds the node builder->block, which is one of them; returns its result.
onefold_node onefold_network_add_node(onefold_builder *builder, const onefold_node *inputs,
                                      size_t count);

#endif
