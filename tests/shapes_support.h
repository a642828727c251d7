// SPDX-License-Identifier: BSD-3-Clause
// The lists of bench/shapes, read as the benchmark reads them.
#ifndef ONEFOLD_TESTS_SHAPES_SUPPORT_H
#define ONEFOLD_TESTS_SHAPES_SUPPORT_H

#include "tests/support.h"

enum { SHAPES_MOST = 256, SHAPES_LENGTH = 320 };

typedef struct shapes {
  char text[SHAPES_MOST][SHAPES_LENGTH];
  size_t count;
} shapes;

int shapes_have(const shapes *list, const char *text);

/// Adds a text that is not there yet.
void shapes_add(shapes *list, const char *text);

/// Adds the lines of bench/shapes/NAME.txt; fails where one is there twice.
void shapes_read(const char *name, shapes *list);

#endif
