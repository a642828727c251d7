// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests that build networks: weights that cost nothing.
#ifndef ONEFOLD_TESTS_NETWORK_SUPPORT_H
#define ONEFOLD_TESTS_NETWORK_SUPPORT_H

#include "models/weights.h"
#include "tests/graph_support.h"

/// Matrices of zeros, whose products folding skips, and vectors of ones.
extern const onefold_weights_type network_zeros;
onefold_status network_read_zeros(const onefold_weights *weights, const char *name,
                                  const int64_t *dims, int32_t rank, size_t count, float *values);

/// Fails unless the two are equal; a negative `want` was not published.
void network_expect(const char *what, double got, double want);

#endif
