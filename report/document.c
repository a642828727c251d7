// SPDX-License-Identifier: BSD-3-Clause
// A report before it is written: sections of figures, each with the table behind it.
#include "report/document.h"

void onefold_report_column(report_table *table, const char *title, int is_text) {
  if (table->width < REPORT_COLUMNS) {
    table->columns[table->width++] = (report_column){title, is_text};
  }
}

const char **onefold_report_add_row(report_arena *arena, report_table *table) {
  const char *(*row)[REPORT_COLUMNS] =
      onefold_report_push(arena, &table->rows, &table->height, sizeof *table->rows);
  return row ? *row : NULL;
}

report_section *onefold_report_add_section(report_document *document, const char *id,
                                           const char *title) {
  report_section *section = &document->sections[document->count++];
  *section = (report_section){.id = id, .title = title, .text = "", .missing = "", .command = ""};
  return section;
}

report_figure *onefold_report_add_figure(report_document *document, report_section *section,
                                         const char *title) {
  report_arena *arena = &document->data->arena;
  report_figure *figure =
      onefold_report_push(arena, &section->figures, &section->count, sizeof *section->figures);
  if (!figure) return NULL;
  figure->id = section->count == 1
                   ? section->id
                   : onefold_report_format(arena, "%s-%zu", section->id, section->count);
  figure->title = title;
  figure->caption = figure->note = "";
  return figure;
}

void onefold_report_add_key(report_document *document, const char *value, const char *what,
                            const char *of) {
  if (document->key_count < REPORT_KEYS) {
    document->keys[document->key_count++] = (report_key){value, what, of};
  }
}
