// SPDX-License-Identifier: BSD-3-Clause
// Checks a convolution descriptor and derives what every algorithm needs.
#include "ops/conv_problem.h"

#include <stdio.h>
#include <string.h>

void onefold_conv2d_desc_init(onefold_conv2d_desc *desc) {
  if (!desc) return;
  *desc = (onefold_conv2d_desc){
      .struct_size = sizeof *desc,
      .batch = 1,
      .kernel_h = 1,
      .kernel_w = 1,
      .stride_h = 1,
      .stride_w = 1,
      .dilation_h = 1,
      .dilation_w = 1,
      .groups = 1,
      .in_layout = ONEFOLD_BLOCKED,
      .out_layout = ONEFOLD_BLOCKED,
  };
}

#define FAIL(status, ...) return onefold_fail(context, status, __VA_ARGS__)

/// Sizes that must lie in [1, INT32_MAX].
static onefold_status check_positive(const onefold_context *context, const onefold_conv2d_desc *d) {
  const struct {
    const char *name;
    int64_t value;
  } sizes[] = {
      {"batch", d->batch},
      {"in_channels", d->in_channels},
      {"in_h", d->in_h},
      {"in_w", d->in_w},
      {"out_channels", d->out_channels},
      {"kernel_h", d->kernel_h},
      {"kernel_w", d->kernel_w},
      {"stride_h", d->stride_h},
      {"stride_w", d->stride_w},
      {"dilation_h", d->dilation_h},
      {"dilation_w", d->dilation_w},
      {"groups", d->groups},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    if (sizes[i].value <= 0) {
      FAIL(ONEFOLD_INVALID_ARGUMENT, "%s is %lld; it must be positive", sizes[i].name,
           (long long)sizes[i].value);
    }
    if (sizes[i].value > INT32_MAX) {
      FAIL(ONEFOLD_OVERFLOW, "%s is %lld; the largest is %d", sizes[i].name,
           (long long)sizes[i].value, INT32_MAX);
    }
  }
  return ONEFOLD_OK;
}

static onefold_status check_enums(const onefold_context *context, const onefold_conv2d_desc *d) {
  if ((unsigned)d->in_layout > ONEFOLD_BLOCKED) {
    FAIL(ONEFOLD_INVALID_ARGUMENT, "in_layout is %d, not a layout", (int)d->in_layout);
  }
  if ((unsigned)d->out_layout > ONEFOLD_BLOCKED) {
    FAIL(ONEFOLD_INVALID_ARGUMENT, "out_layout is %d, not a layout", (int)d->out_layout);
  }
  if ((unsigned)d->activation >= ONEFOLD_ACT_COUNT) {
    FAIL(ONEFOLD_INVALID_ARGUMENT, "activation is %d, not an activation", (int)d->activation);
  }
  if ((unsigned)d->residual > ONEFOLD_RESIDUAL_AFTER_ACTIVATION) {
    FAIL(ONEFOLD_INVALID_ARGUMENT, "residual is %d, not a position", (int)d->residual);
  }
  if (d->has_residual_scale && d->residual == ONEFOLD_RESIDUAL_NONE) {
    FAIL(ONEFOLD_INVALID_ARGUMENT, "has_residual_scale is %d without a residual",
         d->has_residual_scale);
  }
  return ONEFOLD_OK;
}

