// SPDX-License-Identifier: BSD-3-Clause
// oneDNN 3: memory descriptors by handle, descriptions of primitives in one step.
#include "bench/peers/onednn_api.h"

#include <stdint.h>

onednn_layout onefold_onednn_layout_copy(onednn_layout layout) {
  dnnl_memory_desc_t made = NULL;
  return dnnl_memory_desc_clone(&made, layout) == dnnl_success ? made : NULL;
}

void onefold_onednn_layout_free(onednn_layout layout) {
  dnnl_memory_desc_destroy((dnnl_memory_desc_t)(uintptr_t)layout);
}

onednn_layout onefold_onednn_layout(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t made = NULL;
  if (dnnl_memory_desc_create_with_tag(&made, rank, dims, dnnl_f32, tag) != dnnl_success)
    return NULL;
  const onednn_layout layout = onefold_onednn_keep(made);
  dnnl_memory_desc_destroy(made);
  return layout;
}

static dnnl_format_kind_t kind_of(onednn_layout layout) {
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  dnnl_memory_desc_query(layout, dnnl_query_format_kind, &kind);
  return kind;
}

int onefold_onednn_is_any(onednn_layout layout) {
  return kind_of(layout) == dnnl_format_kind_any;
}

const dnnl_dim_t *onefold_onednn_dims(onednn_layout layout) {
  const dnnl_dims_t *dims = NULL;
  dnnl_memory_desc_query(layout, dnnl_query_dims, (void *)&dims);
  return *dims;
}

onednn_blocks onefold_onednn_blocks(onednn_layout layout) {
  const dnnl_dims_t *strides = NULL, *block = NULL, *axis = NULL;
  int count = 0;
  if (kind_of(layout) != dnnl_blocked) return (onednn_blocks){0};
  dnnl_memory_desc_query(layout, dnnl_query_strides, (void *)&strides);
  dnnl_memory_desc_query(layout, dnnl_query_inner_nblks_s32, &count);
  dnnl_memory_desc_query(layout, dnnl_query_inner_blks, (void *)&block);
  dnnl_memory_desc_query(layout, dnnl_query_inner_idxs, (void *)&axis);
  return (onednn_blocks){*strides, count, *block, *axis};
}

dnnl_status_t onefold_onednn_describe_conv(dnnl_engine_t engine, const onednn_conv *conv,
                                           const_dnnl_primitive_attr_t attributes,
                                           dnnl_primitive_desc_t *made) {
  const onednn_window *w = conv->window;
  return dnnl_convolution_forward_primitive_desc_create(
      made, engine, dnnl_forward_inference, conv->kind, conv->source, conv->weights, conv->bias,
      conv->result, w->strides, w->dilations, w->padding_begin, w->padding_end, attributes);
}

dnnl_status_t onefold_onednn_describe_eltwise(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                              onednn_layout layout, float alpha, float beta,
                                              dnnl_primitive_desc_t *made) {
  return dnnl_eltwise_forward_primitive_desc_create(made, engine, dnnl_forward_inference, kind,
                                                    layout, layout, alpha, beta, NULL);
}

dnnl_status_t onefold_onednn_describe_pool(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                           onednn_layout source, onednn_layout result,
                                           const onednn_window *window,
                                           dnnl_primitive_desc_t *made) {
  return dnnl_pooling_forward_primitive_desc_create(
      made, engine, dnnl_forward_inference, kind, source, result, window->strides, window->kernel,
      window->dilations, window->padding_begin, window->padding_end, NULL);
}

dnnl_status_t onefold_onednn_describe_nearest(dnnl_engine_t engine, onednn_layout source,
                                              onednn_layout result, dnnl_primitive_desc_t *made) {
  return dnnl_resampling_forward_primitive_desc_create(
      made, engine, dnnl_forward_inference, dnnl_resampling_nearest, NULL, source, result, NULL);
}

dnnl_status_t onefold_onednn_describe_binary(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                             onednn_layout first, onednn_layout second,
                                             const_dnnl_primitive_attr_t attributes,
                                             dnnl_primitive_desc_t *made) {
  return dnnl_binary_primitive_desc_create(made, engine, kind, first, second, first, attributes);
}

dnnl_status_t onefold_onednn_describe_sum(dnnl_engine_t engine, int count,
                                          const onednn_layout *sources,
                                          dnnl_primitive_desc_t *made) {
  float scales[ONEDNN_SUMMANDS];
  for (int i = 0; i < count; i++) scales[i] = 1.0f;
  return dnnl_sum_primitive_desc_create(made, engine, NULL, count, scales, sources, NULL);
}

dnnl_status_t onefold_onednn_describe_concat(dnnl_engine_t engine, onednn_layout result, int count,
                                             const onednn_layout *sources,
                                             dnnl_primitive_desc_t *made) {
  return dnnl_concat_primitive_desc_create(made, engine, result, count, 1, sources, NULL);
}

dnnl_status_t onefold_onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                            float beta) {
  return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
}

dnnl_status_t onefold_onednn_append_depthwise(dnnl_post_ops_t ops, dnnl_dim_t kernel,
                                              dnnl_dim_t stride, dnnl_dim_t padding) {
  return dnnl_post_ops_append_dw(ops, dnnl_f32, dnnl_f32, dnnl_f32, kernel, stride, padding);
}
