// SPDX-License-Identifier: BSD-3-Clause
// The roofline of each machine and setting, with every layer and folded block on it.
#include "report/algorithm.h"
#include "report/chart_roofline.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

#define MOST_MACHINES 16 // with a figure each
#define MOST_BRIEF    10 // layers and blocks

/// Whether a row is a point: what Onefold deploys, with its work and time known.
static int is_point(const report_row *row) {
  const double intensity = onefold_report_intensity(row), gflops = onefold_report_gflops(row);
  const int deployed = row->name.role == REPORT_RUN || row->name.role == REPORT_FOLDED;
  // Of a network its layers: together they move no least of bytes.
  const int single =
      strcmp(row->name.suite, "net") != 0 ? row->name.part[0] == 0 : onefold_report_is_layer(row);
  return row->count && deployed && single && isfinite(row->file->peak_gflops) &&
         isfinite(intensity) && intensity > 0 && isfinite(gflops) && gflops > 0;
}

static const char *machine_of(report_data *data, const report_row *row) {
  return onefold_report_format(&data->arena, "%s, %s", onefold_report_fact(row->file, "cpu"),
                               onefold_report_setting(data, row->file, row->name.threads));
}

/// The highest that any run of this machine and setting measured.
static void raise(double *roof, double measured) {
  if (isfinite(measured) && !(measured <= *roof)) *roof = measured;
}

typedef struct roofs {
  double peak, l2, l3, dram;
  size_t runs;
  const report_file *last;
} roofs;

static void measure(roofs *r, const report_file *f) {
  if (f == r->last) return;
  r->last = f;
  r->runs++;
  raise(&r->peak, f->peak_gflops);
  raise(&r->l2, f->l2_gbs);
  raise(&r->l3, f->l3_gbs);
  raise(&r->dram, f->dram_gbs);
}

/// Of a layer in a network, or a block of one, where it is; else the block's name and the shape.
static const char *point_name(report_data *data, const report_row *row) {
  const char *problem = onefold_report_problem(&data->arena, row->name.problem);
  const char *kind = row->name.kind;
  if (row->place[0]) return row->place;
  const char *comma = strchr(problem, ',');
  // "64→64 3×3, 56×56, relu" as "64→64 3×3, 56×56".
  const char *second = comma ? strchr(comma + 1, ',') : NULL;
  const size_t length = second ? (size_t)(second - problem) : strlen(problem);
  return onefold_report_format(&data->arena, "%s%s%.*s", kind, kind[0] ? " " : "", (int)length,
                               problem);
}

static void add_point(report_data *data, report_roofline *r, report_table *table,
                      const report_row *row) {
  report_arena *arena = &data->arena;
  report_point *p = onefold_report_push(arena, &r->points, &r->count, sizeof *r->points);
  const char **cells = onefold_report_add_row(arena, table);
  if (!p || !cells) return;
  const report_algorithm algorithm = onefold_report_algorithm(row);
  p->intensity = onefold_report_intensity(row);
  p->gflops = onefold_report_gflops(row);
  p->weight = row->median;
  p->colour = onefold_report_algorithm_colour(algorithm);
  p->mark = onefold_report_algorithm_mark(algorithm);
  p->name = point_name(data, row);
  p->tip = onefold_report_format(arena, "%s: %s, %s FLOPs per byte, %s, %s", row->text,
                                 onefold_report_rate(p->gflops).text,
                                 onefold_report_number(p->intensity).text,
                                 onefold_report_time(row->median).text, row->algorithm);
  cells[0] = strcmp(row->name.suite, "net") == 0
                 ? onefold_report_format(arena, "%s %s", row->name.kind, p->name)
             : strcmp(row->name.suite, "conv") == 0
                 ? onefold_report_problem(arena, row->name.problem)
                 : p->name;
  cells[1] = algorithm == REPORT_FOLDED_BLOCK ? "folded block" : row->algorithm;
  cells[2] = onefold_report_format(arena, "%s", onefold_report_number(p->intensity).text);
  cells[3] = onefold_report_format(arena, "%s", onefold_report_rate(p->gflops).text);
  cells[4] =
      onefold_report_format(arena, "%s", onefold_report_percent(100 * p->gflops / r->peak).text);
  cells[5] = onefold_report_format(arena, "%s", onefold_report_time(row->median).text);
}

