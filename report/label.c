// SPDX-License-Identifier: BSD-3-Clause
// What the label of a row says, which depends on the suite.
#include "report/data.h"

#include <string.h>

/// The text up to the next "; ", and *rest behind it.
static const char *next_field(report_arena *arena, const char **rest) {
  const char *text = *rest, *stop = strstr(text, "; ");
  const size_t length = stop ? (size_t)(stop - text) : strlen(text);
  *rest = stop ? stop + 2 : text + length;
  return onefold_report_format(arena, "%.*s", (int)length, text);
}

int onefold_report_is_layer(const report_row *row) {
  return row->name.suite && strncmp(row->name.part, "layer:", 6) == 0;
}

void onefold_report_read_label(report_arena *arena, report_row *row) {
  const char *rest = row->label, *suite = row->name.suite ? row->name.suite : "";
  row->place = row->operation = row->layer_problem = row->algorithm = "";
  if (strcmp(suite, "conv") == 0 || strncmp(row->name.part, "alone:", 6) == 0) {
    row->algorithm = row->label;
  }
  if (strcmp(suite, "block") == 0) row->place = row->label;
  if (!onefold_report_is_layer(row)) return;
  row->place = next_field(arena, &rest);
  row->operation = next_field(arena, &rest);
  row->layer_problem = next_field(arena, &rest);
  row->algorithm = next_field(arena, &rest);
  if (!row->place[0]) row->place = row->name.part;
  if (!row->algorithm[0]) row->algorithm = row->operation;
}
