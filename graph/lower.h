// SPDX-License-Identifier: BSD-3-Clause
// Lowering: a graph becomes steps. The emit functions append a step and return the value that
// it writes; after a failure they return ONEFOLD_NO_VALUE and keep the first status, so that a
// lowering may be written without a check per line.
#ifndef ONEFOLD_GRAPH_LOWER_H
#define ONEFOLD_GRAPH_LOWER_H

#include "graph/exec.h"

#include <onefold/pool.h>

typedef struct onefold_lowering {
  onefold_exec *exec;
  const onefold_graph *graph;
  onefold_layout in_layout, out_layout;
  int fused, copies_parts;
  int32_t *uses;  // per node: readers and outputs
  int32_t *value; // per node: the blocked value of its result, or ONEFOLD_NO_VALUE
  int32_t *plain; // per node: the value in the caller's layout (inputs), or ONEFOLD_NO_VALUE
  /// Per node: the reader whose steps also do this node's work; itself where it stands alone.
  onefold_node *into;
  onefold_status status;
} onefold_lowering;

/// Fills exec with steps for the whole graph.
onefold_status onefold_lower(onefold_exec *exec, const onefold_graph *graph,
                             const onefold_exec_options *options);

/// Decides which nodes are done by their reader's steps (into[]). Fused lowering only.
void onefold_lower_absorb(onefold_lowering *lowering);

/// Makes one step of each depthwise and pointwise convolution that follow each other and can be
/// a pair, as `pairs` says. The last thing that lowering does.
void onefold_lower_pairs(onefold_exec *exec, onefold_pairs pairs);

// ---------------------------------------------- what steps read (lower_operand.c)

/// The value of a node's result in blocked layout; inputs are reordered at first use.
int32_t onefold_lower_operand(onefold_lowering *lowering, onefold_node node);

/// The same for the source of a convolution, which may read few channels as they come.
int32_t onefold_lower_conv_source(onefold_lowering *lowering, onefold_node conv);

/// The operand's value where an elementwise step may overwrite it, else ONEFOLD_NO_VALUE.
int32_t onefold_lower_in_place(onefold_lowering *lowering, onefold_node operand);

/// The activation that a node went into, itself or by way of a border node, else none.
onefold_node_activation onefold_lower_absorbed_activation(const onefold_lowering *lowering,
                                                          onefold_node node);

// ------------------------------------------------------------------- by kind

/// One function per kind: the steps of a node and of those that went into it.
typedef int32_t onefold_lower_fn(onefold_lowering *lowering, onefold_node node);
#define ONEFOLD_NODE(id, name) onefold_lower_fn onefold_lower_##name;
#include "graph/node_list.def"

/// The same, chosen by the node's kind; kinds that other nodes go into call it for those.
int32_t onefold_lower_node(onefold_lowering *lowering, onefold_node node);

/// The constant of the border node that a node went into, else ONEFOLD_NO_VALUE.
int32_t onefold_lower_absorbed_border(onefold_lowering *lowering, onefold_node node);

// ---------------------------------------------- sums (lower_sum.c)

/// How a sum is computed. Its terms that are named here or counted are done by its steps; all
/// others are tensors, which are added up first.
typedef struct onefold_sum_plan {
  int32_t links;          // convolutions that become a chain
  onefold_node scaled;    // a batch normalisation that becomes the scale of the chain's residual
  onefold_node activated; // the activation of the convolution that adds the one other term
} onefold_sum_plan;

/// No links and no nodes where the execution is not fused.
onefold_sum_plan onefold_lower_plan_sum(const onefold_lowering *lowering, onefold_node sum);

/// Is a term of a sum a convolution that only the sum reads?
int onefold_lower_is_link(const onefold_lowering *lowering, onefold_node term);

// ------------------------------------------------------------------ emitting

/// Keep the first failure; return ONEFOLD_NO_VALUE.
int32_t onefold_emit_fail(onefold_lowering *lowering, onefold_status status);
int32_t onefold_emit_out_of_memory(onefold_lowering *lowering);

int32_t onefold_emit_value(onefold_lowering *lowering, onefold_shape shape, onefold_layout layout);

/// A view of `shape` channels of a blocked value from channel `begin` on, a multiple of the
/// block. It may only be read.
int32_t onefold_emit_view(onefold_lowering *lowering, int32_t parent, int64_t begin,
                          onefold_shape shape);

/// Appends a step whose values and shape are set. Zero after a failure.
int onefold_emit_step(onefold_lowering *lowering, const onefold_step *step, const char *name);

/// The same for a step whose shape is its source's; without a result it gets one like the source.
int32_t onefold_emit_elementwise(onefold_lowering *lowering, onefold_step *step, const char *name);

/// A convolution and what its epilogue does. Arrays are borrowed until packing, except
/// shift and residual_scale, which are copied.
typedef struct onefold_emit_conv {
  const char *name;
  onefold_conv2d_desc desc; // without epilogue and layouts
  const float *weight, *bias;
  int32_t src;
  int32_t residual; // a value, or ONEFOLD_NO_VALUE
  onefold_residual residual_mode;
  const double *residual_scale; // [O] or NULL
  const double *shift;          // [O], added to the bias, or NULL
  onefold_node_activation activation;
  int32_t dst; // a value, or ONEFOLD_NO_VALUE for a new one
} onefold_emit_conv;
int32_t onefold_emit_conv2d(onefold_lowering *lowering, const onefold_emit_conv *conv);

/// Sets what comes from a convolution node itself: name, desc, weight, bias and src
/// (lower_operand.c).
void onefold_lower_set_conv(onefold_lowering *lowering, onefold_node node, onefold_emit_conv *conv);

/// Non-negative `dst` names the value to write.
int32_t onefold_emit_batch_norm(onefold_lowering *lowering, const char *name,
                                const onefold_batch_norm_params *params, int32_t src, int32_t dst);
int32_t onefold_emit_add(onefold_lowering *lowering, const char *name, int32_t a, int32_t b,
                         int32_t dst);
int32_t onefold_emit_activation(onefold_lowering *lowering, const char *name,
                                onefold_node_activation activation, int32_t src, int32_t dst);
int32_t onefold_emit_reorder(onefold_lowering *lowering, const char *name, int32_t src,
                             onefold_layout layout);
/// Mean over the pixels of each channel: a value of shape N x C x 1 x 1.
int32_t onefold_emit_mean(onefold_lowering *lowering, const char *name, int32_t src);
/// activation(src * scale), scale of shape N x C x 1 x 1.
int32_t onefold_emit_channel_scale(onefold_lowering *lowering, const char *name, int32_t src,
                                   int32_t scale, onefold_node_activation activation, int32_t dst);
/// `out` is the shape of the result.
int32_t onefold_emit_pool(onefold_lowering *lowering, const char *name, onefold_pooling pooling,
                          const onefold_pool2d_params *params, onefold_shape out, int32_t src);
int32_t onefold_emit_upsample(onefold_lowering *lowering, const char *name, int64_t factor,
                              onefold_shape out, int32_t src);
int32_t onefold_emit_pad(onefold_lowering *lowering, const char *name,
                         const onefold_pad_params *params, onefold_shape out, int32_t src);
/// Copies channels into `dst`, which others may write in part.
int32_t onefold_emit_copy(onefold_lowering *lowering, const char *name,
                          const onefold_channel_copy *copy, int32_t src, int32_t dst);

#endif
