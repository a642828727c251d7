// SPDX-License-Identifier: BSD-3-Clause
// Affine maps: making, scaling, adding, and writing them down as a convolution.
#include "fold/affine.h"

#include <math.h>
#include <string.h>

static int64_t gcd(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = a % b;
    a = b;
    b = r;
  }
  return a < 0 ? -a : a;
}

size_t onefold_affine_weights(const onefold_affine *affine) {
  return (size_t)affine->out_channels * (size_t)(affine->in_channels / affine->groups) *
         (size_t)affine->h.taps * (size_t)affine->w.taps;
}

onefold_affine *onefold_affine_create(const onefold_context *context, const onefold_affine *like) {
  size_t count = (size_t)like->out_channels, bytes = 0;
  onefold_affine *affine = NULL;
  const int fits = onefold_mul(count, (size_t)(like->in_channels / like->groups), &count) &&
                   onefold_mul(count, (size_t)like->h.taps, &count) &&
                   onefold_mul(count, (size_t)like->w.taps, &count) &&
                   onefold_mul(count, sizeof(double), &bytes) && bytes <= PTRDIFF_MAX;
  if (fits && (affine = onefold_allocate(context, sizeof *affine))) {
    *affine = *like;
    affine->weight = onefold_allocate(context, bytes);
    affine->bias = onefold_allocate(context, (size_t)like->out_channels * sizeof(double));
    if (affine->weight && affine->bias) return affine;
    onefold_affine_destroy(context, affine);
  }
  onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %lld x %lld channels",
               (long long)like->out_channels, (long long)like->in_channels);
  return NULL;
}

void onefold_affine_destroy(const onefold_context *context, onefold_affine *affine) {
  if (!affine) return;
  onefold_release(context, affine->weight);
  onefold_release(context, affine->bias);
  onefold_release(context, affine);
}

onefold_affine *onefold_affine_scale(const onefold_context *context, onefold_shape shape,
                                     const double *scale, const double *shift) {
  const onefold_affine geometry = {
      .in_channels = shape.c,
      .out_channels = shape.c,
      .groups = shape.c,
      .h = {.in = shape.h, .out = shape.h, .stride = 1, .taps = 1},
      .w = {.in = shape.w, .out = shape.w, .stride = 1, .taps = 1},
  };
  onefold_affine *affine = onefold_affine_create(context, &geometry);
  for (int64_t c = 0; affine && c < shape.c; c++) {
    affine->weight[c] = scale ? scale[c] : 1;
    affine->bias[c] = shift ? shift[c] : 0;
  }
  return affine;
}

static onefold_axis conv_axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                              int64_t pad_before, int64_t pad_after) {
  return (onefold_axis){
      .in = in,
      .out = (in + pad_before + pad_after - dilation * (kernel - 1) - 1) / stride + 1,
      .stride = stride,
      .lo = -pad_before,
      .step = kernel > 1 ? dilation : 0,
      .taps = kernel,
  };
}

onefold_affine *onefold_affine_conv2d(const onefold_context *context, onefold_shape in,
                                      const onefold_graph_conv2d_params *p, const float *weight,
                                      const float *bias) {
  const onefold_affine geometry = {
      .in_channels = in.c,
      .out_channels = p->out_channels,
      .groups = p->groups,
      .h = conv_axis(in.h, p->kernel_h, p->stride_h, p->dilation_h, p->pad_top, p->pad_bottom),
      .w = conv_axis(in.w, p->kernel_w, p->stride_w, p->dilation_w, p->pad_left, p->pad_right),
  };
  onefold_affine *affine = onefold_affine_create(context, &geometry);
  if (!affine) return NULL;
  const size_t count = onefold_affine_weights(affine);
  for (size_t i = 0; i < count; i++) affine->weight[i] = (double)weight[i];
  for (int64_t o = 0; bias && o < p->out_channels; o++) affine->bias[o] = (double)bias[o];
  return affine;
}

void onefold_affine_apply_scale(onefold_affine *affine, const double *scale, const double *shift) {
  const size_t row = onefold_affine_weights(affine) / (size_t)affine->out_channels;
  for (int64_t o = 0; o < affine->out_channels; o++) {
    double *weight = affine->weight + (size_t)o * row;
    for (size_t i = 0; i < row; i++) weight[i] *= scale[o];
    affine->bias[o] = affine->bias[o] * scale[o] + shift[o];
  }
}

/// Smallest window on one lattice that holds both.
static void unite(onefold_axis *a, const onefold_axis *b) {
  const int64_t lo = a->lo < b->lo ? a->lo : b->lo;
  const int64_t hi_a = onefold_axis_hi(a), hi_b = onefold_axis_hi(b);
  const int64_t hi = hi_a > hi_b ? hi_a : hi_b;
  a->step = gcd(gcd(a->step, b->step), a->lo - b->lo);
  a->lo = lo;
  a->taps = a->step ? (hi - lo) / a->step + 1 : 1;
}

