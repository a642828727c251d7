// SPDX-License-Identifier: BSD-3-Clause
// What a figure was measured on, and when.
#include "report/document.h"
#include "report/group.h"

#include <string.h>

#define DAY         10 // characters of a date
#define MOST_STAMPS 4

void onefold_report_stamp(report_document *document, report_figure *figure, const report_file *file,
                          int threads) {
  report_arena *arena = &document->data->arena;
  const char *cpu = onefold_report_fact(file, "cpu"), *date = onefold_report_fact(file, "date");
  const char *setting = onefold_report_setting(document->data, file, threads);
  const char *text = onefold_report_format(arena, "%s%s%s%s%.*s", cpu, cpu[0] ? ", " : "", setting,
                                           date[0] ? ", " : "", DAY, date);
  for (size_t i = 0; i < figure->stamp_count; i++) {
    if (strcmp(figure->stamps[i], text) == 0) return;
  }
  if (figure->stamp_count > MOST_STAMPS) return;
  const char **stamp =
      onefold_report_push(arena, &figure->stamps, &figure->stamp_count, sizeof *figure->stamps);
  if (stamp) *stamp = figure->stamp_count > MOST_STAMPS ? "and others" : text;
}
