// SPDX-License-Identifier: BSD-3-Clause
// Values and steps of a network by oneDNN: constants, one arena by liveness, parts of concats where
// they belong.
#include "bench/image.h"
#include "bench/peers/onednn_net.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LINE 16 // floats of a cache line

/// Room for one more element.
static int reserve(void **array, int32_t count, int32_t *capacity, size_t size) {
  if (count < *capacity) return 1;
  const int32_t more = *capacity ? 2 * *capacity : 64;
  void *larger = realloc(*array, (size_t)more * size);
  if (!larger) return 0;
  *array = larger;
  *capacity = more;
  return 1;
}

int32_t onefold_onednn_net_view(onednn_net *net, onednn_layout layout, int32_t parent,
                                size_t offset) {
  layout = onefold_onednn_keep(layout);
  if (!layout) return ONEDNN_NO_VALUE;
  if (!reserve((void **)&net->values, net->value_count, &net->value_capacity, sizeof *net->values))
    return ONEDNN_NO_VALUE;
  net->values[net->value_count] = (onednn_value){
      .layout = layout,
      .floats = dnnl_memory_desc_get_size(layout) / sizeof(float),
      .parent = parent,
      .offset = offset,
      .first = INT32_MAX,
      .last = -1,
  };
  return net->value_count++;
}

int32_t onefold_onednn_net_value(onednn_net *net, onednn_layout layout) {
  return onefold_onednn_net_view(net, layout, ONEDNN_NO_VALUE, 0);
}

int32_t onefold_onednn_net_constant(onednn_net *net, onednn_layout wanted, onednn_layout plain,
                                    const float *values) {
  const int32_t value = onefold_onednn_net_value(net, wanted);
  if (value == ONEDNN_NO_VALUE) return ONEDNN_NO_VALUE;
  onednn_value *v = &net->values[value];
  v->constant = onefold_bench_floats(v->floats);
  if (!v->constant) return ONEDNN_NO_VALUE;
  for (size_t i = 0; i < v->floats; i++) v->constant[i] = 0.0f;
  if (dnnl_memory_create(&v->memory, wanted, net->base.engine, v->constant) != dnnl_success)
    return ONEDNN_NO_VALUE;
  net->bytes += (double)(v->floats * sizeof(float));
  const onednn_tensor to = {v->memory, v->constant, v->floats};
  if (!values || onefold_onednn_fill(&net->base, plain, values, &to) == dnnl_success) return value;
  return ONEDNN_NO_VALUE;
}

dnnl_status_t onefold_onednn_net_add(onednn_net *net, dnnl_primitive_desc_t desc, int count,
                                     const onednn_net_argument *arguments) {
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = dnnl_primitive_create(&primitive, desc);
  dnnl_primitive_desc_destroy(desc);
  for (int i = 0; i < count; i++)
    if (arguments[i].value == ONEDNN_NO_VALUE) status = dnnl_out_of_memory;
  if (!reserve((void **)&net->steps, net->step_count, &net->step_capacity, sizeof *net->steps))
    status = dnnl_out_of_memory;
  if (status != dnnl_success) {
    if (primitive) dnnl_primitive_destroy(primitive);
    return status;
  }
  onednn_net_step *step = &net->steps[net->step_count++];
  *step = (onednn_net_step){.primitive = primitive, .node = net->node, .count = count};
  memcpy(step->arguments, arguments, (size_t)count * sizeof *arguments);
  return dnnl_success;
}

