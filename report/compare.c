// SPDX-License-Identifier: BSD-3-Clause
// Two runs of the same benchmarks: what became faster, what slower, and what cannot be told apart.
#include "report/compare.h"

#include "report/chart_dots.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DRAWN     60 // lines of the chart
#define LEAST_TOGETHER 10 // lines, to say what most of them did

const char *onefold_report_verdict_name(report_verdict verdict) {
  static const char *const names[REPORT_VERDICTS] = {"faster", "slower", "no difference",
                                                     "too few repetitions"};
  return names[verdict];
}

report_verdict onefold_report_verdict(report_ratio ratio, double margin) {
  if (!isfinite(ratio.low) || !isfinite(ratio.high)) return REPORT_TOO_FEW;
  if (ratio.high < 1 / (1 + margin)) return REPORT_FASTER;
  return ratio.low > 1 + margin ? REPORT_SLOWER : REPORT_NO_DIFFERENCE;
}

double onefold_report_margin(const report_file *older, const report_file *newer) {
  const double of[] = {exp(fabs(log(newer->peak_gflops / older->peak_gflops))) - 1,
                       older->fma_spread, newer->fma_spread};
  double margin = REPORT_MARGIN;
  for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
    if (isfinite(of[i]) && of[i] > margin) margin = of[i];
  }
  return margin;
}

/// A line that both files have.
typedef struct line {
  const report_row *older, *newer;
  report_ratio ratio;
  report_verdict verdict;
} line;

static int by_text(const void *a, const void *b) {
  return strcmp((*(const report_row *const *)a)->text, (*(const report_row *const *)b)->text);
}

/// The rows with times of a file, by their names. Returns their count.
static size_t sorted(const report_data *data, const report_file *file, const report_row **rows) {
  size_t n = 0;
  for (size_t i = 0; i < data->row_count; i++) {
    if (data->rows[i].file == file && data->rows[i].count) rows[n++] = &data->rows[i];
  }
  if (n) qsort(rows, n, sizeof *rows, by_text);
  return n;
}

static int by_place(const void *a, const void *b) {
  const line *x = a, *y = b;
  return (x->newer > y->newer) - (x->newer < y->newer);
}

/// Pairs lines of the same name; those in one file alone are counted.
static size_t match(report_data *data, line *lines, double margin, size_t alone[2]) {
  const report_row **older = onefold_report_alloc(&data->arena, data->row_count, sizeof *older);
  const report_row **newer = onefold_report_alloc(&data->arena, data->row_count, sizeof *newer);
  size_t n = 0, i = 0, j = 0;
  if (!older || !newer) return 0;
  const size_t old_count = sorted(data, data->files[0], older);
  const size_t new_count = sorted(data, data->files[1], newer);
  while (i < old_count && j < new_count) {
    const int order = by_text(&older[i], &newer[j]);
    if (order) {
      alone[order > 0]++;
      order < 0 ? i++ : j++;
      continue;
    }
    line *l = &lines[n++];
    l->older = older[i++];
    l->newer = newer[j++];
    l->ratio = onefold_report_ratio(l->older->samples, l->older->count, l->newer->samples,
                                    l->newer->count, REPORT_CONFIDENCE);
    l->verdict = onefold_report_verdict(l->ratio, margin);
  }
  alone[0] += old_count - i;
  alone[1] += new_count - j;
  if (n) qsort(lines, n, sizeof *lines, by_place);
  return n;
}

static const char *line_name(report_arena *arena, const report_row *row) {
  const report_name *name = &row->name;
  if (!name->suite) return row->text;
  const char *problem = onefold_report_problem(arena, name->problem);
  const char *place = strcmp(name->suite, "block") == 0 && row->place[0] ? row->place : name->kind;
  const char *part = strcmp(name->suite, "net") == 0 && row->place[0] ? row->place : name->part;
  return onefold_report_format(arena, "%s%s%s, %s%s%s", place, place[0] ? " " : "", problem,
                               name->word, part[0] ? " " : "", part);
}

static const char *interval_text(report_arena *arena, report_ratio ratio) {
  if (!isfinite(ratio.low)) return "";
  return onefold_report_format(arena, "%.3f to %.3f", ratio.low, ratio.high);
}

