// SPDX-License-Identifier: BSD-3-Clause
// A report before it is written: sections of figures, each with the table behind it.
#ifndef ONEFOLD_REPORT_DOCUMENT_H
#define ONEFOLD_REPORT_DOCUMENT_H

#include "report/data.h"
#include "report/svg.h"

#define REPORT_COLUMNS 12 // of a table at most

typedef struct report_column {
  const char *title;
  int is_text; // else numbers, to the right
} report_column;

typedef struct report_table {
  report_column columns[REPORT_COLUMNS];
  size_t width;
  const char *(*rows)[REPORT_COLUMNS]; // cells; NULL and "" are empty
  size_t height;
} report_table;

/// The rows of a table that matter most.
typedef struct report_brief {
  const size_t *rows; // [count], in the order in which they are shown; NULL: all that there are
  size_t count;
  const char *are; // what was chosen: "the layers of T2 folded that take most time"
} report_brief;

void onefold_report_column(report_table *table, const char *title, int is_text);
/// Adds a row; NULL without memory.
const char **onefold_report_add_row(report_arena *arena, report_table *table);

typedef void report_draw_fn(report_svg *svg, const void *chart);

typedef struct report_figure {
  const char *id, *title;
  const char *caption;
  const char *note;     // below the chart; ""
  report_draw_fn *draw; // NULL: a table alone
  const void *chart;
  report_table table;
  report_brief brief;  // the table's, for pull requests
  report_table terms;  // names in the chart, and what they mean
  const char **stamps; // what it was measured on, and when: of charts by themselves
  size_t stamp_count;
} report_figure;

typedef struct report_section {
  const char *id, *title;
  const char *text;    // what it says, in a sentence or two
  const char *missing; // instead of figures: what would give them
  const char *command;
  report_figure *figures;
  size_t count;
} report_section;

/// A number worth a look: "1.31×", "T0 eager / T2 folded", "17 blocks, geometric mean".
typedef struct report_key {
  const char *value, *what, *of;
} report_key;

#define REPORT_SECTIONS 8
#define REPORT_KEYS     6

typedef struct report_document {
  report_data *data;
  const char *title;
  report_table machines; // a column for each file
  const char **setups;   // each machine and setting in a line
  size_t setup_count;
  const char *warning; // "" or a sentence
  report_key keys[REPORT_KEYS];
  size_t key_count;
  report_section sections[REPORT_SECTIONS];
  size_t count;
} report_document;

report_section *onefold_report_add_section(report_document *document, const char *id,
                                           const char *title);
/// The `most` rows of the largest weights, the largest first, and none of weight 0; `weights` has
/// one for each of `count` rows.
report_brief onefold_report_brief(report_arena *arena, const double *weights, size_t count,
                                  size_t most, const char *are);

/// Adds what the figure shows of a file to its stamps: "AMD EPYC, avx512, 1 thread, 2026-01-31".
void onefold_report_stamp(report_document *document, report_figure *figure, const report_file *file,
                          int threads);

/// Adds a figure and numbers its id; NULL without memory.
report_figure *onefold_report_add_figure(report_document *document, report_section *section,
                                         const char *title);
void onefold_report_add_key(report_document *document, const char *value, const char *what,
                            const char *of);

#endif