dnnl_status_t onefold_onednn_net_reorder(onednn_net *net, int32_t from, int32_t to) {
  if (from == ONEDNN_NO_VALUE || to == ONEDNN_NO_VALUE) return dnnl_out_of_memory;
  dnnl_primitive_desc_t desc = NULL;
  const dnnl_status_t status =
      dnnl_reorder_primitive_desc_create(&desc, net->values[from].layout, net->base.engine,
                                         net->values[to].layout, net->base.engine, NULL);
  if (status != dnnl_success) return status;
  return onefold_onednn_net_add(
      net, desc, 2, (const onednn_net_argument[]){{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

// ------------------------------------------------------------------- the arena

/// The value whose bytes these are, and where they begin in it.
static int32_t root_of(const onednn_net *net, int32_t value, size_t *offset) {
  *offset = 0;
  for (; net->values[value].parent != ONEDNN_NO_VALUE; value = net->values[value].parent)
    *offset += net->values[value].offset;
  return value;
}

/// The steps in which the bytes of each value are needed; of outputs to the end.
static void find_lifetimes(onednn_net *net) {
  size_t offset;
  for (int32_t i = 0; i < net->step_count; i++)
    for (int k = 0; k < net->steps[i].count; k++) {
      onednn_value *v = &net->values[root_of(net, net->steps[i].arguments[k].value, &offset)];
      if (i < v->first) v->first = i;
      if (i > v->last) v->last = i;
    }
  for (int32_t k = 0; k < net->output_count; k++)
    net->values[root_of(net, net->outputs[k], &offset)].last = INT32_MAX;
}

static int in_arena(const onednn_value *v) {
  return v->parent == ONEDNN_NO_VALUE && !v->constant && v->last >= 0;
}

/// The lowest place that is free of the values [0, count) while v lives.
static size_t lowest_place(const onednn_net *net, int32_t count, const onednn_value *v) {
  size_t place = 0;
  for (int moved = 1; moved;) {
    moved = 0;
    for (int32_t i = 0; i < count; i++) {
      const onednn_value *o = &net->values[i];
      if (!in_arena(o) || o->last < v->first || v->last < o->first) continue;
      if (place >= o->place + o->floats || o->place >= place + v->floats) continue;
      place = (o->place + o->floats + LINE - 1) / LINE * LINE;
      moved = 1;
    }
  }
  return place;
}

static dnnl_status_t make_arena(onednn_net *net) {
  size_t floats = 1;
  for (int32_t i = 0; i < net->value_count; i++) {
    onednn_value *v = &net->values[i];
    if (!in_arena(v)) continue;
    v->place = lowest_place(net, i, v);
    if (v->place + v->floats > floats) floats = v->place + v->floats;
  }
  net->arena = onefold_bench_floats(floats);
  if (!net->arena) return dnnl_out_of_memory;
  for (size_t i = 0; i < floats; i++) net->arena[i] = 0.0f;
  net->bytes += (double)(floats * sizeof(float));
  return dnnl_success;
}

dnnl_status_t onefold_onednn_net_bind(onednn_net *net) {
  find_lifetimes(net);
  dnnl_status_t status = make_arena(net);
  for (int32_t i = 0; i < net->value_count && status == dnnl_success; i++) {
    onednn_value *v = &net->values[i];
    size_t offset;
    const onednn_value *root = &net->values[root_of(net, i, &offset)];
    if (v->memory || (!root->constant && !in_arena(root))) continue;
    float *bytes = (root->constant ? root->constant : net->arena + root->place) + offset;
    status = dnnl_memory_create(&v->memory, v->layout, net->base.engine, bytes);
  }
  for (int32_t i = 0; i < net->step_count && status == dnnl_success; i++) {
    onednn_net_step *s = &net->steps[i];
    for (int k = 0; k < s->count; k++)
      s->bound[k] =
          (dnnl_exec_arg_t){s->arguments[k].name, net->values[s->arguments[k].value].memory};
  }
  return status;
}

void onefold_onednn_net_release(onednn_net *net) {
  for (int32_t i = 0; i < net->step_count; i++) dnnl_primitive_destroy(net->steps[i].primitive);
  for (int32_t i = 0; i < net->value_count; i++) {
    if (net->values[i].memory) dnnl_memory_destroy(net->values[i].memory);
    free(net->values[i].constant);
  }
  free(net->values);
  free(net->steps);
  free(net->arena);
}
