// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests of affine maps: random ones, and their values straight from the definition.
#ifndef ONEFOLD_TESTS_AFFINE_SUPPORT_H
#define ONEFOLD_TESTS_AFFINE_SUPPORT_H

#include "fold/affine.h"
#include "tests/support.h"

/// y = affine(x), x being 0 outside the image; y [O][out_h][out_w] to be freed.
double *affine_apply(const onefold_affine *f, const double *x);

/// Elements of a result.
int64_t affine_outputs(const onefold_affine *f);

/// `count` values in [-1, 1), to be freed.
double *affine_random_image(test_rng *rng, int64_t count);

double affine_largest_difference(const double *a, const double *b, int64_t count);

/// A convolution with weights and biases in +-[0.25, 1), so that no tap is near zero. NULL where
/// the image would be empty.
onefold_affine *affine_random_conv(onefold_context *context, test_rng *rng, onefold_shape in,
                                   const onefold_graph_conv2d_params *p, int bias);

/// A geometry of any kernel up to 5, stride, dilation, padding or crop.
onefold_graph_conv2d_params affine_random_params(test_rng *rng, int64_t out, int64_t groups);

#endif
