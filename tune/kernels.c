// SPDX-License-Identifier: BSD-3-Clause
// The kernels of a build as one number.
#include "tune/row.h"

static void add(uint64_t *hash, const char *text) {
  const char *c = text;
  do *hash = (*hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
  while (*c++); // the terminator keeps words apart
}

static void add_kernel(void *user, const char *op, const char *kernel, onefold_isa isa) {
  (void)isa;
  add(user, op);
  add(user, kernel);
}

uint64_t onefold_kernel_list_hash(const onefold_context *context) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  if (context) onefold_context_visit_kernels(context, add_kernel, &hash);
  return hash;
}

uint64_t onefold_kernels_at(onefold_isa isa) {
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .has_max_isa = 1, .max_isa = isa};
  onefold_context *context = NULL;
  if (onefold_context_create(&options, &context) != ONEFOLD_OK) return 0;
  const uint64_t hash = onefold_context_isa(context) == isa ? onefold_kernel_list_hash(context) : 0;
  onefold_context_destroy(context);
  return hash;
}
