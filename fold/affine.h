// SPDX-License-Identifier: BSD-3-Clause
// Affine maps between images in offset form, in double precision:
//
//   y[o,u,v] = bias[o] + sum over j, k, l of
//     weight[o,j,k,l] * x[group(o)*I/g + j, s_h*u + lo_h + k*step_h, s_w*v + lo_w + l*step_w]
//
// with x = 0 outside the image. Kernel size, padding, cropping, dilation, identities and fixed
// filters are all windows of offsets. Where a bias was hidden by zero padding, or padding holds a
// constant, the map has a border: values that are added to the bias near the edges.
#ifndef ONEFOLD_FOLD_AFFINE_H
#define ONEFOLD_FOLD_AFFINE_H

#include "fold/ring.h"
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
  double *weight;    // [O][I/g][taps_h][taps_w]
  double *bias;      // [O]
  onefold_ring ring; // all 0 where there is no border
  double *border;    // [O][top + 1 + bottom][left + 1 + right], or NULL
} onefold_affine;

/// Greatest common divisor, not negative; of 0 and a number that number.
static inline int64_t onefold_gcd(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = a % b;
    a = b;
    b = r;
  }
  return a < 0 ? -a : a;
}

static inline int64_t onefold_axis_hi(const onefold_axis *axis) {
  return axis->lo + axis->step * (axis->taps - 1);
}

/// A map with zero weights, bias and border of the geometry and ring of `like`. NULL when out of
/// memory or where the weights or the border do not fit (sentence in the context).
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

/// Geometry of the sum of maps of one input: gcd of the groups, union of the windows and rings.
/// Zero where they differ in channels, stride or image sizes.
int onefold_affine_sum_geometry(const onefold_affine *const *terms, size_t count,
                                onefold_affine *geometry);

/// The output channels of `whole` from `first` on += term, where whole has the geometry of a sum
/// (first is 0) or of a concatenation with that term.
void onefold_affine_accumulate(onefold_affine *whole, const onefold_affine *term, int64_t first);

/// The same of the border alone.
void onefold_affine_accumulate_border(onefold_affine *whole, const onefold_affine *term,
                                      int64_t first);

/// Geometry of maps of one input side by side, their output channels one after the other, in one
/// group. Zero where they differ in input channels, stride or image sizes.
int onefold_affine_concat_geometry(const onefold_affine *const *terms, size_t count,
                                   onefold_affine *geometry);

/// Multiply-adds of one image; outputs whose window lies outside it take none.
double onefold_affine_macs(const onefold_affine *affine);

/// Weights, which need not fit in memory.
static inline double onefold_affine_size(const onefold_affine *affine) {
  const int64_t inputs = affine->in_channels / affine->groups; // of an output
  return (double)affine->out_channels * (double)inputs * (double)affine->h.taps *
         (double)affine->w.taps;
}

/// Non-zero when each output channel is of the input channel of its number alone.
static inline int onefold_affine_is_per_channel(const onefold_affine *affine) {
  return affine->groups == affine->in_channels && affine->in_channels == affine->out_channels;
}

/// Non-zero when the map is y[c] = t[c]*x[c] + b[c], with outputs around it that see nothing of
/// the image and are b[c]: *outside says how many on each side.
int onefold_affine_is_scale(const onefold_affine *affine, onefold_ring *outside);

/// The convolution that the map is, without its border. The padding is symmetric where that
/// gives the same output size. Outputs whose whole window lies outside the image are left out of
/// it: *outside says how many on each side. Zero where no output is left.
int onefold_affine_to_conv2d(const onefold_affine *affine, onefold_graph_conv2d_params *params,
                             onefold_ring *outside);

/// Elements of weight, and of border.
size_t onefold_affine_weights(const onefold_affine *affine);
size_t onefold_affine_border(const onefold_affine *affine);

#endif