static report_table make_table(report_arena *arena, const line *lines, size_t count) {
  report_table table = {0};
  onefold_report_column(&table, "line", 1);
  onefold_report_column(&table, "old", 0);
  onefold_report_column(&table, "new", 0);
  onefold_report_column(&table, "new / old", 0);
  onefold_report_column(&table, "99 % interval", 0);
  onefold_report_column(&table, "verdict", 1);
  for (size_t i = 0; i < count; i++) {
    const line *l = &lines[i];
    const char **row = onefold_report_add_row(arena, &table);
    if (!row) break;
    row[0] = line_name(arena, l->newer);
    row[1] = onefold_report_format(arena, "%s", onefold_report_time(l->older->median).text);
    row[2] = onefold_report_format(arena, "%s", onefold_report_time(l->newer->median).text);
    row[3] = onefold_report_format(arena, "%.3f", l->ratio.estimate);
    row[4] = interval_text(arena, l->ratio);
    row[5] = onefold_report_verdict_name(l->verdict);
  }
  return table;
}

static int by_change(const void *a, const void *b) {
  const line *x = *(const line *const *)a, *y = *(const line *const *)b;
  // Those with a verdict come first, then those that changed most.
  const int differs = (y->verdict < REPORT_NO_DIFFERENCE) - (x->verdict < REPORT_NO_DIFFERENCE);
  if (differs) return differs;
  const double p = fabs(log(x->ratio.estimate)), q = fabs(log(y->ratio.estimate));
  return (p < q) - (p > q);
}

/// As many as the chart has.
static report_brief make_brief(report_arena *arena, const line *lines, size_t count) {
  double *weights = onefold_report_alloc(arena, count, sizeof *weights);
  if (!weights) return (report_brief){0};
  for (size_t i = 0; i < count; i++) {
    const int differs = lines[i].verdict < REPORT_NO_DIFFERENCE;
    weights[i] = (differs ? 1e3 : 1) + fabs(log(lines[i].ratio.estimate));
  }
  return onefold_report_brief(arena, weights, count, MOST_DRAWN, "the lines that changed most");
}

static int by_ratio(const void *a, const void *b) {
  const line *x = *(const line *const *)a, *y = *(const line *const *)b;
  return (x->ratio.estimate > y->ratio.estimate) - (x->ratio.estimate < y->ratio.estimate);
}

/// The lines that changed most, from the fastest to the slowest.
static report_dots *make_chart(report_arena *arena, const line *lines, size_t count) {
  static const struct {
    const char *word; // short: charts of 368 pixels have it, too
    report_colour colour;
    report_mark mark;
  } looks[REPORT_VERDICTS] = {
      [REPORT_FASTER] = {"faster", REPORT_COLOUR_better, REPORT_CIRCLE},
      [REPORT_SLOWER] = {"slower", REPORT_COLOUR_worse, REPORT_DIAMOND},
      [REPORT_NO_DIFFERENCE] = {"no difference", REPORT_COLOUR_same, REPORT_CIRCLE},
      [REPORT_TOO_FEW] = {"too few", REPORT_COLOUR_same, REPORT_RING},
  };
  report_dots *dots = onefold_report_alloc(arena, 1, sizeof *dots);
  const line **order = onefold_report_alloc(arena, count, sizeof *order);
  if (!dots || !order) return NULL;
  for (size_t i = 0; i < count; i++) order[i] = &lines[i];
  qsort(order, count, sizeof *order, by_change);
  if (count > MOST_DRAWN) count = MOST_DRAWN;
  qsort(order, count, sizeof *order, by_ratio);
  *dots = (report_dots){.reference = 1, .reference_name = "as before", .apart = 40};
  dots->axis = "new / old: below 1 is faster; lines are 99 % intervals";
  for (size_t i = 0; i < count; i++) {
    const line *l = order[i];
    report_dot_row *row = onefold_report_push(arena, &dots->rows, &dots->count, sizeof *dots->rows);
    report_dot *dot =
        row ? onefold_report_push(arena, &row->dots, &row->count, sizeof *row->dots) : NULL;
    if (!dot) return NULL;
    row->name = line_name(arena, l->newer);
    row->text = onefold_report_format(arena, "%.2f %s", l->ratio.estimate, looks[l->verdict].word);
    *dot = (report_dot){.value = l->ratio.estimate,
                        .low = l->ratio.low,
                        .high = l->ratio.high,
                        .colour = looks[l->verdict].colour,
                        .mark = looks[l->verdict].mark,
                        .tip = l->newer->text};
  }
  return dots;
}

/// What makes the two files hard to compare; "" where nothing does.
static const char *warning(report_data *data) {
  static const char *const keys[] = {"cpu", "isa", "threads", "cold_cache", "accuracy", "record"};
  const report_file *older = data->files[0], *newer = data->files[1];
  const char *text = "";
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    const char *a = onefold_report_fact(older, keys[i]), *b = onefold_report_fact(newer, keys[i]);
    if (!*a || !*b || strcmp(a, b) == 0) continue; // not told, or the same
    text = onefold_report_format(&data->arena, "%s%s%s was \"%s\" and is \"%s\"", text,
                                 text[0] ? "; " : "The runs differ in more than time: ", keys[i], a,
                                 b);
  }
  if (older->noisy || newer->noisy) {
    text = onefold_report_format(&data->arena, "%s%s%s", text, text[0] ? ". " : "",
                                 "The machine was noisy: verdicts of single lines may be wrong");
  }
  return text[0] ? onefold_report_format(&data->arena, "%s.", text) : "";
}

