// SPDX-License-Identifier: BSD-3-Clause
// Threads of the tests: a caller's parallel_for, which the thread sanitizer sees into, and callers
// that run at once.
#ifndef ONEFOLD_TESTS_THREAD_SUPPORT_H
#define ONEFOLD_TESTS_THREAD_SUPPORT_H

#include "tests/support.h"

/// Tasks on this thread and three more: an onefold_parallel_for_fn.
void test_on_threads(void *user, onefold_task_fn fn, void *arg, size_t n);

/// Starts a thread for each of `count` callers, which are `size` bytes each, and waits for all. A
/// caller returns NULL, or what went wrong: cmocka's assertions belong to the main thread.
void test_run_callers(void *(*body)(void *), void *callers, size_t size, int count);

#endif
