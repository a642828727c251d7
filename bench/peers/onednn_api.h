// SPDX-License-Identifier: BSD-3-Clause
// What differs between the C APIs of oneDNN 2 and 3: memory descriptors, which one has by value and
// the other by handle, and the descriptions of primitives, which one makes in two steps and the
// other in one.
#ifndef ONEFOLD_BENCH_PEERS_ONEDNN_API_H
#define ONEFOLD_BENCH_PEERS_ONEDNN_API_H

#include <oneapi/dnnl/dnnl.h>

// ------------------------------------------------------------------- layouts

/// Layout of a tensor of floats, as oneDNN reads it. It lives until onefold_onednn_forget.
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t onednn_layout;
#else
typedef const dnnl_memory_desc_t *onednn_layout;
#endif

/// NULL where oneDNN has no such layout, or without memory.
onednn_layout onefold_onednn_layout(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag);
/// One that is equal to `layout`, which belongs to a description. NULL for NULL.
onednn_layout onefold_onednn_keep(onednn_layout layout);
/// Ends the life of all layouts.
void onefold_onednn_forget(void);

/// A layout's copy, and its end: the versions' part of the two above.
onednn_layout onefold_onednn_layout_copy(onednn_layout layout);
void onefold_onednn_layout_free(onednn_layout layout);

int onefold_onednn_is_any(onednn_layout layout);
const dnnl_dim_t *onefold_onednn_dims(onednn_layout layout);

/// A layout of strides and blocks inside them.
typedef struct onednn_blocks {
  const dnnl_dim_t *strides; // NULL: the layout is another
  int count;                 // of the blocks inside
  const dnnl_dim_t *block, *axis;
} onednn_blocks;
onednn_blocks onefold_onednn_blocks(onednn_layout layout);

// ------------------------------------------- descriptions of forward primitives

/// Sizes along height and width.
typedef struct onednn_window {
  dnnl_dims_t kernel, strides, dilations, padding_begin, padding_end;
} onednn_window;

/// `bias` and `attributes` may be NULL.
typedef struct onednn_conv {
  dnnl_alg_kind_t kind;
  onednn_layout source, weights, bias, result;
  const onednn_window *window;
} onednn_conv;
dnnl_status_t onefold_onednn_describe_conv(dnnl_engine_t engine, const onednn_conv *conv,
                                           const_dnnl_primitive_attr_t attributes,
                                           dnnl_primitive_desc_t *made);
/// In place.
dnnl_status_t onefold_onednn_describe_eltwise(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                              onednn_layout layout, float alpha, float beta,
                                              dnnl_primitive_desc_t *made);
dnnl_status_t onefold_onednn_describe_pool(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                           onednn_layout source, onednn_layout result,
                                           const onednn_window *window,
                                           dnnl_primitive_desc_t *made);
/// Upsampling by the nearest pixel.
dnnl_status_t onefold_onednn_describe_nearest(dnnl_engine_t engine, onednn_layout source,
                                              onednn_layout result, dnnl_primitive_desc_t *made);
/// The result has the layout of the first source.
dnnl_status_t onefold_onednn_describe_binary(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                             onednn_layout first, onednn_layout second,
                                             const_dnnl_primitive_attr_t attributes,
                                             dnnl_primitive_desc_t *made);
dnnl_status_t onefold_onednn_describe_sum(dnnl_engine_t engine, int count,
                                          const onednn_layout *sources,
                                          dnnl_primitive_desc_t *made);
/// Of channels.
dnnl_status_t onefold_onednn_describe_concat(dnnl_engine_t engine, onednn_layout result, int count,
                                             const onednn_layout *sources,
                                             dnnl_primitive_desc_t *made);

// ------------------------------------------------------------------- post-ops

dnnl_status_t onefold_onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                            float beta);
/// A depthwise convolution with a square kernel.
dnnl_status_t onefold_onednn_append_depthwise(dnnl_post_ops_t ops, dnnl_dim_t kernel,
                                              dnnl_dim_t stride, dnnl_dim_t padding);

enum { ONEDNN_SUMMANDS = 15 }; // of a sum or concat at most

#endif