/// One axis: *out = output size. Pads may be negative (crop).
static onefold_status axis(const onefold_context *context, const char *name, int64_t in,
                           int64_t kernel, int64_t stride, int64_t dilation, int64_t low,
                           int64_t high, int64_t *out) {
  const int64_t reach = dilation * (kernel - 1); // both at most INT32_MAX
  if (reach >= INT32_MAX) {
    FAIL(ONEFOLD_OVERFLOW, "the %s kernel of %lld taps with dilation %lld spans %lld pixels", name,
         (long long)kernel, (long long)dilation, (long long)reach + 1);
  }
  const int64_t pads[2] = {low, high};
  for (int i = 0; i < 2; i++) {
    if (pads[i] > reach) {
      FAIL(ONEFOLD_INVALID_ARGUMENT,
           "%s padding is %lld; with kernel %lld and dilation %lld at most %lld taps can lie "
           "outside the image",
           name, (long long)pads[i], (long long)kernel, (long long)dilation, (long long)reach);
    }
    if (pads[i] <= -in) {
      FAIL(ONEFOLD_INVALID_ARGUMENT, "%s padding is %lld; it crops the whole image of %lld", name,
           (long long)pads[i], (long long)in);
    }
  }
  const int64_t span = in + low + high - reach - 1;
  if (span < 0) {
    FAIL(ONEFOLD_SHAPE_MISMATCH,
         "the %s axis is empty: image %lld with padding %lld+%lld is shorter than the kernel's "
         "span %lld",
         name, (long long)in, (long long)low, (long long)high, (long long)reach + 1);
  }
  *out = span / stride + 1;
  return ONEFOLD_OK;
}

/// Whether n*c*h*w floats can be addressed, c rounded up to blocks.
static int fits(int64_t n, int64_t c, int64_t h, int64_t w, int32_t v) {
  size_t total = (size_t)((c + v - 1) / v * v);
  return onefold_mul(total, (size_t)n, &total) && onefold_mul(total, (size_t)h, &total) &&
         onefold_mul(total, (size_t)w, &total) && total <= PTRDIFF_MAX / sizeof(float) / 2;
}

/// Most input channels of the groups that an output block has lanes of.
static int64_t widest_band(const onefold_conv_problem *problem) {
  const int64_t v = problem->v, group = problem->out_group;
  if (group % v == 0) return problem->in_group;
  const int64_t most = v % group == 0 ? v / group : (v - 1 + group - 1) / group + 1;
  return problem->in_group * (most < problem->desc.groups ? most : problem->desc.groups);
}

/// Whether packed weights can be addressed: bands take up to two more source blocks than they have
/// channels, and Winograd makes up to 21 weights of a tap (of 7x7 at stride 2, by F(6)).
static int weights_fit(const onefold_conv_problem *problem) {
  enum { MOST_OF_TAP = 32 };
  const int64_t v = problem->v;
  return fits(MOST_OF_TAP * problem->out_blocks * v, widest_band(problem) + 2 * v,
              problem->desc.kernel_h, problem->desc.kernel_w, problem->v);
}

