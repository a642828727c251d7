// SPDX-License-Identifier: BSD-3-Clause
// A folded network as oneDNN's primitives, layer by layer, from inside.
#ifndef ONEFOLD_BENCH_PEERS_ONEDNN_NET_H
#define ONEFOLD_BENCH_PEERS_ONEDNN_NET_H

#include "bench/peers/onednn.h"

enum { ONEDNN_NET_ARGUMENTS = 16, ONEDNN_NET_POSTS = 8 }; // of a step at most
#define ONEDNN_NO_VALUE (-1)

/// A tensor: constant, in the arena, or bytes of another value.
typedef struct onednn_value {
  onednn_layout layout;
  size_t floats;
  int32_t parent;      // whose bytes these are; ONEDNN_NO_VALUE: its own
  size_t offset;       // in floats, from the parent's beginning
  float *constant;     // memory of its own; NULL: in the arena
  int32_t first, last; // steps that use it or a part of it
  size_t place;        // in the arena, in floats
  dnnl_memory_t memory;
} onednn_value;

typedef struct onednn_net_argument {
  int name; // DNNL_ARG_...
  int32_t value;
} onednn_net_argument;

typedef struct onednn_net_step {
  dnnl_primitive_t primitive;
  int32_t node; // that it was made for
  int count;
  onednn_net_argument arguments[ONEDNN_NET_ARGUMENTS];
  dnnl_exec_arg_t bound[ONEDNN_NET_ARGUMENTS];
} onednn_net_step;

/// What happens to a convolution's result: an activation, or the addition of a value.
typedef struct onednn_post {
  onednn_eltwise eltwise;
  int32_t value; // that is added; ONEDNN_NO_VALUE: the activation
} onednn_post;

/// How a convolution is run; where that cannot be, by the first.
typedef enum onednn_net_way {
  ONEDNN_FREE,     // direct, in the layouts that it asks for
  ONEDNN_BLOCKED,  // direct, in channel blocks
  ONEDNN_WINOGRAD, // in channel blocks
  ONEDNN_WAYS
} onednn_net_way;

typedef struct onednn_net {
  onednn_variant base; // engine and stream
  const onefold_graph *graph;
  onednn_net_way way;        // of all convolutions
  const unsigned char *ways; // or by node; NULL: there is none
  int32_t node_count, output_count;
  int32_t *uses, *reader, *into, *end; // by node: see onednn_net.c
  int32_t *of_node;                    // its value
  int32_t *outputs;                    // values
  int32_t node;                        // that steps are made for
  onednn_value *values;
  onednn_net_step *steps;
  int32_t value_count, value_capacity, step_count, step_capacity;
  float *arena;
  double bytes; // of constants and the arena
  char refusal[160];
} onednn_net;

// ------------------------------------------------- values and steps (onednn_net_memory.c)

/// A new value, or ONEDNN_NO_VALUE without memory.
int32_t onefold_onednn_net_value(onednn_net *net, onednn_layout layout);
/// One whose bytes are the parent's from `offset` floats on.
int32_t onefold_onednn_net_view(onednn_net *net, onednn_layout layout, int32_t parent,
                                size_t offset);
/// One that holds plain values, in the layout `wanted`; zeros where `values` is NULL.
int32_t onefold_onednn_net_constant(onednn_net *net, onednn_layout wanted, onednn_layout plain,
                                    const float *values);
/// Adds the primitive that `desc` describes, and destroys `desc`.
dnnl_status_t onefold_onednn_net_add(onednn_net *net, dnnl_primitive_desc_t desc, int count,
                                     const onednn_net_argument *arguments);
dnnl_status_t onefold_onednn_net_reorder(onednn_net *net, int32_t from, int32_t to);
/// Lays out the arena by the steps that use each value, and gives all their memory.
dnnl_status_t onefold_onednn_net_bind(onednn_net *net);
void onefold_onednn_net_release(onednn_net *net);

// ------------------------------------------------------------------- nodes

/// Appends what an activation is to posts[*count].
void onefold_onednn_net_activation(onefold_activation function, float param, onednn_post *posts,
                                   int *count);
/// A convolution and what happens to its result: as post-ops as far as the same implementation
/// takes them, then as primitives of their own. Its result's value in *result. `bias` may be NULL.
dnnl_status_t onefold_onednn_net_conv(onednn_net *net, const bench_peer_layer *layer,
                                      int32_t source, const onednn_post *posts, int count,
                                      int32_t *result);
/// In place: an activation, or an addition and the activation behind it. Returns how many of the
/// posts that was, or 0 where oneDNN cannot.
int onefold_onednn_net_post(onednn_net *net, int32_t value, const onednn_post *posts, int count);
/// Any other node (onednn_net_nodes.c); dnnl_unimplemented where there is no primitive for it.
dnnl_status_t onefold_onednn_net_node(onednn_net *net, const onefold_node_info *node,
                                      int32_t *result);

// ------------------------------------------- layouts and channels (onednn_net_channels.c)

/// The layout of a tensor in channel blocks of oneDNN's vectors.
dnnl_format_tag_t onefold_onednn_net_blocked(void);
/// *value becomes a copy in the layout of `like` where it has another.
dnnl_status_t onefold_onednn_net_bring(onednn_net *net, int32_t like, int32_t *value);
dnnl_status_t onefold_onednn_net_slice(onednn_net *net, const onefold_node_info *node,
                                       int32_t *result);
dnnl_status_t onefold_onednn_net_concat(onednn_net *net, const onefold_node_info *node,
                                        int32_t *result);

// ------------------------------------------------------------------ the whole

/// Makes the network ready to run on `input`. Clear in any case. dnnl_unimplemented after a
/// refusal.
dnnl_status_t onefold_onednn_net_make(onednn_net *net, const bench_peer_problem *problem);
/// Non-zero where a primitive failed. Adds the seconds of each node's steps to seconds[node],
/// unless that is NULL.
int onefold_onednn_net_run(onednn_net *net, double *seconds);
void onefold_onednn_net_clear(onednn_net *net);

/// The network in each way, and with what was fastest for each layer when the ways ran in turns
/// (onednn_net_ways.c). Fills nets[ONEDNN_NETS]; those that are not worth timing stay empty.
enum { ONEDNN_NETS = 4 };
extern const char *const onefold_onednn_net_names[ONEDNN_NETS];
dnnl_status_t onefold_onednn_net_make_all(onednn_net *nets, const bench_peer_problem *problem);

#endif
