// SPDX-License-Identifier: BSD-3-Clause
// Counts calls of the C library's allocator, whose functions are wrapped at link time (-Wl,--wrap).
#ifndef ONEFOLD_TESTS_ALLOC_WATCH_H
#define ONEFOLD_TESTS_ALLOC_WATCH_H

/// From here on calls are counted, on all threads.
void test_watch_begin(void);
/// Until here. Returns how many there were.
int test_watch_end(void);

#endif
