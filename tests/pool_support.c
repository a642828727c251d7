// SPDX-License-Identifier: BSD-3-Clause
// What tests of pooling and upsampling run on: two contexts and guarded images.
#include "tests/pool_support.h"

void pool_fixture_create(pool_fixture *f, onefold_isa isa) {
  static size_t unused;
  *f = (pool_fixture){.rng = {(uint64_t)isa + 1}};
  f->one = split_context(isa, 1, &unused);
  f->three = split_context(isa, 3, &f->most_tasks);
  test_guard_create(&f->in, POOL_MAX_FLOATS * sizeof(float));
  test_guard_create(&f->out, POOL_MAX_FLOATS * sizeof(float));
  f->x = test_malloc(POOL_MAX_FLOATS * sizeof(float));
  f->y = test_malloc(POOL_MAX_FLOATS * sizeof(float));
  f->first = test_malloc(POOL_MAX_FLOATS * sizeof(float));
}

void pool_fixture_destroy(pool_fixture *f) {
  onefold_context_destroy(f->one);
  onefold_context_destroy(f->three);
  test_guard_destroy(&f->in);
  test_guard_destroy(&f->out);
  test_free(f->x);
  test_free(f->y);
  test_free(f->first);
}