onefold_status onefold_conv_problem_make(const onefold_context *context,
                                         const onefold_conv2d_desc *desc,
                                         onefold_conv_problem *problem) {
  if (!desc) FAIL(ONEFOLD_INVALID_ARGUMENT, "the descriptor is NULL");
  if (desc->struct_size != sizeof *desc) {
    FAIL(ONEFOLD_INVALID_ARGUMENT, "struct_size is %zu; this library's descriptor has %zu bytes",
         desc->struct_size, sizeof *desc);
  }
  const onefold_conv2d_desc *d = desc;
  memset(problem, 0, sizeof *problem);
  problem->desc = *d;
  problem->desc.has_residual_scale = d->has_residual_scale != 0;
  problem->desc.has_channel_scale = d->has_channel_scale != 0;
  onefold_status status = check_positive(context, d);
  if (status == ONEFOLD_OK) status = check_enums(context, d);
  if (status != ONEFOLD_OK) return status;
  if (d->in_channels % d->groups) {
    FAIL(ONEFOLD_SHAPE_MISMATCH, "groups is %lld; it does not divide in_channels %lld",
         (long long)d->groups, (long long)d->in_channels);
  }
  if (d->out_channels % d->groups) {
    FAIL(ONEFOLD_SHAPE_MISMATCH, "groups is %lld; it does not divide out_channels %lld",
         (long long)d->groups, (long long)d->out_channels);
  }
  status = axis(context, "vertical", d->in_h, d->kernel_h, d->stride_h, d->dilation_h, d->pad_top,
                d->pad_bottom, &problem->out_h);
  if (status != ONEFOLD_OK) return status;
  status = axis(context, "horizontal", d->in_w, d->kernel_w, d->stride_w, d->dilation_w,
                d->pad_left, d->pad_right, &problem->out_w);
  if (status != ONEFOLD_OK) return status;

  const int32_t v = onefold_context_dispatch(context)->v;
  problem->v = v;
  problem->accuracy = onefold_context_accuracy(context);
  problem->in_group = d->in_channels / d->groups;
  problem->out_group = d->out_channels / d->groups;
  problem->in_blocks = (d->in_channels + v - 1) / v;
  problem->out_blocks = (d->out_channels + v - 1) / v;
  if (!fits(d->batch, d->in_channels, d->in_h, d->in_w, v)) {
    FAIL(ONEFOLD_OVERFLOW, "the input of %lld x %lld x %lld x %lld floats cannot be addressed",
         (long long)d->batch, (long long)d->in_channels, (long long)d->in_h, (long long)d->in_w);
  }
  if (!fits(d->batch, d->out_channels, problem->out_h, problem->out_w, v)) {
    FAIL(ONEFOLD_OVERFLOW, "the output of %lld x %lld x %lld x %lld floats cannot be addressed",
         (long long)d->batch, (long long)d->out_channels, (long long)problem->out_h,
         (long long)problem->out_w);
  }
  if (!weights_fit(problem)) {
    FAIL(ONEFOLD_OVERFLOW, "weights of %lld x %lld x %lld x %lld floats cannot be addressed",
         (long long)d->out_channels, (long long)problem->in_group, (long long)d->kernel_h,
         (long long)d->kernel_w);
  }
  problem->macs = (double)d->batch * (double)d->out_channels * (double)problem->in_group *
                  (double)(d->kernel_h * d->kernel_w) * (double)problem->out_h *
                  (double)problem->out_w;
  return ONEFOLD_OK;
}

onefold_status onefold_conv2d_output_shape(onefold_context *context,
                                           const onefold_conv2d_desc *desc, onefold_shape *shape) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (!shape) FAIL(ONEFOLD_INVALID_ARGUMENT, "the output shape is NULL");
  onefold_conv_problem problem;
  const onefold_status status = onefold_conv_problem_make(context, desc, &problem);
  if (status != ONEFOLD_OK) return status;
  *shape = (onefold_shape){desc->batch, desc->out_channels, problem.out_h, problem.out_w};
  return ONEFOLD_OK;
}

int onefold_conv_kernel_is(const onefold_conv_problem *problem, int side, char *reason,
                           size_t size) {
  const onefold_conv2d_desc *d = &problem->desc;
  if (d->kernel_h == side && d->kernel_w == side) return 1;
  snprintf(reason, size, "the kernel is %lldx%lld, not %dx%d", (long long)d->kernel_h,
           (long long)d->kernel_w, side, side);
  return 0;
}

static int64_t clamp(int64_t x, int64_t least, int64_t most) {
  return x < least ? least : x > most ? most : x;
}

void onefold_conv_outputs_inside(int64_t at, int64_t size, int64_t stride, int64_t count,
                                 int64_t *first, int64_t *end) {
  *first = clamp(at < 0 ? (-at + stride - 1) / stride : 0, 0, count);
  *end = at >= size ? *first : clamp((size - at + stride - 1) / stride, *first, count);
}

int32_t onefold_conv_rows_inside(const onefold_conv2d_desc *desc, int64_t row, int64_t *first) {
  const int64_t y = row * desc->stride_h - desc->pad_top, step = desc->dilation_h;
  *first = y < 0 ? (-y + step - 1) / step : 0;
  int64_t end = y >= desc->in_h ? 0 : (desc->in_h - y + step - 1) / step;
  if (end > desc->kernel_h) end = desc->kernel_h;
  return end > *first ? (int32_t)(end - *first) : 0;
}
