// SPDX-License-Identifier: BSD-3-Clause
// OREPA (Hu et al., CVPR 2022): y = act(BN(sum of six linear branches)), see orepa_layer.h.
// Tensors: weight_orepa_*, vector [6][O], bn. `batch_norm` 0 leaves the batch norm out
// ("weight only"). With dilation d the padding is d*(K-1)/2.
#include "models/orepa_layer.h"
#include "models/parts.h"

onefold_node onefold_block_build_orepa(onefold_builder *builder, onefold_node input) {
  const onefold_block_params *p = builder->params;
  if (!onefold_build_choices(builder, ONEFOLD_TAKES_ODD_KERNEL | ONEFOLD_TAKES_STRIDE |
                                          ONEFOLD_TAKES_DILATION | ONEFOLD_TAKES_GROUPS |
                                          ONEFOLD_TAKES_HIDDEN | ONEFOLD_TAKES_BATCH_NORM))
    return ONEFOLD_NO_NODE;
  if (p->orepa_prior == ONEFOLD_OREPA_SEED_3X3_ZERO && p->kernel < 3)
    return onefold_build_fail(
        builder, onefold_fail(builder->context, ONEFOLD_INVALID_ARGUMENT,
                              "orepa: kernel is %lld, the prior seed_3x3_zero has 3x3 taps",
                              (long long)p->kernel));
  const onefold_orepa_layer layer = {.at = "",
                                     .family = "weight_orepa_",
                                     .has_point = 1,
                                     .rows = 6,
                                     .mid_channels = onefold_orepa_mid_channels(p),
                                     .conv = onefold_build_main_conv(p, p->kernel)};
  onefold_node node = onefold_build_orepa_layer(builder, input, &layer);
  if (p->batch_norm) node = onefold_build_batch_norm(builder, node, "bn");
  return onefold_build_activation(builder, node);
}
