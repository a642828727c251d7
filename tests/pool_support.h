// SPDX-License-Identifier: BSD-3-Clause
// What tests of pooling and upsampling run on: two contexts and guarded images.
#ifndef ONEFOLD_TESTS_POOL_SUPPORT_H
#define ONEFOLD_TESTS_POOL_SUPPORT_H

#include "tests/split_context.h"

#include <onefold/pool.h>

enum { POOL_MAX_FLOATS = 1 << 18, POOL_LAYOUTS = 3 };

/// The same call with one task and with three.
typedef struct pool_fixture {
  onefold_context *one, *three;
  size_t most_tasks;
  test_guard in, out;
  float *x, *y, *first; // NCHW; y of the first context
  test_rng rng;
} pool_fixture;

void pool_fixture_create(pool_fixture *f, onefold_isa isa);
void pool_fixture_destroy(pool_fixture *f);

#endif
