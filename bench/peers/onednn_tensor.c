// SPDX-License-Identifier: BSD-3-Clause
// oneDNN's memory: tensors in the layouts that primitives ask for, and reorders.
#include "bench/image.h"
#include "bench/peers/onednn.h"

#include <stdlib.h>

dnnl_status_t onefold_onednn_execute(dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                                     const dnnl_exec_arg_t *arguments) {
  const dnnl_status_t status = dnnl_primitive_execute(primitive, stream, count, arguments);
  return status == dnnl_success ? dnnl_stream_wait(stream) : status;
}

onednn_tensor *onefold_onednn_tensor(onednn_variant *variant, onednn_layout layout) {
  onednn_tensor *made = &variant->tensors[variant->tensor_count++];
  made->floats = dnnl_memory_desc_get_size(layout) / sizeof(float);
  made->values = onefold_bench_floats(made->floats);
  if (!made->values) return NULL;
  for (size_t i = 0; i < made->floats; i++) made->values[i] = 0.0f; // channels past the last, too
  if (dnnl_memory_create(&made->memory, layout, variant->engine, made->values) != dnnl_success)
    return NULL;
  return made;
}

onednn_layout onefold_onednn_layout_of(const onednn_tensor *tensor) {
  onednn_layout layout = NULL;
  dnnl_memory_get_memory_desc(tensor->memory, &layout);
  return layout;
}

static dnnl_status_t make_reorder(dnnl_engine_t engine, dnnl_memory_t from, dnnl_memory_t to,
                                  dnnl_primitive_t *primitive) {
  onednn_layout from_desc = NULL, to_desc = NULL;
  dnnl_memory_get_memory_desc(from, &from_desc);
  dnnl_memory_get_memory_desc(to, &to_desc);
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status =
      dnnl_reorder_primitive_desc_create(&desc, from_desc, engine, to_desc, engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(primitive, desc);
  if (desc) dnnl_primitive_desc_destroy(desc);
  return status;
}

static dnnl_status_t reorder(const onednn_variant *v, dnnl_memory_t from, dnnl_memory_t to) {
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = make_reorder(v->engine, from, to, &primitive);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (status == dnnl_success) status = onefold_onednn_execute(primitive, v->stream, 2, arguments);
  if (primitive) dnnl_primitive_destroy(primitive);
  return status;
}

dnnl_status_t onefold_onednn_fill(const onednn_variant *variant, onednn_layout plain,
                                  const float *values, const onednn_tensor *to) {
  dnnl_memory_t from = NULL;
  dnnl_status_t status =
      dnnl_memory_create(&from, plain, variant->engine, (void *)(uintptr_t)values);
  if (status == dnnl_success) status = reorder(variant, from, to->memory);
  if (from) dnnl_memory_destroy(from);
  return status;
}

dnnl_status_t onefold_onednn_read(const onednn_variant *variant, const onednn_tensor *from,
                                  onednn_layout plain, float *values) {
  dnnl_memory_t to = NULL;
  dnnl_status_t status = dnnl_memory_create(&to, plain, variant->engine, values);
  if (status == dnnl_success) status = reorder(variant, from->memory, to);
  if (to) dnnl_memory_destroy(to);
  return status;
}

dnnl_status_t onefold_onednn_add_reorder(onednn_variant *variant, const onednn_tensor *from,
                                         const onednn_tensor *to) {
  dnnl_primitive_t primitive = NULL;
  const dnnl_status_t status = make_reorder(variant->engine, from->memory, to->memory, &primitive);
  if (status != dnnl_success) return status;
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from->memory}, {DNNL_ARG_TO, to->memory}};
  onefold_onednn_add_step(variant, primitive, 2, arguments);
  return dnnl_success;
}

void onefold_onednn_add_step(onednn_variant *variant, dnnl_primitive_t primitive, int count,
                             const dnnl_exec_arg_t *arguments) {
  onednn_step *step = &variant->steps[variant->step_count++];
  *step = (onednn_step){.primitive = primitive, .count = count};
  for (int i = 0; i < count; i++) step->arguments[i] = arguments[i];
}

void onefold_onednn_clear(onednn_variant *variant) {
  for (size_t i = 0; i < variant->step_count; i++) {
    dnnl_primitive_destroy(variant->steps[i].primitive);
  }
  for (size_t i = 0; i < variant->tensor_count; i++) {
    if (variant->tensors[i].memory) dnnl_memory_destroy(variant->tensors[i].memory);
    free(variant->tensors[i].values);
  }
  *variant = (onednn_variant){.engine = variant->engine, .stream = variant->stream};
}
