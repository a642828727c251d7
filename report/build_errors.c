// SPDX-License-Identifier: BSD-3-Clause
// Errors: of each algorithm against sums in double, and of every result that was checked.
#include "report/chart_dots.h"
#include "report/chart_lines.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LINES  16   // of dots
#define MOST_POINTS 256  // of a curve
#define LIMIT       1e-4 // of the benchmarks, of the largest value
#define LEAST_ERROR 1e-9 // where smaller ones are drawn: a logarithm has no zero

static const struct {
  report_colour colour;
  report_mark mark;
} curve_looks[] = {
    {REPORT_COLOUR_direct, REPORT_SQUARE},   {REPORT_COLOUR_pointwise, REPORT_DIAMOND},
    {REPORT_COLOUR_winograd, REPORT_CIRCLE}, {REPORT_COLOUR_depthwise, REPORT_TRIANGLE},
    {REPORT_COLOUR_plain, REPORT_RING},      {REPORT_COLOUR_variant, REPORT_SQUARE},
    {REPORT_COLOUR_other, REPORT_DIAMOND},
};
#define LOOKS (sizeof curve_looks / sizeof curve_looks[0])

static double channels_of(const report_row *row) {
  double channels = strncmp(row->name.part, "ic:", 3) == 0 ? strtod(row->name.part + 3, NULL) : 0;
  return channels >= 1 && channels < 1e9 ? channels : 0;
}

static int is_accuracy(const report_row *row) {
  return row->name.suite && strcmp(row->name.suite, "accuracy") == 0 && channels_of(row) > 0 &&
         row->counters[REPORT_RELATIVE_ERROR] > 0;
}

static report_curve *curve_of(report_arena *arena, report_lines *lines, const char *name) {
  for (size_t i = 0; i < lines->count; i++) {
    if (strcmp(lines->curves[i].name, name) == 0) return &lines->curves[i];
  }
  if (lines->count == LOOKS) return NULL;
  report_curve *c =
      onefold_report_push(arena, &lines->curves, &lines->count, sizeof *lines->curves);
  if (!c) return NULL;
  *c = (report_curve){.name = name,
                      .x = onefold_report_alloc(arena, MOST_POINTS, sizeof *c->x),
                      .y = onefold_report_alloc(arena, MOST_POINTS, sizeof *c->y),
                      .colour = curve_looks[lines->count - 1].colour,
                      .mark = curve_looks[lines->count - 1].mark};
  return c->x && c->y ? c : NULL;
}

/// Adds a point where its channels belong; a second file's value of the same channels is left out.
static void add_point(report_curve *c, double x, double y) {
  size_t at = 0;
  while (at < c->count && c->x[at] < x) at++;
  if (c->count == MOST_POINTS || (at < c->count && c->x[at] == x)) return;
  memmove(&c->x[at + 1], &c->x[at], (c->count - at) * sizeof *c->x);
  memmove(&c->y[at + 1], &c->y[at], (c->count - at) * sizeof *c->y);
  c->x[at] = x;
  c->y[at] = y;
  c->count++;
}

static void add_accuracy(report_document *document, report_section *section) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  report_lines *lines = onefold_report_alloc(arena, 1, sizeof *lines);
  report_table table = {0};
  if (!lines) return;
  lines->axes = "x: input channels; y: relative error (L2)";
  onefold_report_column(&table, "algorithm", 1);
  onefold_report_column(&table, "layer", 1);
  onefold_report_column(&table, "input channels", 0);
  onefold_report_column(&table, "relative error", 0);
  onefold_report_column(&table, "largest error", 0);
  for (size_t i = 0; i < data->row_count; i++) {
    const report_row *row = &data->rows[i];
    report_curve *c = is_accuracy(row) ? curve_of(arena, lines, row->name.word) : NULL;
    const char **cells = c ? onefold_report_add_row(arena, &table) : NULL;
    if (!cells) continue;
    const double largest = row->counters[REPORT_LARGEST_ERROR];
    add_point(c, channels_of(row), row->counters[REPORT_RELATIVE_ERROR]);
    cells[0] = row->name.word;
    cells[1] = row->name.problem;
    cells[2] = onefold_report_format(arena, "%.0f", channels_of(row));
    cells[3] = onefold_report_format(
        arena, "%s", onefold_report_error(row->counters[REPORT_RELATIVE_ERROR]).text);
    if (isfinite(largest)) {
      cells[4] = onefold_report_format(arena, "%s", onefold_report_error(largest).text);
    }
  }
  report_figure *figure =
      lines->count
          ? onefold_report_add_figure(document, section, "Errors of the algorithms for 3x3 layers")
          : NULL;
  if (!figure) return;
  for (size_t i = 0; i < data->row_count; i++) {
    const report_row *row = &data->rows[i];
    if (is_accuracy(row)) onefold_report_stamp(document, figure, row->file, row->name.threads);
  }
  figure->draw = onefold_report_draw_lines;
  figure->chart = lines;
  figure->table = table;
  figure->caption =
      "Against sums in double, for inputs as a ReLU leaves them and weights of mean 0.";
}

