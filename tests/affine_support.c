// SPDX-License-Identifier: BSD-3-Clause
// Affine maps at random, and what they do.
#include "tests/affine_support.h"

#include <math.h>
#include <stdlib.h>

/// What a map's border adds at (u, v) of channel o.
static double border_at(const onefold_affine *f, int64_t o, int64_t u, int64_t v) {
  if (!f->border) return 0;
  const onefold_ring *g = &f->ring;
  const int64_t r = u < g->top                 ? u
                    : u < f->h.out - g->bottom ? g->top
                                               : g->top + 1 + u - (f->h.out - g->bottom);
  const int64_t q = v < g->left               ? v
                    : v < f->w.out - g->right ? g->left
                                              : g->left + 1 + v - (f->w.out - g->right);
  const int64_t cols = g->left + 1 + g->right;
  return f->border[(o * (g->top + 1 + g->bottom) + r) * cols + q];
}

double *affine_apply(const onefold_affine *f, const double *x) {
  const int64_t ig = f->in_channels / f->groups, og = f->out_channels / f->groups;
  double *y = calloc((size_t)(f->out_channels * f->h.out * f->w.out), sizeof *y);
  assert_non_null(y);
  for (int64_t o = 0; o < f->out_channels; o++)
    for (int64_t u = 0; u < f->h.out; u++)
      for (int64_t v = 0; v < f->w.out; v++) {
        double sum = f->bias[o] + border_at(f, o, u, v);
        for (int64_t j = 0; j < ig; j++)
          for (int64_t a = 0; a < f->h.taps; a++)
            for (int64_t b = 0; b < f->w.taps; b++) {
              const int64_t c = o / og * ig + j;
              const int64_t row = u * f->h.stride + f->h.lo + a * f->h.step;
              const int64_t col = v * f->w.stride + f->w.lo + b * f->w.step;
              const int inside = row >= 0 && row < f->h.in && col >= 0 && col < f->w.in;
              const double value = inside ? x[(c * f->h.in + row) * f->w.in + col] : 0;
              sum += f->weight[((o * ig + j) * f->h.taps + a) * f->w.taps + b] * value;
            }
        y[(o * f->h.out + u) * f->w.out + v] = sum;
      }
  return y;
}

double affine_largest_difference(const double *a, const double *b, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(a[i] - b[i]));
  return largest;
}

double *affine_random_image(test_rng *rng, int64_t count) {
  double *x = malloc((size_t)count * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < count; i++) x[i] = (double)test_uniform(rng, -1, 1);
  return x;
}

int64_t affine_outputs(const onefold_affine *f) {
  return f->out_channels * f->h.out * f->w.out;
}

onefold_affine *affine_random_conv(onefold_context *context, test_rng *rng, onefold_shape in,
                                   const onefold_graph_conv2d_params *p, int bias) {
  const int64_t h = in.h + p->pad_top + p->pad_bottom - p->dilation_h * (p->kernel_h - 1);
  const int64_t w = in.w + p->pad_left + p->pad_right - p->dilation_w * (p->kernel_w - 1);
  if (h < 1 || w < 1) return NULL;
  const size_t weights = (size_t)(p->out_channels * (in.c / p->groups) * p->kernel_h * p->kernel_w);
  float *values = malloc((weights + (size_t)p->out_channels) * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < weights + (size_t)p->out_channels; i++)
    values[i] = test_uniform(rng, 0.25f, 1) * (test_once_in(rng, 2) ? -1.0f : 1.0f);
  onefold_affine *f = onefold_affine_conv2d(context, in, p, values, bias ? values + weights : NULL);
  assert_non_null(f);
  free(values);
  return f;
}

onefold_graph_conv2d_params affine_random_params(test_rng *rng, int64_t out, int64_t groups) {
  const int64_t kernels[] = {1, 1, 2, 3, 3, 5};
  onefold_graph_conv2d_params p = {.out_channels = out, .groups = groups};
  p.kernel_h = test_pick(rng, kernels);
  p.kernel_w = test_pick(rng, kernels);
  p.stride_h = test_range(rng, 1, 3);
  p.stride_w = test_range(rng, 1, 2);
  p.dilation_h = test_range(rng, 1, 2);
  p.dilation_w = test_range(rng, 1, 3);
  p.pad_top = test_range(rng, -1, p.dilation_h * (p.kernel_h - 1));
  p.pad_bottom = test_range(rng, 0, p.dilation_h * (p.kernel_h - 1));
  p.pad_left = test_range(rng, 0, p.dilation_w * (p.kernel_w - 1));
  p.pad_right = test_range(rng, -1, p.dilation_w * (p.kernel_w - 1));
  return p;
}
