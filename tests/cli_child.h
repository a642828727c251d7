// SPDX-License-Identifier: BSD-3-Clause
// A program that runs beside the test, which reads what it writes and may send it signals.
#ifndef ONEFOLD_TESTS_CLI_CHILD_H
#define ONEFOLD_TESTS_CLI_CHILD_H

#include "tests/support.h"

#include <stdio.h>
#include <sys/types.h>

typedef struct test_child {
  pid_t id;
  FILE *out; // its standard output
} test_child;

/// Starts the program that `arguments` begin with; they end with NULL.
test_child test_child_start(const char *const *arguments);

/// Reads lines until one has the words, and keeps that; fails where there is none.
void test_child_read(test_child *child, const char *words, char line[512]);

/// Zero while it runs; then its exit code is in *code, or 128 and the signal that ended it.
int test_child_ended(const test_child *child, int *code);

/// Reads what is left, of which `line` keeps the last line, and waits. Returns the exit code, or
/// 128 and the signal that ended it.
int test_child_end(test_child *child, char line[512]);

#endif
