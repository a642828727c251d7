// SPDX-License-Identifier: BSD-3-Clause
// OREPA_LargeConv (Hu et al., CVPR 2022): a K x K kernel as (K-1)/2 layers of 3x3, the first to
// out_channels, then BN and activation. A layer is an OREPA without its batch norm
// (orepa_largeconv: weight<n>.weight_orepa_*, one group), or one kernel (orepa_largeconv_base:
// weight<n>, any groups). All padding is before the first layer, the stride in the last.
// The original code correlates its kernels: that is the stack with every kernel after the first
// turned by 180 degrees (largeconv_order).
#include "models/orepa_layer.h"
#include "models/parts.h"

#include <stdio.h>

typedef onefold_node layer_fn(onefold_builder *builder, onefold_node input, const char *name,
                              const onefold_graph_conv2d_params *params, int turned);

static onefold_node build_orepa(onefold_builder *builder, onefold_node input, const char *name,
                                const onefold_graph_conv2d_params *params, int turned) {
  char at[ONEFOLD_BUILD_NAME];
  snprintf(at, sizeof at, "%s.", name);
  const onefold_orepa_layer layer = {.at = at,
                                     .family = "weight_orepa_",
                                     .has_point = 1,
                                     .rows = 6,
                                     .turned = turned,
                                     .mid_channels = onefold_graph_shape(builder->graph, input).c,
                                     .conv = *params};
  return onefold_build_orepa_layer(builder, input, &layer);
}

static onefold_node build_kernel(onefold_builder *builder, onefold_node input, const char *name,
                                 const onefold_graph_conv2d_params *params, int turned) {
  const int64_t in = onefold_graph_shape(builder->graph, input).c / params->groups;
  const int64_t dims[4] = {params->out_channels, in, 3, 3};
  float *values = onefold_build_read(builder, name, "", dims, 4);
  for (int64_t i = 0; turned && values && i < dims[0] * in; i++)
    for (int k = 0; k < 4; k++) {
      float *a = &values[9 * i + k], *b = &values[9 * i + 8 - k];
      const float swap = *a;
      *a = *b;
      *b = swap;
    }
  return onefold_build_conv2d_values(builder, input, params, values, 0, name);
}

static onefold_node build_stack(onefold_builder *builder, onefold_node node, layer_fn *build) {
  const onefold_block_params *p = builder->params;
  if (p->kernel < 5)
    return onefold_build_fail(builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                                                    "%s: kernel is %lld, it must be at least 5",
                                                    builder->block, (long long)p->kernel));
  const int64_t layers = (p->kernel - 1) / 2;
  node = onefold_build_pad(builder, node, onefold_build_padding(p, p->kernel), NULL, "pad");
  for (int64_t n = 0; n < layers && builder->status == ONEFOLD_OK; n++) {
    char name[32];
    snprintf(name, sizeof name, "weight%lld", (long long)n);
    onefold_graph_conv2d_params params = onefold_build_main_conv(p, 3);
    params.pad_top = params.pad_bottom = params.pad_left = params.pad_right = 0;
    if (n + 1 < layers) params.stride_h = params.stride_w = 1;
    node = build(builder, node, name, &params,
                 n > 0 && p->largeconv_order == ONEFOLD_LARGECONV_CORRELATE);
  }
  return onefold_build_activation(builder, onefold_build_batch_norm(builder, node, "bn"));
}

onefold_node onefold_block_build_orepa_largeconv(onefold_builder *builder, onefold_node input) {
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE |
                                          ONEFOLD_TAKES_DILATION | ONEFOLD_TAKES_PADDING))
    return ONEFOLD_NO_NODE;
  return build_stack(builder, input, build_orepa);
}

onefold_node onefold_block_build_orepa_largeconv_base(onefold_builder *builder,
                                                      onefold_node input) {
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE |
                                          ONEFOLD_TAKES_DILATION | ONEFOLD_TAKES_PADDING |
                                          ONEFOLD_TAKES_GROUPS))
    return ONEFOLD_NO_NODE;
  return build_stack(builder, input, build_kernel);
}