static void add_legend(report_arena *arena, report_roofline *r, const int *counts) {
  for (int k = 0; k < REPORT_ALGORITHMS; k++) {
    report_point_kind *kind =
        counts[k] ? onefold_report_push(arena, &r->kinds, &r->kind_count, sizeof *r->kinds) : NULL;
    if (!kind) continue;
    kind->name = onefold_report_format(
        arena, "%s, %d", onefold_report_algorithm_name((report_algorithm)k), counts[k]);
    kind->colour = onefold_report_algorithm_colour((report_algorithm)k);
    kind->mark = onefold_report_algorithm_mark((report_algorithm)k);
  }
}

/// The figure of all points on the machine of `first`.
static void add_machine(report_document *document, report_section *section, const char *machine,
                        const report_row *const *points, const char *const *machines,
                        size_t count) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  report_roofline *r = onefold_report_alloc(arena, 1, sizeof *r);
  report_table table = {0};
  roofs roof = {NAN, NAN, NAN, NAN, 0, NULL};
  int counts[REPORT_ALGORITHMS] = {0};
  double *medians = onefold_report_alloc(arena, count, sizeof *medians);
  if (!r || !medians) return;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(machines[i], machine) == 0) measure(&roof, points[i]->file);
  }
  r->peak = roof.peak;
  r->peak_name = "FMA peak";
  const report_level levels[] = {{"L2", roof.l2}, {"L3", roof.l3}, {"DRAM", roof.dram}};
  for (size_t i = 0; i < REPORT_LEVELS; i++) {
    if (isfinite(levels[i].gbs)) r->levels[r->level_count++] = levels[i];
  }
  onefold_report_column(&table, "layer or block", 1);
  onefold_report_column(&table, "algorithm", 1);
  onefold_report_column(&table, "FLOPs per byte", 0);
  onefold_report_column(&table, "rate", 0);
  onefold_report_column(&table, "of peak", 0);
  onefold_report_column(&table, "median", 0);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(machines[i], machine) != 0) continue;
    medians[table.height] = points[i]->median;
    add_point(data, r, &table, points[i]);
    counts[onefold_report_algorithm(points[i])]++;
  }
  add_legend(arena, r, counts);
  report_figure *figure = onefold_report_add_figure(document, section, machine);
  if (!figure) return;
  figure->draw = onefold_report_draw_roofline;
  figure->chart = r;
  figure->table = table;
  figure->brief =
      onefold_report_brief(arena, medians, table.height, MOST_BRIEF, "those that take most time");
  for (size_t i = 0; i < count; i++) {
    if (strcmp(machines[i], machine) != 0) continue;
    onefold_report_stamp(document, figure, points[i]->file, points[i]->name.threads);
  }
  figure->caption = onefold_report_format(
      arena,
      "Lines are the multiply-add rate and the read bandwidths that %s measured. FLOPs are those "
      "of "
      "direct arithmetic, bytes those that must move at least; Winograd multiplies less and so "
      "passes the peak.",
      roof.runs > 1 ? "these runs" : "this run");
}

void onefold_report_build_roofline(report_document *document) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  report_section *section = onefold_report_add_section(document, "roofline", "Roofline");
  section->text = "How near every layer comes to what the machine can do at most.";
  const report_row **points = onefold_report_alloc(arena, data->row_count, sizeof *points);
  const char **machines = onefold_report_alloc(arena, data->row_count, sizeof *machines);
  size_t count = 0;
  for (size_t i = 0; points && machines && i < data->row_count; i++) {
    if (!data->rows[i].name.suite || !is_point(&data->rows[i])) continue;
    points[count] = &data->rows[i];
    machines[count++] = machine_of(data, &data->rows[i]);
  }
  const char *drawn[MOST_MACHINES];
  size_t n = 0;
  for (size_t i = 0; i < count && n < MOST_MACHINES; i++) {
    size_t j = 0;
    while (j < n && strcmp(drawn[j], machines[i]) != 0) j++;
    if (j < n) continue;
    drawn[n++] = machines[i];
    add_machine(document, section, machines[i], points, machines, count);
  }
  if (!section->count) {
    section->missing = "No layer whose FLOPs and bytes are known is in the data.";
    section->command = "onefold bench conv --batch bench/shapes/speed.txt --json conv.json";
  }
}
