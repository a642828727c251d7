// SPDX-License-Identifier: BSD-3-Clause
// An execution from inside: a list of steps over values.
//
// A value is a tensor that a step writes or reads: in the arena, in a buffer of the caller, a
// constant of the execution, or a view: some channels of another value. A step is one operator
// call; its type says how to pack, run and describe it.
//
// Executions that are made like another (exec_like.c) are copies of this struct: all that it points
// to is theirs together, but for the arena. It is not written to once it is packed.
#ifndef ONEFOLD_GRAPH_EXEC_H
#define ONEFOLD_GRAPH_EXEC_H

#include "graph/graph.h"
#include "ops/conv_pair.h"

#include <onefold/exec.h>

#include <stdatomic.h>

#define ONEFOLD_NO_VALUE (-1)

typedef struct onefold_value {
  onefold_shape shape;
  onefold_layout layout;
  size_t bytes;
  int32_t input, output; // index of the caller's buffer that it lives in, or -1
  int32_t first, last;   // steps that write it first and use it last
  float *constant;       // the value itself, owned; or NULL
  int32_t parent;        // of a view: the value that it lies in; else ONEFOLD_NO_VALUE
  size_t offset;         // in the arena; of a view: in its parent
  size_t image;          // floats from an image to the next; of a view: those of its parent
  int shared;            // others read some of its bytes: not to be overwritten
} onefold_value;

typedef struct onefold_step onefold_step;

/// Pointers of one run of a step; NULL where the step has no such value.
typedef struct onefold_step_buffers {
  const float *src;   // first operand
  const float *other; // second operand: residual, addend
  const float *scale; // [N][ceil(C/c)][c]
  float *dst;
  void *workspace;
  onefold_conv_images images; // floats from an image to the next: of src, other and dst
  size_t scale_image;
} onefold_step_buffers;

typedef struct onefold_step_type {
  const char *name;
  /// Packs weights; after it the graph is not needed. NULL where there is nothing to pack.
  onefold_status (*pack)(onefold_context *context, onefold_step *step);
  onefold_status (*run)(onefold_context *context, const onefold_step *step,
                        const onefold_step_buffers *buffers);
  /// Appends what the name and the shape do not say. NULL for nothing.
  void (*describe)(const onefold_step *step, char *text, size_t size);
  /// Frees what the step owns. NULL for nothing.
  void (*destroy)(onefold_context *context, onefold_step *step);
  /// run takes tensors whose images lie apart. Others are then run image by image.
  int takes_apart;
} onefold_step_type;

/// A convolution. weight and bias are the graph's until they are packed; `vectors` owns a
/// bias and a residual scale that the lowering made.
typedef struct onefold_step_conv2d {
  onefold_conv2d_desc desc;
  onefold_conv2d_plan *plan;
  onefold_conv2d_packed *packed;
  onefold_conv2d_weights weights;
  float *vectors;
} onefold_step_conv2d;

/// Two convolutions as one operator, which borrows their plans.
typedef struct onefold_step_pair {
  onefold_step_conv2d first, second;
  onefold_conv_pair pair;
} onefold_step_pair;

typedef struct onefold_step_batch_norm {
  onefold_batch_norm_params params;
  float *vectors; // owns the arrays of params
} onefold_step_batch_norm;

/// Rows and columns around the image. `values` is owned: one for each channel and lane.
typedef struct onefold_step_pad {
  onefold_pad_params params; // without value
  float *values;
} onefold_step_pad;

/// Channels [from, from + count) of the source go to [to, to + count) of the result.
typedef struct onefold_channel_copy {
  int64_t from, to, count, source_channels;
} onefold_channel_copy;

struct onefold_step {
  const onefold_step_type *type;
  char name[ONEFOLD_NODE_NAME];
  int32_t src, other, scale, dst; // values, or ONEFOLD_NO_VALUE
  onefold_shape shape;            // of the operand that the operator is described by
  size_t workspace;               // bytes
  size_t workspace_offset;
  size_t packed; // bytes of weights
  int apart;     // images of a tensor lie further apart than it is large
  union {
    onefold_step_conv2d conv2d;
    onefold_step_pair pair;
    onefold_step_batch_norm batch_norm;
    onefold_node_activation activation; // also the activation of a channel scale
    struct {
      onefold_layout from, to;
    } reorder;
    onefold_pool2d_params pool;
    int64_t upsample_factor;
    onefold_step_pad pad;
    onefold_channel_copy copy;
  } as;
};

/// What the packed weights lie in, where the execution has not packed them itself.
typedef struct onefold_exec_backing {
  void (*release)(const onefold_context *context, void *state); // NULL: there is none
  void *state;
  size_t bytes;
} onefold_exec_backing;

struct onefold_exec {
  onefold_context *context;
  onefold_exec_options options;
  unsigned char *graph; // what it was made of (graph/bytes.h)
  size_t graph_bytes;
  onefold_value *values;
  onefold_step *steps;
  int32_t value_count, value_capacity, step_count, step_capacity;
  int32_t input_count, output_count;
  size_t *input_bytes, *output_bytes; // of the caller's buffers
  size_t arena_bytes, tensor_bytes;
  char *arena; // its own alone
  int packed;
  onefold_exec_backing backing;
  atomic_size_t *holders; // executions that have all the rest together
};

/// Allocates the arena: all steps have their weights.
onefold_status onefold_exec_finish(onefold_exec *exec);

/// The convolutions of an execution in the order of its steps, into convs[], which has room for
/// ONEFOLD_STEP_CONVS a step. Returns how many.
size_t onefold_exec_convs(const onefold_exec *exec, onefold_step_conv2d **convs);

/// Packs, appends the description of and frees one convolution.
onefold_status onefold_step_conv2d_pack(onefold_context *context, onefold_step_conv2d *conv);
/// Gives a convolution weights that were packed elsewhere.
void onefold_step_conv2d_adopt(const onefold_context *context, onefold_step_conv2d *conv,
                               onefold_conv2d_packed *packed);
void onefold_step_conv2d_describe(const onefold_step_conv2d *conv, char *text, size_t size);
void onefold_step_conv2d_destroy(const onefold_context *context, onefold_step_conv2d *conv);

/// Makes every view's parent a value that is none, which then lives as long as its views, and sets
/// how far images are from each other.
void onefold_exec_resolve_views(onefold_exec *exec);

/// Places every value that is neither a view, the caller's nor a constant, and every step's
/// workspace, in one arena: first fit over their lifetimes. Sets the offsets and arena_bytes.
onefold_status onefold_exec_plan_arena(onefold_exec *exec);

extern const onefold_step_type onefold_step_type_conv2d;
extern const onefold_step_type onefold_step_type_pair;
extern const onefold_step_type onefold_step_type_batch_norm;
extern const onefold_step_type onefold_step_type_add;
extern const onefold_step_type onefold_step_type_activation;
extern const onefold_step_type onefold_step_type_reorder;
extern const onefold_step_type onefold_step_type_mean;
extern const onefold_step_type onefold_step_type_channel_scale;
extern const onefold_step_type onefold_step_type_max_pool;
extern const onefold_step_type onefold_step_type_avg_pool;
extern const onefold_step_type onefold_step_type_upsample;
extern const onefold_step_type onefold_step_type_pad;
extern const onefold_step_type onefold_step_type_copy;

#endif