static int same_grid(const onefold_axis *a, const onefold_axis *b) {
  return a->in == b->in && a->out == b->out && a->stride == b->stride;
}

int onefold_affine_sum_geometry(const onefold_affine *const *terms, size_t count,
                                onefold_affine *geometry) {
  *geometry = *terms[0];
  geometry->weight = geometry->bias = NULL;
  for (size_t i = 1; i < count; i++) {
    const onefold_affine *t = terms[i];
    if (t->in_channels != geometry->in_channels || t->out_channels != geometry->out_channels ||
        !same_grid(&t->h, &geometry->h) || !same_grid(&t->w, &geometry->w))
      return 0;
    geometry->groups = gcd(geometry->groups, t->groups);
    unite(&geometry->h, &t->h);
    unite(&geometry->w, &t->w);
  }
  return 1;
}

/// Index of the tap of `axis` at the offset of tap `tap` of `part`.
static int64_t tap_index(const onefold_axis *axis, const onefold_axis *part, int64_t tap) {
  return axis->step ? (part->lo + tap * part->step - axis->lo) / axis->step : 0;
}

void onefold_affine_accumulate(onefold_affine *sum, const onefold_affine *term) {
  const int64_t sum_ig = sum->in_channels / sum->groups, sum_og = sum->out_channels / sum->groups;
  const int64_t ig = term->in_channels / term->groups, og = term->out_channels / term->groups;
  const double *source = term->weight;
  for (int64_t o = 0; o < term->out_channels; o++) {
    sum->bias[o] += term->bias[o];
    const int64_t column = o / og * ig - o / sum_og * sum_ig;
    for (int64_t j = 0; j < ig; j++)
      for (int64_t a = 0; a < term->h.taps; a++) {
        const int64_t row =
            ((o * sum_ig + column + j) * sum->h.taps + tap_index(&sum->h, &term->h, a)) *
            sum->w.taps;
        for (int64_t b = 0; b < term->w.taps; b++)
          sum->weight[row + tap_index(&sum->w, &term->w, b)] += *source++;
      }
  }
}

double onefold_affine_macs(const onefold_affine *affine) {
  const int64_t inputs = affine->in_channels / affine->groups;
  return (double)affine->out_channels * (double)inputs * (double)affine->h.taps *
         (double)affine->w.taps * (double)affine->h.out * (double)affine->w.out;
}

static int is_point(const onefold_axis *axis) {
  return axis->taps == 1 && axis->lo == 0 && axis->stride == 1 && axis->in == axis->out;
}

int onefold_affine_is_scale(const onefold_affine *affine) {
  return affine->groups == affine->in_channels && affine->in_channels == affine->out_channels &&
         is_point(&affine->h) && is_point(&affine->w);
}

/// Padding that reads the window; zero where a convolution cannot (the window lies outside the
/// image for every output on one side).
static int axis_padding(const onefold_axis *axis, int64_t *before, int64_t *after) {
  const int64_t span = axis->step * (axis->taps - 1);
  *before = -axis->lo;
  const int64_t least = (axis->out - 1) * axis->stride + axis->lo + span - (axis->in - 1);
  *after = *before >= least && *before - least < axis->stride ? *before : least;
  return *before <= span && *after <= span;
}

static int narrow(const double *source, float *target, size_t count) {
  int finite = 1;
  for (size_t i = 0; i < count; i++) {
    target[i] = (float)source[i];
    finite &= isfinite(target[i]) != 0;
  }
  return finite;
}

const char *onefold_affine_to_conv2d(const onefold_affine *affine,
                                     onefold_graph_conv2d_params *params, float *weight,
                                     float *bias, int *not_finite) {
  *not_finite = 0;
  *params = (onefold_graph_conv2d_params){
      .out_channels = affine->out_channels,
      .kernel_h = affine->h.taps,
      .kernel_w = affine->w.taps,
      .stride_h = affine->h.stride,
      .stride_w = affine->w.stride,
      .dilation_h = affine->h.step ? affine->h.step : 1,
      .dilation_w = affine->w.step ? affine->w.step : 1,
      .groups = affine->groups,
  };
  if (!axis_padding(&affine->h, &params->pad_top, &params->pad_bottom) ||
      !axis_padding(&affine->w, &params->pad_left, &params->pad_right))
    return "the folded window lies outside the image";
  if (!narrow(affine->weight, weight, onefold_affine_weights(affine)) ||
      !narrow(affine->bias, bias, (size_t)affine->out_channels)) {
    *not_finite = 1;
    return "a folded weight or bias is not a finite float32";
  }
  return NULL;
}
