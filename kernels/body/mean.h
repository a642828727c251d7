// SPDX-License-Identifier: BSD-3-Clause
// The mean over all pixels of one channel block.
#ifndef ONEFOLD_KERNELS_BODY_MEAN_H
#define ONEFOLD_KERNELS_BODY_MEAN_H

#include "kernels/kernel.h"

/// Runs of pixels are summed in float, in as many chains as hide the latency of an addition: a sum
/// has few terms one after the other. Those of the runs are added in double.
ONEFOLD_INLINE void onefold_body_mean(const float *src, size_t pixels, float *dst) {
  enum { CHAINS = 8, RUN = 256 };
  vd sum = vd_zero();
  for (size_t left = pixels, run; left > 0; left -= run) {
    run = left < RUN ? left : RUN;
    vf part[CHAINS];
    ONEFOLD_UNROLL(8)
    for (int c = 0; c < CHAINS; c++) part[c] = vf_zero();
    size_t p = 0;
    for (; p + CHAINS <= run; p += CHAINS, src += CHAINS * VF_WIDTH) {
      ONEFOLD_UNROLL(8)
      for (int c = 0; c < CHAINS; c++) part[c] = vf_add(part[c], vf_load(src + c * VF_WIDTH));
    }
    for (; p < run; p++, src += VF_WIDTH) part[0] = vf_add(part[0], vf_load(src));
    ONEFOLD_UNROLL(4)
    for (int c = 0; c < CHAINS / 2; c++) part[c] = vf_add(part[c], part[c + CHAINS / 2]);
    sum = vd_add(sum, vf_add(vf_add(part[0], part[1]), vf_add(part[2], part[3])));
  }
  vf_store(dst, vd_over(sum, (double)pixels));
}

#define ONEFOLD_MEAN_INSTANCE(isa)                                                                 \
  void onefold_uk_mean_f32__##isa(const float *src, size_t pixels, float *dst, int32_t v) {        \
    (void)v;                                                                                       \
    onefold_body_mean(src, pixels, dst);                                                           \
  }

#endif
