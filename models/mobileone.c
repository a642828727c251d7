// SPDX-License-Identifier: BSD-3-Clause
// MobileOne block (Vasu et al., 2022): `repeats` parallel KxK convolutions, dense or depthwise,
//   y = act(se(sum of BN(convKxK(x)) + BN(conv1x1(x)) + BN(x)))
// The 1x1 exists where K > 1, the identity where the channels agree and the stride is 1. Weight
// names: rbr_conv.{b}.{conv,bn}, rbr_scale.{conv,bn}, rbr_skip, se.{reduce,expand}.
#include "models/parts.h"

#include <stdio.h>

enum {
  TAKES = ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE | ONEFOLD_TAKES_DILATION |
          ONEFOLD_TAKES_GROUPS | ONEFOLD_TAKES_REPEATS | ONEFOLD_TAKES_IDENTITY | ONEFOLD_TAKES_SE
};

onefold_node onefold_block_build_mobileone(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, TAKES)) return ONEFOLD_NO_NODE;
  const onefold_graph_conv2d_params dense = onefold_build_main_conv(p, p->kernel);
  const onefold_graph_conv2d_params point =
      onefold_graph_conv2d_square(p->out_channels, 1, p->stride, p->groups);
  onefold_node branches[ONEFOLD_MAX_REPEATS + 2];
  size_t count = 0;
  for (int64_t b = 0; b < p->repeats; b++) {
    char name[32];
    snprintf(name, sizeof name, "rbr_conv.%d", (int)b);
    branches[count++] = onefold_build_conv_bn(builder, input, name, &dense);
  }
  if (p->kernel > 1) branches[count++] = onefold_build_conv_bn(builder, input, "rbr_scale", &point);
  if (onefold_build_has_identity(builder, p->input.c))
    branches[count++] = onefold_build_batch_norm(builder, input, "rbr_skip");
  onefold_node node = onefold_build_sum(builder, branches, count, "reparam_conv");
  node = onefold_build_squeeze_excite(builder, node, "se.reduce", "se.expand");
  return onefold_build_activation(builder, node);
}
