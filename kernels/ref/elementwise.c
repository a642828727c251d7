// SPDX-License-Identifier: BSD-3-Clause
// The specification of the element-wise and activation kernels. NaN gives NaN.
#include "kernels/declare.h"

#include <math.h>

static float clamp6(float z) {
  const float positive = z < 0.0f ? 0.0f : z;
  return positive > 6.0f ? 6.0f : positive;
}

static float act_relu(float z, float param) {
  (void)param;
  return z < 0.0f ? 0.0f : z;
}

static float act_relu6(float z, float param) {
  (void)param;
  return clamp6(z);
}

static float act_leaky_relu(float z, float param) {
  return z < 0.0f ? param * z : z;
}

static float act_sigmoid(float z, float param) {
  (void)param;
  return (float)(1.0 / (1.0 + exp(-(double)z)));
}

/// The limit at -inf is 0.
static float act_silu(float z, float param) {
  (void)param;
  return isinf(z) && z < 0.0f ? -0.0f : (float)(z / (1.0 + exp(-(double)z)));
}

static float act_hard_sigmoid(float z, float param) {
  (void)param;
  return clamp6(z + 3.0f) * (1.0f / 6.0f);
}

/// 0 below -3, also at -inf.
static float act_hard_swish(float z, float param) {
  return (z < -3.0f ? -3.0f : z) * act_hard_sigmoid(z, param);
}

#define ONEFOLD_LIST_REF
#define ONEFOLD_ACT(name, isa)                                                                     \
  void onefold_uk_act_##name##_f32__##isa(float param, const float *src, float *dst, size_t n) {   \
    for (size_t i = 0; i < n; i++) dst[i] = act_##name(src[i], param);                             \
  }
#include "kernels/kernel_list.def"

void onefold_uk_add_f32__ref(const float *a, const float *b, float *dst, size_t n) {
  for (size_t i = 0; i < n; i++) dst[i] = a[i] + b[i];
}

void onefold_uk_scale_shift_f32__ref(const float *src, const float *scale, const float *shift,
                                     size_t period, float *dst, size_t n) {
  for (size_t i = 0; i < n; i++) dst[i] = src[i] * scale[i % period] + shift[i % period];
}