// ------------------------------------------------------------ of all results

typedef struct kind {
  const char *name;
  report_colour colour;
} kind;

/// Which line of dots a row belongs to; a name of NULL: none.
static kind kind_of(report_arena *arena, const report_row *row) {
  switch (row->name.role) {
  case REPORT_EAGER: // what the others are compared with
    return (kind){NULL, REPORT_COLOUR_other};
  case REPORT_RIVAL:
    return (kind){onefold_report_rival_title(arena, row->name.word), REPORT_COLOUR_rival};
  default:
    return (kind){onefold_report_role_title(row->name.role), REPORT_COLOUR_ours};
  }
}

static void add_dot(report_arena *arena, report_dots *dots, const report_row *row) {
  const double error = row->counters[REPORT_MAX_ERROR];
  const kind k = kind_of(arena, row);
  size_t i = 0;
  if (!k.name) return;
  while (i < dots->count && strcmp(dots->rows[i].name, k.name) != 0) i++;
  if (i == MOST_LINES) return;
  if (i == dots->count) {
    report_dot_row *added =
        onefold_report_push(arena, &dots->rows, &dots->count, sizeof *dots->rows);
    if (!added) return;
    added->name = k.name;
    added->text = "";
  }
  report_dot_row *line = &dots->rows[i];
  report_dot *dot = onefold_report_push(arena, &line->dots, &line->count, sizeof *line->dots);
  if (!dot) return;
  *dot = (report_dot){.value = fmax(error, LEAST_ERROR), .low = NAN, .high = NAN};
  dot->colour = error > LIMIT ? REPORT_COLOUR_worse : k.colour;
  dot->mark = REPORT_CIRCLE;
  dot->tip = onefold_report_format(arena, "%s: %s", row->text, onefold_report_error(error).text);
}

static int is_checked(const report_row *row) {
  return row->name.suite && isfinite(row->counters[REPORT_MAX_ERROR]);
}

static void add_results(report_document *document, report_section *section) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  report_dots *dots = onefold_report_alloc(arena, 1, sizeof *dots);
  report_table table = {0};
  if (!dots) return;
  *dots = (report_dots){.reference = LIMIT,
                        .reference_name = "allowed",
                        .apart = 60,
                        .axis = "largest error, relative to the largest value"};
  // Forms in their order, whichever a run came to first, then rivals.
  for (int r = 0; r < REPORT_ROLES; r++) {
    for (size_t i = 0; i < data->row_count; i++) {
      const report_row *row = &data->rows[i];
      if (is_checked(row) && row->name.role == (report_role)r) add_dot(arena, dots, row);
    }
  }
  onefold_report_column(&table, "results of", 1);
  onefold_report_column(&table, "checked", 0);
  onefold_report_column(&table, "largest error", 0);
  for (size_t i = 0; i < dots->count; i++) {
    report_dot_row *line = &dots->rows[i];
    double worst = 0;
    for (size_t j = 0; j < line->count; j++) worst = fmax(worst, line->dots[j].value);
    line->text = onefold_report_format(arena, "≤ %s", onefold_report_error(worst).text);
    const char **cells = onefold_report_add_row(arena, &table);
    if (!cells) return;
    cells[0] = line->name;
    cells[1] = onefold_report_format(arena, "%zu", line->count);
    cells[2] = onefold_report_format(arena, "%s", onefold_report_error(worst).text);
  }
  report_figure *figure =
      dots->count ? onefold_report_add_figure(document, section, "Results that were compared")
                  : NULL;
  if (!figure) return;
  for (size_t i = 0; i < data->row_count; i++) {
    const report_row *row = &data->rows[i];
    if (is_checked(row)) onefold_report_stamp(document, figure, row->file, row->name.threads);
  }
  figure->draw = onefold_report_draw_dots;
  figure->chart = dots;
  figure->table = table;
  figure->caption = "One dot for each result: forms against T0, convolutions against the reference "
                    "kernels, rivals against ours. Exact results are drawn at 1e-09.";
}

void onefold_report_build_errors(report_document *document) {
  report_section *section = onefold_report_add_section(document, "errors", "Errors");
  section->text = "How far results are from what they are compared with.";
  add_accuracy(document, section);
  add_results(document, section);
  if (!section->count) {
    section->missing = "No result that was compared is in the data.";
    section->command = "onefold bench accuracy --json accuracy.json";
  }
}
