// SPDX-License-Identifier: BSD-3-Clause
// The lists of bench/shapes, read as the benchmark reads them.
#include "tests/shapes_support.h"

#include <stdio.h>
#include <string.h>

int shapes_have(const shapes *list, const char *text) {
  for (size_t i = 0; i < list->count; i++) {
    if (strcmp(list->text[i], text) == 0) return 1;
  }
  return 0;
}

void shapes_add(shapes *list, const char *text) {
  if (shapes_have(list, text)) return;
  assert_true(list->count < SHAPES_MOST && strlen(text) < SHAPES_LENGTH);
  snprintf(list->text[list->count++], SHAPES_LENGTH, "%s", text);
}

void shapes_read(const char *name, shapes *list) {
  char path[512], line[512];
  snprintf(path, sizeof path, ONEFOLD_TEST_SHAPES "/%s.txt", name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s cannot be read", path);
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, " #\n")] = '\0';
    if (!*line) continue;
    if (shapes_have(list, line)) fail_msg("%s: %s is there twice", path, line);
    shapes_add(list, line);
  }
  fclose(file);
}
