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
  dnnl_format_tag_t tag;
} layouts[] = {{16, dnnl_nChw16c}, {8, dnnl_nChw8c}, {4, dnnl_nChw4c}, {1, dnnl_nchw}};

dnnl_format_tag_t onefold_onednn_net_blocked(void) {
  const int wide = (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) ==
                   (unsigned)dnnl_cpu_isa_avx512_core;
  return wide ? dnnl_nChw16c : dnnl_nChw8c;
}

/// Channels of a block where the channel blocks of an image lie one after the other, 1 for NCHW;
/// 0 for any other layout.
static int64_t channel_block(onednn_layout layout) {
  const onednn_blocks b = onefold_onednn_blocks(layout);
  const dnnl_dim_t *dims = onefold_onednn_dims(layout);
  if (!b.strides || b.count > 1 || (b.count == 1 && b.axis[0] != 1)) return 0;
  const int64_t block = b.count ? b.block[0] : 1;
  const int dense = b.strides[3] == block && b.strides[2] == dims[3] * block &&
                    b.strides[1] == dims[2] * dims[3] * block;
  return dense ? block : 0;
}

/// The layout of a tensor; *block is 0 where channels are innermost.
static dnnl_format_tag_t tag_of(onednn_layout layout, int64_t *block) {
  *block = channel_block(layout);
  for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
    if (layouts[i].block == *block) return layouts[i].tag;
  *block = 0;
  return dnnl_nhwc;
}

dnnl_status_t onefold_onednn_net_bring(onednn_net *net, int32_t like, int32_t *value) {
  int64_t block;
  const onednn_layout have = net->values[*value].layout;
  const onednn_layout wanted =
      onefold_onednn_layout(4, onefold_onednn_dims(have), tag_of(net->values[like].layout, &block));
  if (!wanted) return dnnl_out_of_memory;
  if (dnnl_memory_desc_equal(wanted, have)) return dnnl_success;
  const int32_t from = *value;
  *value = onefold_onednn_net_value(net, wanted);
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
  const onednn_layout have = net->values[source].layout;
  const int64_t end = n->slice_begin + n->shape.c, all = onefold_onednn_dims(have)[1];
  const dnnl_dims_t dims = {n->shape.n, n->shape.c, n->shape.h, n->shape.w};
  int64_t block;
  const dnnl_format_tag_t tag = tag_of(have, &block);
  if (!is_part(n->shape.n, n->slice_begin, end, all, block)) return dnnl_unimplemented;
  *result = onefold_onednn_net_view(net, onefold_onednn_layout(4, dims, tag), source,
                                    (size_t)(n->slice_begin * n->shape.h * n->shape.w));
  return *result == ONEDNN_NO_VALUE ? dnnl_out_of_memory : dnnl_success;
}

static int64_t channels_of(const onednn_net *net, int32_t value) {
  return onefold_onednn_dims(net->values[value].layout)[1];
}

/// The largest part of a concat, whose layout is taken.
static int32_t largest_part(const onednn_net *net, const onefold_node_info *n) {
  int32_t largest = input_of(net, n, 0);
  for (size_t i = 1; i < n->input_count; i++) {
    const int32_t part = input_of(net, n, i);
    if (channels_of(net, part) > channels_of(net, largest)) largest = part;
  }
  return largest;
}

/// Can each part be bytes of the result?
static int has_places(const onednn_net *net, const onefold_node_info *n, int64_t block) {
  int64_t begin = 0;
  for (size_t i = 0; i < n->input_count; i++) {
    const int64_t end = begin + channels_of(net, input_of(net, n, i));
    if (!is_part(n->shape.n, begin, end, n->shape.c, block)) return 0;
    begin = end;
  }
  return 1;
}

/// Each part is written where it belongs, or copied there where it has another layout or its bytes
/// are spoken for.
static dnnl_status_t join_parts(onednn_net *net, const onefold_node_info *n, dnnl_format_tag_t tag,
                                int32_t whole) {
  dnnl_status_t status = dnnl_success;
  int64_t begin = 0;
  for (size_t i = 0; i < n->input_count && status == dnnl_success; i++) {
    const int32_t part = input_of(net, n, i);
    onednn_value *v = &net->values[part];
    const onednn_layout wanted = onefold_onednn_layout(4, onefold_onednn_dims(v->layout), tag);
    const size_t offset = (size_t)(begin * n->shape.h * n->shape.w);
    if (!wanted) return dnnl_out_of_memory;
    begin += channels_of(net, part);
    if (v->parent == ONEDNN_NO_VALUE && !v->constant && dnnl_memory_desc_equal(v->layout, wanted)) {
      v->parent = whole;
      v->offset = offset;
    } else {
      status = onefold_onednn_net_reorder(net, part,
                                          onefold_onednn_net_view(net, wanted, whole, offset));
    }
  }
  return status;
}

/// By a primitive, all parts in one layout.
static dnnl_status_t copy_parts(onednn_net *net, const onefold_node_info *n, int32_t whole) {
  onednn_layout sources[ONEDNN_SUMMANDS];
  onednn_net_argument arguments[ONEDNN_NET_ARGUMENTS];
  const int count = (int)n->input_count;
  dnnl_status_t status = count > ONEDNN_SUMMANDS ? dnnl_unimplemented : dnnl_success;
  for (int i = 0; i < count && status == dnnl_success; i++) {
    int32_t part = input_of(net, n, (size_t)i);
    status = onefold_onednn_net_bring(net, whole, &part);
    if (part == ONEDNN_NO_VALUE) return dnnl_out_of_memory;
    sources[i] = net->values[part].layout;
    arguments[i] = (onednn_net_argument){DNNL_ARG_MULTIPLE_SRC + i, part};
  }
  dnnl_primitive_desc_t desc = NULL;
  if (status == dnnl_success)
    status = onefold_onednn_describe_concat(net->base.engine, net->values[whole].layout, count,
                                            sources, &desc);
  if (status != dnnl_success) return status;
  arguments[count] = (onednn_net_argument){DNNL_ARG_DST, whole};
  return onefold_onednn_net_add(net, desc, count + 1, arguments);
}

dnnl_status_t onefold_onednn_net_concat(onednn_net *net, const onefold_node_info *n,
                                        int32_t *result) {
  const dnnl_dims_t dims = {n->shape.n, n->shape.c, n->shape.h, n->shape.w};
  int64_t block;
  const dnnl_format_tag_t tag = tag_of(net->values[largest_part(net, n)].layout, &block);
  *result = onefold_onednn_net_value(net, onefold_onednn_layout(4, dims, tag));
  if (*result == ONEDNN_NO_VALUE) return dnnl_out_of_memory;
  return has_places(net, n, block) ? join_parts(net, n, tag, *result) : copy_parts(net, n, *result);
}
