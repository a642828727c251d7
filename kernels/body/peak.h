// SPDX-License-Identifier: BSD-3-Clause
// What this core can do at most: multiply-adds from registers, reads, copies.
#ifndef ONEFOLD_KERNELS_BODY_PEAK_H
#define ONEFOLD_KERNELS_BODY_PEAK_H

#include "kernels/kernel.h"

// Independent chains of multiply-adds: more than latency times units on any
// core, and few enough that no accumulator leaves its register.
#if VF_WIDTH == 8
#define PEAK_CHAINS 12
#else
#define PEAK_CHAINS 24
#endif

ONEFOLD_INLINE double onefold_peak_fma_body(size_t steps, float *operands) {
  vf chain[PEAK_CHAINS];
  const vf a = vf_load(operands), b = vf_load(operands + ONEFOLD_MAX_VECTOR);
  ONEFOLD_UNROLL(32)
  for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = vf_set1((float)i);
  for (size_t k = 0; k < steps; k++) {
    ONEFOLD_UNROLL(32)
    for (int i = 0; i < PEAK_CHAINS; i++) chain[i] = vf_fma(a, b, chain[i]);
  }
  vf sum = chain[0];
  ONEFOLD_UNROLL(32)
  for (int i = 1; i < PEAK_CHAINS; i++) sum = vf_add(sum, chain[i]);
  vf_store(operands + 2 * ONEFOLD_MAX_VECTOR, sum);
  return 2.0 * VF_WIDTH * PEAK_CHAINS * (double)steps;
}

ONEFOLD_INLINE float onefold_peak_read_body(const float *src, size_t n) {
  vf sum[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
  const size_t whole = n / (4 * VF_WIDTH) * (4 * VF_WIDTH);
  for (size_t i = 0; i < whole; i += 4 * VF_WIDTH) {
    ONEFOLD_UNROLL(4)
    for (int j = 0; j < 4; j++) sum[j] = vf_add(sum[j], vf_load(src + i + j * VF_WIDTH));
  }
  float lane[VF_WIDTH], total = 0.0f;
  vf_store(lane, vf_add(vf_add(sum[0], sum[1]), vf_add(sum[2], sum[3])));
  for (int i = 0; i < VF_WIDTH; i++) total += lane[i];
  for (size_t i = whole; i < n; i++) total += src[i];
  return total;
}

ONEFOLD_INLINE void onefold_peak_copy_body(const float *src, float *dst, size_t n) {
  const size_t whole = n / (4 * VF_WIDTH) * (4 * VF_WIDTH);
  for (size_t i = 0; i < whole; i += 4 * VF_WIDTH) {
    ONEFOLD_UNROLL(4)
    for (int j = 0; j < 4; j++) vf_store(dst + i + j * VF_WIDTH, vf_load(src + i + j * VF_WIDTH));
  }
  for (size_t i = whole; i < n; i++) dst[i] = src[i];
}

#define ONEFOLD_PEAK_INSTANCE(op, isa) ONEFOLD_INSTANCE_##op(isa)
#define ONEFOLD_INSTANCE_peak_fma(isa)                                                             \
  double onefold_uk_peak_fma_f32__##isa(size_t steps, float *operands) {                           \
    return onefold_peak_fma_body(steps, operands);                                                 \
  }
#define ONEFOLD_INSTANCE_peak_read(isa)                                                            \
  float onefold_uk_peak_read_f32__##isa(const float *src, size_t n) {                              \
    return onefold_peak_read_body(src, n);                                                         \
  }
#define ONEFOLD_INSTANCE_peak_copy(isa)                                                            \
  void onefold_uk_peak_copy_f32__##isa(const float *src, float *dst, size_t n) {                   \
    onefold_peak_copy_body(src, dst, n);                                                           \
  }

#endif
