// SPDX-License-Identifier: BSD-3-Clause
// Random convolution problems: drawing, data and the expected result.
#include "tests/conv_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t out_size(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t low,
                        int64_t high) {
  const int64_t free = in + low + high - dilation * (kernel - 1) - 1;
  return free < 0 ? 0 : free / stride + 1;
}

static void draw_channels(test_rng *rng, onefold_conv2d_desc *d) {
  static const int channels[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64};
  static const int few[] = {1, 2, 3, 4, 5, 7, 8, 16};
  d->groups = 1;
  switch (test_range(rng, 0, 5)) {
  case 0: // depthwise
    d->groups = d->in_channels = d->out_channels = test_pick(rng, channels);
    break;
  case 1: // depthwise with a multiplier
    d->groups = d->in_channels = test_pick(rng, channels);
    d->out_channels = d->groups * test_range(rng, 2, 3);
    break;
  case 2: // groups, aligned with blocks or not
    d->groups = test_range(rng, 2, 5);
    d->in_channels = d->groups * test_pick(rng, few);
    d->out_channels = d->groups * test_pick(rng, few);
    break;
  default:
    d->in_channels = test_pick(rng, channels);
    d->out_channels = test_pick(rng, channels);
  }
}

/// One axis: image, kernel, stride, dilation and pads; often square and usual.
static void draw_axis(test_rng *rng, int64_t *in, int64_t *kernel, int64_t *stride,
                      int64_t *dilation, int64_t *low, int64_t *high) {
  *in = test_once_in(rng, 8) ? 1 : test_range(rng, 1, 31);
  *kernel = test_once_in(rng, 3) ? 3 : test_once_in(rng, 3) ? 1 : test_range(rng, 1, 7);
  *stride = test_once_in(rng, 2) ? 1 : test_range(rng, 1, 3);
  *dilation = test_once_in(rng, 2) ? 1 : test_range(rng, 1, 3);
  const int64_t reach = *dilation * (*kernel - 1);
  if (test_once_in(rng, 2)) {
    *low = *high = reach / 2;
  } else {
    *low = test_range(rng, *in > 1 && test_once_in(rng, 4) ? -1 : 0, reach);
    *high = test_range(rng, *in > 2 && test_once_in(rng, 4) ? -2 : 0, reach);
  }
}

double conv_macs(const onefold_conv2d_desc *d, onefold_shape out) {
  return (double)(out.n * out.c * out.h * out.w) *
         (double)(d->in_channels / d->groups * d->kernel_h * d->kernel_w);
}

void conv_draw(test_rng *rng, double max_macs, onefold_conv2d_desc *d, onefold_shape *out) {
  static const int batches[] = {1, 1, 1, 2, 3};
  for (;;) {
    onefold_conv2d_desc_init(d);
    d->batch = test_pick(rng, batches);
    draw_channels(rng, d);
    draw_axis(rng, &d->in_h, &d->kernel_h, &d->stride_h, &d->dilation_h, &d->pad_top,
              &d->pad_bottom);
    draw_axis(rng, &d->in_w, &d->kernel_w, &d->stride_w, &d->dilation_w, &d->pad_left,
              &d->pad_right);
    d->in_layout = (onefold_layout)test_range(rng, 0, 2);
    d->out_layout = (onefold_layout)test_range(rng, 0, 2);
    *out = (onefold_shape){
        d->batch, d->out_channels,
        out_size(d->in_h, d->kernel_h, d->stride_h, d->dilation_h, d->pad_top, d->pad_bottom),
        out_size(d->in_w, d->kernel_w, d->stride_w, d->dilation_w, d->pad_left, d->pad_right)};
    if (out->h > 0 && out->w > 0 && conv_macs(d, *out) <= max_macs) return;
  }
}

void conv_draw_epilogue(test_rng *rng, int exact, onefold_conv2d_desc *d) {
  static const onefold_activation exact_ones[] = {ONEFOLD_ACT_NONE, ONEFOLD_ACT_RELU,
                                                  ONEFOLD_ACT_RELU6, ONEFOLD_ACT_LEAKY_RELU};
  d->activation = exact ? test_pick(rng, exact_ones)
                        : (onefold_activation)test_range(rng, 0, ONEFOLD_ACT_COUNT - 1);
  d->activation_param = exact ? 0.25f : test_uniform(rng, -0.5f, 1.5f);
  d->residual = (onefold_residual)test_range(rng, 0, 2);
  d->has_residual_scale = d->residual != ONEFOLD_RESIDUAL_NONE && test_once_in(rng, 2);
  d->has_channel_scale = test_once_in(rng, 3);
}

