// SPDX-License-Identifier: BSD-3-Clause
// Parameters in one line, and what sources of weights of a test's own need.
#include "tests/block_support.h"

#include <string.h>

onefold_block_params block_params(onefold_context *context, const char *block, const char *text) {
  onefold_block_params p;
  test_ok(context, onefold_block_params_init(context, block, &p));
  test_ok(context, onefold_block_params_set(context, &p, text));
  return p;
}

int block_name_ends(const char *name, const char *end) {
  const size_t length = strlen(name), part = strlen(end);
  return length >= part && strcmp(name + length - part, end) == 0;
}

void block_keep_weights(onefold_weights *weights) {
  (void)weights;
}
