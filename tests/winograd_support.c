// SPDX-License-Identifier: BSD-3-Clause
// Random problems that a Winograd algorithm takes, and what its result may differ by.
#include "tests/winograd_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int winograd_tile(const char *algorithm) {
  if (strcmp(algorithm, "polyphase3") == 0) return 2;
  if (strcmp(algorithm, "polyphase5") == 0) return 4;
  const int m = strncmp(algorithm, "winograd", 8) == 0 ? algorithm[8] - '0' : 0;
  return m == 2 || m == 4 || m == 6 ? m : 0;
}

static void draw_axis(test_rng *rng, int64_t side, int64_t *in, int64_t *low, int64_t *high) {
  do {
    *in = test_once_in(rng, 8) ? test_range(rng, 1, 3) : test_range(rng, 1, 33);
    *low = *high = side / 2;
    if (test_once_in(rng, 3)) {
      *low = test_range(rng, -2, side - 1);
      *high = test_range(rng, -2, side - 1);
    }
  } while (*in + *low + *high < side || *in + (*low < 0 ? *low : 0) + (*high < 0 ? *high : 0) < 1);
}

/// A problem with kernels of side x side; wider ones than 3x3 fill their blocks.
static void draw(test_rng *rng, int v, int stride, int64_t side, double max_macs,
                 onefold_conv2d_desc *d) {
  static const int channels[] = {1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 32, 33, 48, 64, 80, 100};
  static const int batches[] = {1, 1, 1, 2, 3};
  const int64_t wide = side > 10; // and within the bound of F(6)
  double macs;
  do {
    onefold_conv2d_desc_init(d);
    d->batch = test_pick(rng, batches);
    d->kernel_h = d->kernel_w = side;
    d->stride_h = d->stride_w = stride;
    if (test_once_in(rng, 5)) {
      d->groups = test_range(rng, 2, 4);
      d->in_channels = d->groups * v * test_range(rng, 1, wide ? 2 : 3);
      d->out_channels = d->groups * v * test_range(rng, 1, 3);
    } else if (stride == 2 || side > 3) {
      d->in_channels = v * test_range(rng, 1, wide ? 2 : 4);
      d->out_channels = test_pick(rng, channels);
    } else {
      d->in_channels = test_pick(rng, channels);
      d->out_channels = test_pick(rng, channels);
    }
    draw_axis(rng, side, &d->in_h, &d->pad_top, &d->pad_bottom);
    draw_axis(rng, side, &d->in_w, &d->pad_left, &d->pad_right);
    d->in_layout = (onefold_layout)test_range(rng, 0, 2);
    d->out_layout = (onefold_layout)test_range(rng, 0, 2);
    const int64_t h = (d->in_h + d->pad_top + d->pad_bottom - side) / stride + 1;
    const int64_t w = (d->in_w + d->pad_left + d->pad_right - side) / stride + 1;
    macs = conv_macs(d, (onefold_shape){d->batch, d->out_channels, h, w});
  } while (macs > max_macs);
}

void winograd_draw(test_rng *rng, int v, double max_macs, onefold_conv2d_desc *d) {
  draw(rng, v, 1, 3, max_macs, d);
}

void winograd_draw_for(test_rng *rng, int v, const char *algorithm, double max_macs,
                       onefold_conv2d_desc *d) {
  const int64_t wide = test_range(rng, 5, 15);
  if (strncmp(algorithm, "polyphase", 9) == 0) {
    draw(rng, v, 2, test_once_in(rng, 3) ? 4 : 3, max_macs, d);
  } else if (test_once_in(rng, 5)) {
    draw(rng, v, 2, wide, max_macs, d);
  } else {
    draw(rng, v, 1, test_once_in(rng, 3) ? wide - 1 : 3, max_macs, d);
  }
}

static double largest(const float *values, int64_t n) {
  double most = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double size = fabs((double)values[i]);
    if (size > most) most = size;
  }
  return most;
}

/// What the sum of the sizes of an output's products is at most, by a half of it for random values.
static double sum_size(const conv_case *c, int64_t image, int64_t channel) {
  const int64_t group = c->in.c / c->desc.groups, plane = c->in.h * c->in.w;
  const int64_t taps = c->desc.kernel_h * c->desc.kernel_w;
  const int64_t first = channel / (c->out.c / c->desc.groups) * group;
  double sum = 0.0;
  for (int64_t j = 0; j < group; j++) {
    sum += largest(c->weight + (channel * group + j) * taps, taps) *
           largest(c->x + (image * c->in.c + first + j) * plane, plane);
  }
  return 0.5 * (double)taps * sum;
}

void winograd_widen(conv_case *c, int m) {
  // Largest errors seen are half of these: the sizes of the outputs' and the transforms'
  // coefficients grow with the tile.
  static const double factors[] = {0.0, 1.0, 2.0, 8.0};
  if (m == 0 || (m == 2 && c->exact)) return;
  const onefold_conv2d_desc *d = &c->desc;
  const double slope = test_activation_slope(d->activation, d->activation_param);
  const int64_t plane = c->out.h * c->out.w, taps = d->kernel_h * d->kernel_w;
  for (int64_t n = 0; n < c->out.n; n++) {
    for (int64_t o = 0; o < c->out.c; o++) {
      const double scale = c->scale ? fabs((double)c->scale[n * c->out.c + o]) : 1.0;
      const double terms = (double)(taps * c->in.c / d->groups);
      const double z = factors[m / 2] * test_sum_bound(sum_size(c, n, o), terms);
      double *bound = c->bound + (n * c->out.c + o) * plane;
      for (int64_t i = 0; i < plane; i++) bound[i] += slope * scale * z;
    }
  }
  // The epilogue is exact on integers only where the sums are.
  if (!c->exact) return;
  for (int64_t i = 0; i < c->out.n * c->out.c * plane; i++)
    c->bound[i] += 0x1p-21 * fabs(c->want[i]);
}

void winograd_algorithm(const onefold_context *context, const onefold_conv2d_desc *desc,
                        char name[32]) {
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_plan_info info;
  test_ok(conv_writable(context), onefold_conv2d_plan_create(conv_writable(context), desc, &plan));
  onefold_conv2d_plan_get_info(plan, &info);
  snprintf(name, 32, "%s", info.algorithm);
  onefold_conv2d_plan_destroy(plan);
}