/// What most lines did together, which the code rarely does; "" where they did nothing.
static const char *together(report_arena *arena, const line *lines, size_t count, double margin) {
  double *ratios =
      count < LEAST_TOGETHER ? NULL : onefold_report_alloc(arena, count, sizeof *ratios);
  if (!ratios) return "";
  for (size_t i = 0; i < count; i++) ratios[i] = lines[i].ratio.estimate;
  onefold_report_sort(ratios, count);
  const double low = onefold_report_quantile(ratios, count, 0.25);
  const double high = onefold_report_quantile(ratios, count, 0.75);
  if (low <= 1 + margin && high >= 1 / (1 + margin)) return "";
  return onefold_report_format(
      arena,
      "Three quarters of all lines became %s, by more than %.1f percent: that is the machine, "
      "unless the change touches everything. ",
      low > 1 ? "slower" : "faster", 100 * margin);
}

static void add_keys(report_document *document, const line *lines, size_t count) {
  report_arena *arena = &document->data->arena;
  size_t verdicts[REPORT_VERDICTS] = {0};
  double *ratios = onefold_report_alloc(arena, count, sizeof *ratios);
  if (!ratios) return;
  for (size_t i = 0; i < count; i++) {
    verdicts[lines[i].verdict]++;
    ratios[i] = lines[i].ratio.estimate;
  }
  for (int v = 0; v < REPORT_VERDICTS; v++) {
    if (!verdicts[v] && v == REPORT_TOO_FEW) continue;
    onefold_report_add_key(document, onefold_report_format(arena, "%zu", verdicts[v]),
                           onefold_report_verdict_name((report_verdict)v),
                           onefold_report_format(arena, "of %zu lines", count));
  }
  onefold_report_add_key(
      document, onefold_report_format(arena, "%.3f", onefold_report_geomean(ratios, count)),
      "new / old", "geometric mean of all lines");
}

int onefold_report_build_comparison(report_data *data, report_document *document) {
  report_arena *arena = &data->arena;
  if (data->file_count != 2) {
    snprintf(data->sentence, sizeof data->sentence,
             "the files have the results of %zu machines or runs; one is compared with one",
             data->file_count);
    return -1;
  }
  *document = (report_document){.data = data, .title = "Onefold benchmarks, new against old"};
  onefold_report_build_machines(document);
  const double margin = onefold_report_margin(data->files[0], data->files[1]);
  line *lines = onefold_report_alloc(arena, data->row_count, sizeof *lines);
  size_t alone[2] = {0, 0};
  const size_t count = lines ? match(data, lines, margin, alone) : 0;
  if (!count && !arena->failed) {
    snprintf(data->sentence, sizeof data->sentence, "%.200s and %.200s have no line in common",
             data->files[0]->path, data->files[1]->path);
    return -1;
  }
  document->warning =
      onefold_report_format(arena, "%s%s", together(arena, lines, count, margin), warning(data));
  report_section *section = onefold_report_add_section(document, "comparison", "Line by line");
  const report_dots *chart = make_chart(arena, lines, count);
  report_figure *figure = onefold_report_add_figure(document, section, "New by old");
  if (!chart || !figure) {
    snprintf(data->sentence, sizeof data->sentence, "out of memory");
    return -1;
  }
  section->text = onefold_report_format(
      arena,
      "Medians, and the interval that holds the ratio with 99 percent confidence by the ranks of "
      "the repetitions. A line is faster or slower where the whole interval lies beyond %.1f "
      "percent: the most of 2 percent, the change of the FMA peak and the spread of the FMA loop. "
      "%zu repetitions on both sides are the least.",
      100 * margin, onefold_report_least_samples(REPORT_CONFIDENCE));
  figure->draw = onefold_report_draw_dots;
  figure->chart = chart;
  figure->table = make_table(arena, lines, count);
  figure->caption = onefold_report_format(
      arena, "%s%zu lines are in the old file alone, %zu in the new one alone.",
      count > MOST_DRAWN ? "The chart has the 60 lines that changed most. " : "", alone[0],
      alone[1]);
  figure->brief = make_brief(arena, lines, count);
  for (size_t i = 0; i < 2; i++) {
    onefold_report_stamp(document, figure, data->files[i], data->files[i]->threads);
  }
  add_keys(document, lines, count);
  if (arena->failed) snprintf(data->sentence, sizeof data->sentence, "out of memory");
  return arena->failed;
}
