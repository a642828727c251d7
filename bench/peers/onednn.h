// SPDX-License-Identifier: BSD-3-Clause
// oneDNN's peer from inside: what it runs is a list of primitives over tensors.
#ifndef ONEFOLD_BENCH_PEERS_ONEDNN_H
#define ONEFOLD_BENCH_PEERS_ONEDNN_H

#include "bench/peers/onednn_api.h"
#include "bench/peers/peer.h"

enum { ONEDNN_ARGUMENTS = 6, ONEDNN_STEPS = 6, ONEDNN_TENSORS = 8 }; // at most

typedef struct onednn_tensor {
  dnnl_memory_t memory;
  float *values;
  size_t floats;
} onednn_tensor;

/// A primitive and what it reads and writes.
typedef struct onednn_step {
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t arguments[ONEDNN_ARGUMENTS];
  int count;
} onednn_step;

/// A way to run a problem.
typedef struct onednn_variant {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  onednn_step steps[ONEDNN_STEPS];
  size_t step_count;
  onednn_tensor tensors[ONEDNN_TENSORS]; // the source is the first
  size_t tensor_count;
  const onednn_tensor *result; // of the last step so far; NULL: there is none yet
  int reorders;                // between two convolutions
  double bytes;                // of packed weights, scratch memory and what is between
} onednn_variant;

// ------------------------------------------------------------------ memory

/// Runs a primitive and waits for it.
dnnl_status_t onefold_onednn_execute(dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                                     const dnnl_exec_arg_t *arguments);

/// Adds a tensor of zeros to the variant: NULL without memory.
onednn_tensor *onefold_onednn_tensor(onednn_variant *variant, onednn_layout layout);

/// The tensor's layout.
onednn_layout onefold_onednn_layout_of(const onednn_tensor *tensor);

/// Copies plain values into a tensor of another layout, and a tensor's into plain ones.
dnnl_status_t onefold_onednn_fill(const onednn_variant *variant, onednn_layout plain,
                                  const float *values, const onednn_tensor *to);
dnnl_status_t onefold_onednn_read(const onednn_variant *variant, const onednn_tensor *from,
                                  onednn_layout plain, float *values);

/// Adds a step that reorders `from` to `to`.
dnnl_status_t onefold_onednn_add_reorder(onednn_variant *variant, const onednn_tensor *from,
                                         const onednn_tensor *to);

/// Adds a step. The variant owns the primitive.
void onefold_onednn_add_step(onednn_variant *variant, dnnl_primitive_t primitive, int count,
                             const dnnl_exec_arg_t *arguments);

void onefold_onednn_clear(onednn_variant *variant);

// -------------------------------------------------------------- convolutions

/// How a convolution is run.
typedef struct onednn_way {
  dnnl_alg_kind_t kind;
  int separate;   // the activation is a primitive of its own, else a post-op
  int any_source; // the layout of the source is free where a step before gives it
} onednn_way;

/// Non-zero where oneDNN has the activation.
int onefold_onednn_activates(onefold_activation activation);

/// Its kind with alpha and beta; `param` is the activation's own.
typedef struct onednn_eltwise {
  dnnl_alg_kind_t kind;
  float alpha, beta;
} onednn_eltwise;
onednn_eltwise onefold_onednn_eltwise(onefold_activation activation, float param);

enum { ONEDNN_PLAIN, ONEDNN_ANY, ONEDNN_LAYOUTS };

/// Geometry of a layer in oneDNN's words.
typedef struct onednn_geometry {
  onednn_layout source[ONEDNN_LAYOUTS], weights[ONEDNN_LAYOUTS], bias, result[ONEDNN_LAYOUTS];
  onednn_window window;
} onednn_geometry;
dnnl_status_t onefold_onednn_describe(const bench_peer_layer *layer, onednn_geometry *geometry);

/// Adds a convolution of the result so far, or of `input`, NCHW, where there is none.
dnnl_status_t onefold_onednn_add_conv(onednn_variant *variant, const bench_peer_layer *layer,
                                      onednn_way way, const float *input);

/// Adds a 1x1 convolution with a depthwise one of 3x3 as its post-op. dnnl_unimplemented where
/// they are not these.
dnnl_status_t onefold_onednn_add_fused(onednn_variant *variant, const bench_peer_layer *first,
                                       const bench_peer_layer *second, const float *input);

#endif
