// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests that build networks: weights that cost nothing.
#include "tests/network_support.h"

onefold_status network_read_zeros(const onefold_weights *weights, const char *name,
                                  const int64_t *dims, int32_t rank, size_t count, float *values) {
  (void)weights, (void)name, (void)dims;
  for (size_t i = 0; i < count; i++) values[i] = rank < 2 ? 1 : 0;
  return ONEFOLD_OK;
}

const onefold_weights_type network_zeros = {.read = network_read_zeros};

void network_expect(const char *what, double got, double want) {
  if (want >= 0 && got != want) test_failed("%s: %.0f, published is %.0f", what, got, want);
}
