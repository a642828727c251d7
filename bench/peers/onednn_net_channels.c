// SPDX-License-Identifier: BSD-3-Clause
// Layouts of a network's tensors by oneDNN, and what only moves channels: concats, whose parts are
// written where they belong as far as that can be, and slices.
#include "bench/peers/onednn_net.h"

static int32_t input_of(const onednn_net *net, const onefold_node_info *n, size_t i) {
  return net->of_node[n->inputs[i]];
}

// -------------------------------------------------------------------- layouts

static const struct {
  int64_t block;
  dnnl_format_tag_t layout;
} layouts[] = {{16, dnnl_nChw16c}, {8, dnnl_nChw8c}, {4, dnnl_nChw4c}, {1, dnnl_nchw}};

dnnl_format_tag_t onefold_onednn_net_blocked(void) {
  const int wide = (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) ==
                   (unsigned)dnnl_cpu_isa_avx512_core;
  return wide ? dnnl_nChw16c : dnnl_nChw8c;
}

/// Channels of a block where the channel blocks of an image lie one after the other, 1 for NCHW;
/// 0 for any other layout.
static int64_t channel_block(const dnnl_memory_desc_t *d) {
  const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
  if (d->format_kind != dnnl_blocked || b->inner_nblks > 1 ||
      (b->inner_nblks == 1 && b->inner_idxs[0] != 1))
    return 0;
  const int64_t block = b->inner_nblks ? b->inner_blks[0] : 1;
  const int dense = b->strides[3] == block && b->strides[2] == d->dims[3] * block &&
                    b->strides[1] == d->dims[2] * d->dims[3] * block;
  return dense ? block : 0;
}

static dnnl_status_t describe_as(const dnnl_memory_desc_t *part, dnnl_format_tag_t layout,
                                 dnnl_memory_desc_t *desc) {
  return dnnl_memory_desc_init_by_tag(desc, 4, part->dims, dnnl_f32, layout);
}

/// The layout of a tensor; *block is 0 where channels are innermost.
static dnnl_format_tag_t layout_of(const dnnl_memory_desc_t *desc, int64_t *block) {
  *block = channel_block(desc);
  for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
    if (layouts[i].block == *block) return layouts[i].layout;
  *block = 0;
  return dnnl_nhwc;
}

dnnl_status_t onefold_onednn_net_bring(onednn_net *net, int32_t like, int32_t *value) {
  int64_t block;
  dnnl_memory_desc_t desc;
  const dnnl_status_t status =
      describe_as(&net->values[*value].desc, layout_of(&net->values[like].desc, &block), &desc);
  if (status != dnnl_success || dnnl_memory_desc_equal(&desc, &net->values[*value].desc))
    return status;
  const int32_t from = *value;
  *value = onefold_onednn_net_value(net, &desc);
  return onefold_onednn_net_reorder(net, from, *value);
}

// ----------------------------------------------------------- slices and concats

/// May channels [begin, end) of `all` be bytes of one image, in that block?
static int is_part(int64_t images, int64_t begin, int64_t end, int64_t all, int64_t block) {
  return images == 1 && block > 0 && begin % block == 0 && (end % block == 0 || end == all);
}

dnnl_status_t onefold_onednn_net_slice(onednn_net *net, const onefold_node_info *n,
                                       int32_t *result) {
  const int32_t source = input_of(net, n, 0);
  const dnnl_memory_desc_t *have = &net->values[source].desc;
  const int64_t block = channel_block(have), end = n->slice_begin + n->shape.c;
  const dnnl_dims_t dims = {n->shape.n, n->shape.c, n->shape.h, n->shape.w};
  const dnnl_dims_t offsets = {0, n->slice_begin, 0, 0};
  dnnl_memory_desc_t desc;
  if (!is_part(n->shape.n, n->slice_begin, end, have->dims[1], block)) return dnnl_unimplemented;
  const dnnl_status_t status = dnnl_memory_desc_init_submemory(&desc, have, dims, offsets);
  if (status != dnnl_success) return status;
  desc.offset0 = 0;
  *result = onefold_onednn_net_view(net, &desc, source,
                                    (size_t)(n->slice_begin * n->shape.h * n->shape.w));
  return *result == ONEDNN_NO_VALUE ? dnnl_out_of_memory : dnnl_success;
}

