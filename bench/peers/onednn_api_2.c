// SPDX-License-Identifier: BSD-3-Clause
// oneDNN 2: memory descriptors by value, descriptions of primitives in two steps.
#include "bench/peers/onednn_api.h"

#include <stdlib.h>

onednn_layout onefold_onednn_layout_copy(onednn_layout layout) {
  dnnl_memory_desc_t *made = malloc(sizeof *made);
  if (made) *made = *layout;
  return made;
}

void onefold_onednn_layout_free(onednn_layout layout) {
  free((dnnl_memory_desc_t *)(uintptr_t)layout);
}

onednn_layout onefold_onednn_layout(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t made;
  return dnnl_memory_desc_init_by_tag(&made, rank, dims, dnnl_f32, tag) == dnnl_success
             ? onefold_onednn_keep(&made)
             : NULL;
}

int onefold_onednn_is_any(onednn_layout layout) {
  return layout->format_kind == dnnl_format_kind_any;
}

const dnnl_dim_t *onefold_onednn_dims(onednn_layout layout) {
  return layout->dims;
}

onednn_blocks onefold_onednn_blocks(onednn_layout layout) {
  const dnnl_blocking_desc_t *b = &layout->format_desc.blocking;
  if (layout->format_kind != dnnl_blocked) return (onednn_blocks){0};
  return (onednn_blocks){b->strides, b->inner_nblks, b->inner_blks, b->inner_idxs};
}

dnnl_status_t onefold_onednn_describe_conv(dnnl_engine_t engine, const onednn_conv *conv,
                                           const_dnnl_primitive_attr_t attributes,
                                           dnnl_primitive_desc_t *made) {
  const onednn_window *w = conv->window;
  dnnl_convolution_desc_t desc;
  const dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
      &desc, dnnl_forward_inference, conv->kind, conv->source, conv->weights, conv->bias,
      conv->result, w->strides, w->dilations, w->padding_begin, w->padding_end);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, attributes, engine, NULL);
}

dnnl_status_t onefold_onednn_describe_eltwise(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                              onednn_layout layout, float alpha, float beta,
                                              dnnl_primitive_desc_t *made) {
  dnnl_eltwise_desc_t desc;
  const dnnl_status_t status =
      dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_inference, kind, layout, alpha, beta);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, NULL, engine, NULL);
}

dnnl_status_t onefold_onednn_describe_pool(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                           onednn_layout source, onednn_layout result,
                                           const onednn_window *window,
                                           dnnl_primitive_desc_t *made) {
  dnnl_pooling_desc_t desc;
  const dnnl_status_t status = dnnl_pooling_forward_desc_init(
      &desc, dnnl_forward_inference, kind, source, result, window->strides, window->kernel,
      window->padding_begin, window->padding_end);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, NULL, engine, NULL);
}

dnnl_status_t onefold_onednn_describe_nearest(dnnl_engine_t engine, onednn_layout source,
                                              onednn_layout result, dnnl_primitive_desc_t *made) {
  dnnl_resampling_desc_t desc;
  const dnnl_status_t status = dnnl_resampling_forward_desc_init(
      &desc, dnnl_forward_inference, dnnl_resampling_nearest, NULL, source, result);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, NULL, engine, NULL);
}

dnnl_status_t onefold_onednn_describe_binary(dnnl_engine_t engine, dnnl_alg_kind_t kind,
                                             onednn_layout first, onednn_layout second,
                                             const_dnnl_primitive_attr_t attributes,
                                             dnnl_primitive_desc_t *made) {
  dnnl_binary_desc_t desc;
  const dnnl_status_t status = dnnl_binary_desc_init(&desc, kind, first, second, first);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, attributes, engine, NULL);
}

/// Their descriptors one after the other.
static void by_value(int count, const onednn_layout *sources, dnnl_memory_desc_t *values) {
  for (int i = 0; i < count; i++) values[i] = *sources[i];
}

dnnl_status_t onefold_onednn_describe_sum(dnnl_engine_t engine, int count,
                                          const onednn_layout *sources,
                                          dnnl_primitive_desc_t *made) {
  dnnl_memory_desc_t values[ONEDNN_SUMMANDS];
  float scales[ONEDNN_SUMMANDS];
  by_value(count, sources, values);
  for (int i = 0; i < count; i++) scales[i] = 1.0f;
  return dnnl_sum_primitive_desc_create(made, NULL, count, scales, values, NULL, engine);
}

dnnl_status_t onefold_onednn_describe_concat(dnnl_engine_t engine, onednn_layout result, int count,
                                             const onednn_layout *sources,
                                             dnnl_primitive_desc_t *made) {
  dnnl_memory_desc_t values[ONEDNN_SUMMANDS];
  by_value(count, sources, values);
  return dnnl_concat_primitive_desc_create(made, result, count, 1, values, NULL, engine);
}

dnnl_status_t onefold_onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                            float beta) {
  return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
}

dnnl_status_t onefold_onednn_append_depthwise(dnnl_post_ops_t ops, dnnl_dim_t kernel,
                                              dnnl_dim_t stride, dnnl_dim_t padding) {
  return dnnl_post_ops_append_dw(ops, dnnl_f32, dnnl_f32, dnnl_f32, kernel, stride, padding, 0, 0,
                                 NULL);
}
