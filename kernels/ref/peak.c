// SPDX-License-Identifier: BSD-3-Clause
// What this core can do at most from plain C, as the compiler makes of it.
#include "kernels/declare.h"

// Independent chains of 4 floats, which any CPU of this build adds at once: with both operands
// they fit 16 registers.
typedef float vec4 __attribute__((vector_size(16)));
#define CHAINS 12

double onefold_uk_peak_fma_f32__ref(size_t steps, float *operands) {
  vec4 chain[CHAINS];
  const vec4 a = (vec4){0} + operands[0], b = (vec4){0} + operands[ONEFOLD_MAX_VECTOR];
  for (int i = 0; i < CHAINS; i++) chain[i] = (vec4){0} + (float)i;
  for (size_t k = 0; k < steps; k++) {
    for (int i = 0; i < CHAINS; i++) chain[i] = chain[i] * a + b;
  }
  vec4 sum = chain[0];
  for (int i = 1; i < CHAINS; i++) sum += chain[i];
  operands[2 * ONEFOLD_MAX_VECTOR] = sum[0] + sum[1] + sum[2] + sum[3];
  return 2.0 * 4 * CHAINS * (double)steps;
}

float onefold_uk_peak_read_f32__ref(const float *src, size_t n) {
  float sum[16] = {0.0f}, total = 0.0f;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int j = 0; j < 16; j++) sum[j] += src[i + j];
  }
  for (; i < n; i++) total += src[i];
  for (int j = 0; j < 16; j++) total += sum[j];
  return total;
}

void onefold_uk_peak_copy_f32__ref(const float *src, float *dst, size_t n) {
  for (size_t i = 0; i < n; i++) dst[i] = src[i];
}
