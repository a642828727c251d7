// SPDX-License-Identifier: BSD-3-Clause
// Element types of checkpoint files, and their conversion to float32.
#include "models/dtype.h"

#include <stdint.h>
#include <string.h>

static uint64_t load(const unsigned char *source, size_t bytes) {
  uint64_t bits = 0;
  for (size_t i = 0; i < bytes; i++) bits |= (uint64_t)source[i] << (8 * i);
  return bits;
}

static float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void convert_f32(const unsigned char *source, size_t count, float *values) {
  for (size_t i = 0; i < count; i++) values[i] = float_of_bits((uint32_t)load(source + 4 * i, 4));
}

static void convert_f64(const unsigned char *source, size_t count, float *values) {
  for (size_t i = 0; i < count; i++) {
    const uint64_t bits = load(source + 8 * i, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    values[i] = (float)value;
  }
}

static void convert_bf16(const unsigned char *source, size_t count, float *values) {
  for (size_t i = 0; i < count; i++)
    values[i] = float_of_bits((uint32_t)load(source + 2 * i, 2) << 16);
}

/// IEEE binary16: exact in float32.
static float from_half(uint32_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31,
                 fraction = half & 1023;
  if (exponent == 31) return float_of_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent > 0) return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = (float)fraction * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

static void convert_f16(const unsigned char *source, size_t count, float *values) {
  for (size_t i = 0; i < count; i++) values[i] = from_half((uint32_t)load(source + 2 * i, 2));
}

static const onefold_dtype dtypes[] = {
    {"F32", 4, convert_f32}, {"F16", 2, convert_f16}, {"BF16", 2, convert_bf16},
    {"F64", 8, convert_f64}, {"I64", 8, NULL},        {"U64", 8, NULL},
    {"I32", 4, NULL},        {"U32", 4, NULL},        {"I16", 2, NULL},
    {"U16", 2, NULL},        {"I8", 1, NULL},         {"U8", 1, NULL},
    {"BOOL", 1, NULL},       {"F8_E4M3", 1, NULL},    {"F8_E5M2", 1, NULL},
};

const onefold_dtype *onefold_dtype_find(const char *name) {
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
    if (strcmp(dtypes[i].name, name) == 0) return &dtypes[i];
  return NULL;
}
