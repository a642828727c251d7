// SPDX-License-Identifier: BSD-3-Clause
// The check of the parameters that a block takes, hidden channels, and the Conv of the YOLO
// family.
#include "models/parts.h"

static int check_kernel(onefold_builder *builder, unsigned takes) {
  if (takes & ONEFOLD_TAKES_KERNEL) return 1;
  if (takes & ONEFOLD_TAKES_ODD_KERNEL) return onefold_build_odd_kernel(builder);
  return onefold_build_only(builder, "kernel", builder->params->kernel, 3);
}

/// Of the block's main convolution.
static int check_groups(onefold_builder *builder) {
  const onefold_block_params *p = builder->params;
  if (p->input.c % p->groups == 0 && p->out_channels % p->groups == 0) return 1;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                                           "%s: %lld groups do not divide %lld and %lld channels",
                                           builder->block, (long long)p->groups,
                                           (long long)p->input.c, (long long)p->out_channels));
  return 0;
}

int onefold_build_choices(onefold_builder *builder, unsigned takes) {
  const onefold_block_params *p = builder->params;
  onefold_block_params own = *p;
  own.padding = -1;
  const struct {
    unsigned bit;
    const char *name;
    int64_t value, only;
  } choices[] = {
      {ONEFOLD_TAKES_STRIDE, "stride", p->stride, 1},
      {ONEFOLD_TAKES_DILATION, "dilation", p->dilation, 1},
      {ONEFOLD_TAKES_GROUPS | ONEFOLD_TAKES_INNER_GROUPS, "groups", p->groups, 1},
      {ONEFOLD_TAKES_PADDING, "padding", onefold_build_padding(p, p->kernel),
       onefold_build_padding(&own, p->kernel)},
      {ONEFOLD_TAKES_REPEATS, "repeats", p->repeats, 1},
      {ONEFOLD_TAKES_HIDDEN, "mid_channels", p->mid_channels, 0},
      {ONEFOLD_TAKES_IDENTITY, "identity", p->identity, -1},
      {ONEFOLD_TAKES_SHORTCUT, "shortcut", p->shortcut, -1},
      {ONEFOLD_TAKES_SE, "se_hidden", p->se_hidden, 0},
      {ONEFOLD_TAKES_ROUTE, "route_channels", p->route_channels, 0},
      {ONEFOLD_TAKES_BATCH_NORM, "batch_norm", p->batch_norm, 1},
      {ONEFOLD_TAKES_REPARAM, "reparam_bn", p->reparam_bn, 1},
      {ONEFOLD_TAKES_REPARAM, "reparam_identity", p->reparam_identity, 0},
  };
  if (builder->status != ONEFOLD_OK || !check_kernel(builder, takes)) return 0;
  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
    if (!(takes & choices[i].bit) &&
        !onefold_build_only(builder, choices[i].name, choices[i].value, choices[i].only))
      return 0;
  if (!(takes & ONEFOLD_TAKES_EXPANSION) && p->expansion != 0) {
    onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                             "%s: expansion is %g, the block has none",
                                             builder->block, p->expansion));
    return 0;
  }
  if ((takes & ONEFOLD_TAKES_GROUPS) && !check_groups(builder)) return 0;
  if (p->repeats <= ONEFOLD_MAX_REPEATS) return 1;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                           "%s: repeats is %lld, more than %d", builder->block,
                                           (long long)p->repeats, ONEFOLD_MAX_REPEATS));
  return 0;
}

int64_t onefold_build_hidden(onefold_builder *builder, int64_t channels, double own) {
  const onefold_block_params *p = builder->params;
  const double expansion = p->expansion > 0 ? p->expansion : own;
  const double hidden =
      p->mid_channels > 0 ? (double)p->mid_channels : (double)channels * expansion;
  // A small multiple of them is to fit in 64 bits.
  if (hidden >= 1 && hidden < 0x1p48) return (int64_t)hidden;
  onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                           "%s: %g hidden channels from %lld with expansion %g",
                                           builder->block, hidden, (long long)channels, expansion));
  return 0;
}

int onefold_build_has_shortcut(onefold_builder *builder) {
  const onefold_block_params *p = builder->params;
  const int same = p->input.c == p->out_channels;
  if (p->shortcut == 1 && !same)
    onefold_build_fail(builder,
                       onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                                    "%s: no shortcut from %lld to %lld channels", builder->block,
                                    (long long)p->input.c, (long long)p->out_channels));
  return same && p->shortcut != 0;
}

int64_t onefold_build_channels(const onefold_builder *builder, onefold_node node) {
  return onefold_graph_shape(builder->graph, node).c;
}

onefold_node onefold_build_yolo_conv(onefold_builder *builder, onefold_node input, const char *name,
                                     int64_t out_channels, int64_t kernel, int64_t stride) {
  const onefold_graph_conv2d_params conv =
      onefold_graph_conv2d_square(out_channels, kernel, stride, 1);
  return onefold_build_conv_bn_act(builder, input, name, &conv);
}

onefold_node onefold_build_concat(onefold_builder *builder, const onefold_node *parts, size_t count,
                                  const char *name) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  return onefold_build_finish(builder, onefold_graph_concat(builder->graph, parts, count), name);
}

onefold_node onefold_build_max_pool(onefold_builder *builder, onefold_node input, int64_t kernel,
                                    const char *name) {
  const onefold_pool2d_params pool = onefold_pool2d_square(kernel, 1, kernel / 2);
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  return onefold_build_finish(builder, onefold_graph_max_pool(builder->graph, input, &pool), name);
}
