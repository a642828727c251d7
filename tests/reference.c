// SPDX-License-Identifier: BSD-3-Clause
// References in double precision, and layouts, for the test programs.
#include "tests/support.h"

#include <math.h>

void test_conv2d_reference(const onefold_conv2d_desc *d, onefold_shape out, const float *x,
                           const float *weight, const float *bias, double *z, double *s) {
  const int64_t group_in = d->in_channels / d->groups, group_out = d->out_channels / d->groups;
  size_t i = 0;
  for (int64_t n = 0; n < out.n; n++) {
    for (int64_t o = 0; o < out.c; o++) {
      const float *w = weight + o * group_in * d->kernel_h * d->kernel_w;
      const float *image = x + (n * d->in_channels + o / group_out * group_in) * d->in_h * d->in_w;
      for (int64_t u = 0; u < out.h; u++) {
        for (int64_t v = 0; v < out.w; v++, i++) {
          double sum = bias ? (double)bias[o] : 0.0, size = fabs(sum);
          for (int64_t a = 0; a < d->kernel_h; a++) {
            const int64_t row = d->stride_h * u + d->dilation_h * a - d->pad_top;
            if (row < 0 || row >= d->in_h) continue;
            for (int64_t b = 0; b < d->kernel_w; b++) {
              const int64_t column = d->stride_w * v + d->dilation_w * b - d->pad_left;
              if (column < 0 || column >= d->in_w) continue;
              for (int64_t j = 0; j < group_in; j++) {
                const double product = (double)w[(j * d->kernel_h + a) * d->kernel_w + b] *
                                       (double)image[(j * d->in_h + row) * d->in_w + column];
                sum += product;
                size += fabs(product);
              }
            }
          }
          z[i] = sum;
          s[i] = size;
        }
      }
    }
  }
}

double test_activation(onefold_activation activation, double param, double z) {
  switch (activation) {
  case ONEFOLD_ACT_NONE:
    return z;
  case ONEFOLD_ACT_RELU:
    return z > 0.0 || isnan(z) ? z : 0.0;
  case ONEFOLD_ACT_RELU6:
    return isnan(z) ? z : z < 0.0 ? 0.0 : z > 6.0 ? 6.0 : z;
  case ONEFOLD_ACT_LEAKY_RELU:
    return z < 0.0 ? param * z : z;
  case ONEFOLD_ACT_SILU:
    return z / (1.0 + exp(-z));
  case ONEFOLD_ACT_HARD_SWISH:
    return z * fmin(fmax(z + 3.0, 0.0), 6.0) / 6.0;
  case ONEFOLD_ACT_HARD_SIGMOID:
    return fmin(fmax(z + 3.0, 0.0), 6.0) / 6.0;
  case ONEFOLD_ACT_SIGMOID:
    return 1.0 / (1.0 + exp(-z));
  }
  return NAN;
}

double test_activation_slope(onefold_activation activation, double param) {
  switch (activation) {
  case ONEFOLD_ACT_LEAKY_RELU:
    return fmax(1.0, fabs(param));
  case ONEFOLD_ACT_SILU:
    return 1.1;
  case ONEFOLD_ACT_HARD_SWISH:
    return 1.5;
  case ONEFOLD_ACT_HARD_SIGMOID:
    return 1.0 / 6.0;
  case ONEFOLD_ACT_SIGMOID:
    return 0.25;
  default:
    return 1.0;
  }
}

double test_sum_bound(double s, double n) {
  return 0x1p-23 * (8.0 + 2.0 * sqrt(n)) * s + (n + 8.0) * 0x1p-149;
}

size_t test_layout_elements(onefold_shape shape, onefold_layout layout, int c) {
  const int64_t channels = layout == ONEFOLD_BLOCKED ? (shape.c + c - 1) / c * c : shape.c;
  return (size_t)(shape.n * channels * shape.h * shape.w);
}

size_t test_layout_offset(onefold_shape shape, onefold_layout layout, int c, int64_t n, int64_t ch,
                          int64_t y, int64_t x) {
  switch (layout) {
  case ONEFOLD_NCHW:
    return (size_t)(((n * shape.c + ch) * shape.h + y) * shape.w + x);
  case ONEFOLD_NHWC:
    return (size_t)(((n * shape.h + y) * shape.w + x) * shape.c + ch);
  case ONEFOLD_BLOCKED: {
    const int64_t blocks = (shape.c + c - 1) / c;
    return (size_t)((((n * blocks + ch / c) * shape.h + y) * shape.w + x) * c + ch % c);
  }
  }
  return 0;
}

void test_to_layout(onefold_shape shape, const float *nchw, onefold_layout layout, int c,
                    float lane, float *values) {
  const size_t count = test_layout_elements(shape, layout, c);
  for (size_t i = 0; i < count; i++) values[i] = lane;
  size_t i = 0;
  for (int64_t n = 0; n < shape.n; n++) {
    for (int64_t ch = 0; ch < shape.c; ch++) {
      for (int64_t y = 0; y < shape.h; y++) {
        for (int64_t x = 0; x < shape.w; x++) {
          values[test_layout_offset(shape, layout, c, n, ch, y, x)] = nchw[i++];
        }
      }
    }
  }
}

void test_from_layout(onefold_shape shape, onefold_layout layout, int c, const float *values,
                      float *nchw) {
  size_t i = 0;
  for (int64_t n = 0; n < shape.n; n++) {
    for (int64_t ch = 0; ch < shape.c; ch++) {
      for (int64_t y = 0; y < shape.h; y++) {
        for (int64_t x = 0; x < shape.w; x++) {
          nchw[i++] = values[test_layout_offset(shape, layout, c, n, ch, y, x)];
        }
      }
    }
  }
}

void test_lanes_finite(onefold_shape shape, onefold_layout layout, int c, const float *values) {
  if (layout != ONEFOLD_BLOCKED || shape.c % c == 0) return;
  for (int64_t n = 0; n < shape.n; n++) {
    for (int64_t pixel = 0; pixel < shape.h * shape.w; pixel++) {
      const size_t at =
          test_layout_offset(shape, layout, c, n, shape.c, pixel / shape.w, pixel % shape.w);
      for (int64_t lane = 0; lane < c - shape.c % c; lane++) {
        if (isfinite(values[at + (size_t)lane])) continue;
        test_failed("padding lane %lld of pixel %lld holds %g", (long long)(shape.c % c + lane),
                    (long long)pixel, (double)values[at + (size_t)lane]);
      }
    }
  }
}
