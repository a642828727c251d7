// SPDX-License-Identifier: BSD-3-Clause
// A context that cuts work into tasks and runs them last to first on the
// caller's thread: results must not depend on the order.
#ifndef ONEFOLD_TESTS_SPLIT_CONTEXT_H
#define ONEFOLD_TESTS_SPLIT_CONTEXT_H

#include "tests/support.h"

#include <onefold/context.h>

static inline void split_last_to_first(void *user, onefold_task_fn fn, void *arg, size_t n) {
  size_t *most_tasks = user;
  if (n > *most_tasks) *most_tasks = n;
  while (n-- > 0) fn(arg, n);
}

/// `most_tasks` receives the most tasks of one operator.
static inline onefold_context *split_context(onefold_isa isa, int tasks, size_t *most_tasks) {
  const onefold_context_options options = {.struct_size = sizeof(options),
                                           .threads = tasks,
                                           .parallel_for = split_last_to_first,
                                           .parallel_user = most_tasks,
                                           .max_isa = isa,
                                           .has_max_isa = 1};
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  assert_int_equal(onefold_context_isa(context), isa);
  return context;
}

#endif
