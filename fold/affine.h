// SPDX-License-Identifier: BSD-3-Clause
// Affine maps between images in offset form, in double precision:
//
//   y[o,u,v] = bias[o] + sum over j, k, l of
//     weight[o,j,k,l] * x[group(o)*I/g + j, s_h*u + lo_h + k*step_h, s_w*v + lo_w + l*step_w]
//
// with x = 0 outside the image. Kernel size, padding, cropping, dilation, identities and fixed
// filters are all windows of offsets.
#ifndef ONEFOLD_FOLD_AFFINE_H
#define ONEFOLD_FOLD_AFFINE_H

#include "ops/context.h"

#include <onefold/fold.h>
#include <onefold/graph.h>

/// One direction of a map: `taps` offsets lo, lo + step, ... Step is 0 where there is one tap.
typedef struct onefold_axis {
  int64_t in, out; // sizes of the images
  int64_t stride, lo, step, taps;
} onefold_axis;

typedef struct onefold_affine {
  int64_t in_channels, out_channels, groups;
  onefold_axis h, w;
  double *weight; // [O][I/g][taps_h][taps_w]
  double *bias;   // [O]
} onefold_affine;

static inline int64_t onefold_axis_hi(const onefold_axis *axis) {
  return axis->lo + axis->step * (axis->taps - 1);
}

/// A map with zero weights and bias of the geometry of `like`. NULL when out of memory or
/// where the weights do not fit (sentence in the context).
onefold_affine *onefold_affine_create(const onefold_context *context, const onefold_affine *like);
void onefold_affine_destroy(const onefold_context *context, onefold_affine *affine);

/// y[c] = scale[c]*x[c] + shift[c]; NULL stands for 1 and for 0.
onefold_affine *onefold_affine_scale(const onefold_context *context, onefold_shape shape,
                                     const double *scale, const double *shift);

/// A convolution. `bias` may be NULL.
onefold_affine *onefold_affine_conv2d(const onefold_context *context, onefold_shape in,
                                      const onefold_graph_conv2d_params *params,
                                      const float *weight, const float *bias);

/// affine = scale o affine + shift, per output channel. Exact for any map.
void onefold_affine_apply_scale(onefold_affine *affine, const double *scale, const double *shift);

/// Geometry of the sum of maps of one input: gcd of the groups, union of the windows. Zero
/// where they differ in channels, stride or image sizes.
int onefold_affine_sum_geometry(const onefold_affine *const *terms, size_t count,
                                onefold_affine *geometry);

/// sum += term, where sum has the geometry of a sum with that term.
void onefold_affine_accumulate(onefold_affine *sum, const onefold_affine *term);

/// Multiply-adds of one image.
double onefold_affine_macs(const onefold_affine *affine);

/// Non-zero when the map is y[c] = t[c]*x[c] + b[c]: one tap at offset 0, one channel a group.
int onefold_affine_is_scale(const onefold_affine *affine);

/// The same map as a convolution: weight and bias as float32, arrays of the caller of
/// O*I/g*taps and O elements. The padding is symmetric where that gives the same output size.
/// NULL, or the sentence why it cannot be one; *not_finite is set when a value is the reason.
const char *onefold_affine_to_conv2d(const onefold_affine *affine,
                                     onefold_graph_conv2d_params *params, float *weight,
                                     float *bias, int *not_finite);

/// Elements of weight.
size_t onefold_affine_weights(const onefold_affine *affine);

#endif