/// The largest part of a concat, whose layout is taken.
static int32_t largest_part(const onednn_net *net, const onefold_node_info *n) {
  int32_t largest = input_of(net, n, 0);
  for (size_t i = 1; i < n->input_count; i++) {
    const int32_t part = input_of(net, n, i);
    if (net->values[part].desc.dims[1] > net->values[largest].desc.dims[1]) largest = part;
  }
  return largest;
}

/// Can each part be bytes of the result?
static int has_places(const onednn_net *net, const onefold_node_info *n, int64_t block) {
  int64_t begin = 0;
  for (size_t i = 0; i < n->input_count; i++) {
    const int64_t end = begin + net->values[input_of(net, n, i)].desc.dims[1];
    if (!is_part(n->shape.n, begin, end, n->shape.c, block)) return 0;
    begin = end;
  }
  return 1;
}

/// Each part is written where it belongs, or copied there where it has another layout or its bytes
/// are spoken for.
static dnnl_status_t join_parts(onednn_net *net, const onefold_node_info *n,
                                dnnl_format_tag_t layout, int32_t whole) {
  dnnl_status_t status = dnnl_success;
  int64_t begin = 0;
  for (size_t i = 0; i < n->input_count && status == dnnl_success; i++) {
    const int32_t part = input_of(net, n, i);
    onednn_value *v = &net->values[part];
    dnnl_memory_desc_t desc;
    const size_t offset = (size_t)(begin * n->shape.h * n->shape.w);
    begin += v->desc.dims[1];
    status = describe_as(&v->desc, layout, &desc);
    if (status != dnnl_success) break;
    if (v->parent == ONEDNN_NO_VALUE && !v->constant && dnnl_memory_desc_equal(&v->desc, &desc)) {
      v->parent = whole;
      v->offset = offset;
    } else {
      status =
          onefold_onednn_net_reorder(net, part, onefold_onednn_net_view(net, &desc, whole, offset));
    }
  }
  return status;
}

/// By a primitive, all parts in one layout.
static dnnl_status_t copy_parts(onednn_net *net, const onefold_node_info *n, int32_t whole) {
  enum { MOST = ONEDNN_NET_ARGUMENTS - 1 };
  dnnl_memory_desc_t sources[MOST];
  onednn_net_argument arguments[ONEDNN_NET_ARGUMENTS];
  const int count = (int)n->input_count;
  dnnl_status_t status = count > MOST ? dnnl_unimplemented : dnnl_success;
  for (int i = 0; i < count && status == dnnl_success; i++) {
    int32_t part = input_of(net, n, (size_t)i);
    status = onefold_onednn_net_bring(net, whole, &part);
    if (part == ONEDNN_NO_VALUE) return dnnl_out_of_memory;
    sources[i] = net->values[part].desc;
    arguments[i] = (onednn_net_argument){DNNL_ARG_MULTIPLE_SRC + i, part};
  }
  dnnl_primitive_desc_t desc = NULL;
  if (status == dnnl_success)
    status = dnnl_concat_primitive_desc_create(&desc, &net->values[whole].desc, count, 1, sources,
                                               NULL, net->base.engine);
  if (status != dnnl_success) return status;
  arguments[count] = (onednn_net_argument){DNNL_ARG_DST, whole};
  return onefold_onednn_net_add(net, desc, count + 1, arguments);
}

dnnl_status_t onefold_onednn_net_concat(onednn_net *net, const onefold_node_info *n,
                                        int32_t *result) {
  const dnnl_dims_t dims = {n->shape.n, n->shape.c, n->shape.h, n->shape.w};
  int64_t block;
  const dnnl_format_tag_t layout = layout_of(&net->values[largest_part(net, n)].desc, &block);
  dnnl_memory_desc_t desc;
  const dnnl_status_t status = dnnl_memory_desc_init_by_tag(&desc, 4, dims, dnnl_f32, layout);
  if (status != dnnl_success) return status;
  *result = onefold_onednn_net_value(net, &desc);
  if (*result == ONEDNN_NO_VALUE) return dnnl_out_of_memory;
  return has_places(net, n, block) ? join_parts(net, n, layout, *result)
                                   : copy_parts(net, n, *result);
}
