// SPDX-License-Identifier: BSD-3-Clause
// The rows of a table that matter most: pull requests have no room for all.
#include "report/document.h"

#include <stdlib.h>

typedef struct weighed {
  double weight;
  size_t row;
} weighed;

static int by_weight(const void *a, const void *b) {
  const weighed *x = a, *y = b;
  if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
  return (x->row > y->row) - (x->row < y->row);
}

report_brief onefold_report_brief(report_arena *arena, const double *weights, size_t count,
                                  size_t most, const char *are) {
  report_brief brief = {NULL, 0, are};
  weighed *order = onefold_report_alloc(arena, count, sizeof *order);
  size_t *rows = onefold_report_alloc(arena, most, sizeof *rows);
  if (!order || !rows) return brief;
  for (size_t i = 0; i < count; i++) order[i] = (weighed){weights[i], i};
  qsort(order, count, sizeof *order, by_weight);
  while (brief.count < most && brief.count < count && order[brief.count].weight > 0) {
    rows[brief.count] = order[brief.count].row;
    brief.count++;
  }
  if (brief.count < count) brief.rows = rows;
  return brief;
}
