// SPDX-License-Identifier: BSD-3-Clause
// Prototypes of every row that this build has files for.
#ifndef ONEFOLD_KERNELS_DECLARE_H
#define ONEFOLD_KERNELS_DECLARE_H

#include "kernels/kernel.h"

#define ONEFOLD_CONV(op, isa, p, q, s, cb) onefold_conv_fn onefold_uk_##op##_f32_##p##x##q##__##isa;
#define ONEFOLD_POINTWISE(isa, p, q)       onefold_conv_fn onefold_uk_pointwise_f32_##p##x##q##__##isa;
#define ONEFOLD_DEPTHWISE(op, isa, p, r, s)                                                        \
  onefold_depthwise_fn onefold_uk_##op##_f32_##p##x##r##__##isa;
#define ONEFOLD_GROUPED(op, isa, p, r, s)                                                          \
  onefold_depthwise_fn onefold_uk_##op##_f32_##p##x##r##__##isa;
#define ONEFOLD_WINOGRAD(op, isa, m) onefold_##op##_fn onefold_uk_##op##_f32_##m##x##m##__##isa;
#define ONEFOLD_POOL(op, isa, max)   onefold_pool_fn onefold_uk_##op##_f32__##isa;
#define ONEFOLD_MEAN(isa)            onefold_mean_fn onefold_uk_mean_f32__##isa;
#define ONEFOLD_ELEMENTWISE(op, isa) onefold_##op##_fn onefold_uk_##op##_f32__##isa;
#define ONEFOLD_ACT(act, isa)        onefold_act_fn onefold_uk_act_##act##_f32__##isa;
#define ONEFOLD_REORDER(op, isa)     onefold_##op##_fn onefold_uk_##op##_f32__##isa;
#define ONEFOLD_PEAK(op, isa)        onefold_##op##_fn onefold_uk_##op##_f32__##isa;
#define ONEFOLD_LIST_BUILD
#include "kernels/kernel_list.def"

#endif
