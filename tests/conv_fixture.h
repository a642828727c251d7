// SPDX-License-Identifier: BSD-3-Clause
// A context, a valid convolution and weights packed for it: what tests of errors break.
#ifndef ONEFOLD_TESTS_CONV_FIXTURE_H
#define ONEFOLD_TESTS_CONV_FIXTURE_H

#include "tests/conv_support.h"

typedef struct conv_fixture {
  onefold_context *context;
  onefold_conv2d_desc desc; // valid: 20 to 24 channels, 3x3 on 7x9, all of the epilogue
  onefold_conv2d_plan *plan;
  onefold_conv2d_packed *packed;
  float weight[24 * 20 * 9], vector[24];
} conv_fixture;

/// Setup and teardown of a group of tests.
int conv_fixture_create(void **state);
int conv_fixture_destroy(void **state);

#endif