static float *make_array(test_rng *rng, int exact, size_t n) {
  float *values = malloc(n * sizeof(float));
  assert_non_null(values);
  if (exact) {
    test_fill_integers(rng, values, n, 4);
  } else {
    test_fill_uniform(rng, values, n);
  }
  return values;
}

void conv_case_make(conv_case *c, test_rng *rng, const onefold_conv2d_desc *desc, int exact) {
  memset(c, 0, sizeof(*c));
  c->desc = *desc;
  c->exact = exact;
  c->in = (onefold_shape){desc->batch, desc->in_channels, desc->in_h, desc->in_w};
  c->out = (onefold_shape){desc->batch, desc->out_channels,
                           out_size(desc->in_h, desc->kernel_h, desc->stride_h, desc->dilation_h,
                                    desc->pad_top, desc->pad_bottom),
                           out_size(desc->in_w, desc->kernel_w, desc->stride_w, desc->dilation_w,
                                    desc->pad_left, desc->pad_right)};
  const size_t channels = (size_t)desc->out_channels;
  c->x = make_array(rng, exact, test_elements(c->in));
  c->weight = make_array(
      rng, exact,
      channels * (size_t)(desc->in_channels / desc->groups * desc->kernel_h * desc->kernel_w));
  if (!test_once_in(rng, 3)) c->bias = make_array(rng, exact, channels);
  if (desc->has_residual_scale) c->residual_scale = make_array(rng, exact, channels);
  if (desc->has_channel_scale) c->scale = make_array(rng, exact, (size_t)desc->batch * channels);
  if (desc->residual) c->residual = make_array(rng, exact, test_elements(c->out));
  c->want = malloc(test_elements(c->out) * sizeof(double));
  c->bound = malloc(test_elements(c->out) * sizeof(double));
  assert_non_null(c->want);
  assert_non_null(c->bound);
  conv_case_expect(c);
}

/// y = act(scale*z + r) or act(scale*z) + r with its error bound.
static void expect_epilogue(const conv_case *c, size_t i, size_t channel, size_t image) {
  const onefold_conv2d_desc *d = &c->desc;
  const double terms = (double)(d->in_channels / d->groups * d->kernel_h * d->kernel_w) + 3.0;
  const double scale = c->scale ? c->scale[image * (size_t)d->out_channels + channel] : 1.0;
  const double r =
      c->residual ? (double)c->residual[i] * (c->residual_scale ? c->residual_scale[channel] : 1.0)
                  : 0.0;
  const int after = d->residual == ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
  double z = c->want[i] * scale, s = c->bound[i] * fabs(scale);
  if (!after) {
    z += r;
    s += fabs(r);
  }
  const double y = test_activation(d->activation, d->activation_param, z);
  const double slope = test_activation_slope(d->activation, d->activation_param);
  c->want[i] = after ? y + r : y;
  c->bound[i] = 0.0;
  if (c->exact) return;
  // The activation itself is within 4 ulp; a residual after it rounds twice more.
  c->bound[i] = slope * test_sum_bound(s, terms) + 0x1p-21 * fabs(y);
  if (after) c->bound[i] += 0x1p-22 * (fabs(y) + fabs(r));
}

void conv_case_expect(conv_case *c) {
  test_conv2d_reference(&c->desc, c->out, c->x, c->weight, c->bias, c->want, c->bound);
  const size_t pixels = (size_t)(c->out.h * c->out.w), channels = (size_t)c->out.c;
  for (size_t i = 0; i < test_elements(c->out); i++) {
    expect_epilogue(c, i, i / pixels % channels, i / pixels / channels);
  }
}

void conv_case_destroy(conv_case *c) {
  free(c->x);
  free(c->weight);
  free(c->bias);
  free(c->residual_scale);
  free(c->scale);
  free(c->residual);
  free(c->want);
  free(c->bound);
  memset(c, 0, sizeof(*c));
}

void conv_describe(const onefold_conv2d_desc *d, char *text, size_t size) {
  static const char *const residuals[] = {"", " residual-before", " residual-after"};
  char problem[160];
  onefold_conv2d_desc_print(d, problem, sizeof(problem));
  snprintf(text, size, "%s pads %lld,%lld,%lld,%lld %s->%s act=%s%s%s%s", problem,
           (long long)d->pad_top, (long long)d->pad_bottom, (long long)d->pad_left,
           (long long)d->pad_right, onefold_layout_name(d->in_layout),
           onefold_layout_name(d->out_layout), onefold_activation_name(d->activation),
           residuals[d->residual], d->has_residual_scale ? " residual-scale" : "",
           d->has_channel_scale ? " channel-scale" : "");
}
