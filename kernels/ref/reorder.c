// SPDX-License-Identifier: BSD-3-Clause
// The specification of the reorder kernels; v is the channel block.
#include "kernels/declare.h"

void onefold_uk_to_blocked_f32__ref(const float *src, size_t plane, int32_t channels, float *dst,
                                    size_t pixels, int32_t v) {
  for (size_t p = 0; p < pixels; p++)
    for (size_t c = 0; c < (size_t)v; c++)
      dst[p * (size_t)v + c] = c < (size_t)channels ? src[c * plane + p] : 0.0f;
}

void onefold_uk_from_blocked_f32__ref(const float *src, float *dst, size_t plane, int32_t channels,
                                      size_t pixels, int32_t v) {
  for (size_t c = 0; c < (size_t)channels; c++)
    for (size_t p = 0; p < pixels; p++) dst[c * plane + p] = src[p * (size_t)v + c];
}

void onefold_uk_rows_to_blocked_f32__ref(const float *src, size_t stride, int32_t channels,
                                         float *dst, size_t pixels, int32_t v) {
  for (size_t p = 0; p < pixels; p++)
    for (size_t c = 0; c < (size_t)v; c++)
      dst[p * (size_t)v + c] = c < (size_t)channels ? src[p * stride + c] : 0.0f;
}

void onefold_uk_rows_from_blocked_f32__ref(const float *src, float *dst, size_t stride,
                                           int32_t channels, size_t pixels, int32_t v) {
  for (size_t p = 0; p < pixels; p++)
    for (size_t c = 0; c < (size_t)channels; c++) dst[p * stride + c] = src[p * (size_t)v + c];
}
