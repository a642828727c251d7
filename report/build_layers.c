// SPDX-License-Identifier: BSD-3-Clause
// Where the time of a network goes: a stacked bar of its layers, and their table.
#include "report/algorithm.h"
#include "report/chart_stack.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

static double sum_of(const report_group *g, report_role role) {
  double sum = 0;
  for (size_t i = 0; i < g->layer_count; i++) {
    if (g->layers[i]->name.role == role) sum += g->layers[i]->median;
  }
  return sum;
}

#define MOST_BRIEF 10 // layers

static void add_row(report_arena *arena, report_table *table, const report_row *row, double sum) {
  const char **cells = onefold_report_add_row(arena, table);
  const double gflops = onefold_report_gflops(row), percent = row->counters[REPORT_PERCENT_PEAK];
  if (!cells) return;
  cells[0] = row->place;
  cells[1] = onefold_report_role_title(row->name.role);
  cells[2] = onefold_report_problem(arena, row->layer_problem);
  cells[3] = row->algorithm;
  cells[4] = onefold_report_format(arena, "%s", onefold_report_time(row->median).text);
  cells[5] =
      onefold_report_format(arena, "%s", onefold_report_percent(100 * row->median / sum).text);
  if (isfinite(gflops) && gflops > 0) {
    cells[6] = onefold_report_format(arena, "%s", onefold_report_rate(gflops).text);
  }
  if (isfinite(percent) && percent > 0) {
    cells[7] = onefold_report_format(arena, "%s", onefold_report_percent(percent).text);
  }
}

static void add_stack(report_arena *arena, report_stacks *stacks, report_table *table,
                      const report_group *g, report_role role) {
  const double sum = sum_of(g, role);
  if (!(sum > 0)) return;
  report_stack *stack =
      onefold_report_push(arena, &stacks->stacks, &stacks->count, sizeof *stacks->stacks);
  if (!stack) return;
  stack->name = onefold_report_role_title(role);
  for (size_t i = 0; i < g->layer_count; i++) {
    const report_row *row = g->layers[i];
    if (row->name.role != role) continue;
    report_segment *s =
        onefold_report_push(arena, &stack->segments, &stack->count, sizeof *stack->segments);
    if (!s) return;
    s->value = 1e3 * row->median;
    s->name = row->place;
    s->colour = onefold_report_algorithm_colour(onefold_report_algorithm(row));
    s->tip = onefold_report_format(
        arena, "%s: %s, %s, %s", row->place, onefold_report_time(row->median).text,
        onefold_report_percent(100 * row->median / sum).text, row->algorithm);
    add_row(arena, table, row, sum);
  }
  const report_row *whole = g->roles[role];
  stack->text = onefold_report_format(arena, "%zu layers, %s%s%s", stack->count,
                                      onefold_report_time(sum).text, whole ? "; in one run " : "",
                                      whole ? onefold_report_time(whole->median).text : "");
}

/// The form that the legend's shares are of.
static report_role deployed(const report_group *g) {
  report_role last = REPORT_EAGER;
  for (size_t i = 0; i < g->layer_count; i++) {
    if (g->layers[i]->name.role == REPORT_FOLDED) return REPORT_FOLDED;
    if (g->layers[i]->name.role > last) last = g->layers[i]->name.role;
  }
  return last;
}

/// What each kind takes of that form.
static void add_legend(report_arena *arena, report_stacks *stacks, const report_group *g) {
  const report_role role = deployed(g);
  const double sum = sum_of(g, role);
  for (int k = 0; k < REPORT_ALGORITHMS; k++) {
    double part = 0;
    int any = 0;
    for (size_t i = 0; i < g->layer_count; i++) {
      if (onefold_report_algorithm(g->layers[i]) != (report_algorithm)k) continue;
      any = 1;
      if (g->layers[i]->name.role == role) part += g->layers[i]->median;
    }
    report_legend *legend = any ? onefold_report_push(arena, &stacks->legend, &stacks->legend_count,
                                                      sizeof *stacks->legend)
                                : NULL;
    if (!legend) continue;
    legend->colour = onefold_report_algorithm_colour((report_algorithm)k);
    legend->text = onefold_report_format(
        arena, "%s %.0f %%", onefold_report_algorithm_name((report_algorithm)k), 100 * part / sum);
  }
}

/// For the table's rows, which are of all forms, one after the other.
static report_brief make_brief(report_arena *arena, const report_group *g, size_t count) {
  const char *form = onefold_report_role_title(deployed(g));
  double *weights = onefold_report_alloc(arena, count, sizeof *weights);
  size_t n = 0;
  for (int r = 0; weights && r < REPORT_FOLD; r++) {
    for (size_t i = 0; i < g->layer_count && n < count; i++) {
      const report_row *row = g->layers[i];
      if (row->name.role != (report_role)r) continue;
      weights[n++] = row->name.role == deployed(g) ? row->median : 0;
    }
  }
  return onefold_report_brief(
      arena, weights, n, MOST_BRIEF,
      onefold_report_format(arena, "the layers of %s that take most time", form));
}

static void add_network(report_document *document, report_section *section, const report_group *g) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  report_stacks *stacks = onefold_report_alloc(arena, 1, sizeof *stacks);
  report_table table = {0};
  if (!stacks) return;
  onefold_report_column(&table, "layer", 1);
  onefold_report_column(&table, "form", 1);
  onefold_report_column(&table, "problem", 1);
  onefold_report_column(&table, "algorithm", 1);
  onefold_report_column(&table, "median", 0);
  onefold_report_column(&table, "share", 0);
  onefold_report_column(&table, "rate", 0);
  onefold_report_column(&table, "of peak", 0);
  stacks->axis = "milliseconds";
  for (int r = 0; r < REPORT_FOLD; r++) add_stack(arena, stacks, &table, g, (report_role)r);
  if (!stacks->count) return;
  add_legend(arena, stacks, g);
  report_figure *figure =
      onefold_report_add_figure(document, section,
                                onefold_report_format(arena, "%s%s%s: where the time goes",
                                                      g->title, g->note[0] ? ", " : "", g->note));
  if (!figure) return;
  figure->draw = onefold_report_draw_stacks;
  figure->chart = stacks;
  figure->table = table;
  figure->brief = make_brief(arena, g, table.height);
  onefold_report_stamp(document, figure, g->file, g->threads);
  figure->caption = onefold_report_format(
      arena, "Layers in the order in which they run; %s. The shares are of %s.",
      onefold_report_setting(data, g->file, g->threads), onefold_report_role_title(deployed(g)));
}

void onefold_report_build_layers(report_document *document) {
  const report_groups groups = onefold_report_group(document->data, "net");
  report_section *section = onefold_report_add_section(document, "layers", "Layers of networks");
  section->text = "Each layer's median where it runs, inside the network.";
  for (size_t i = 0; i < groups.count; i++) {
    if (groups.items[i].layer_count) add_network(document, section, &groups.items[i]);
  }
  if (!section->count) {
    section->missing = "No network with the times of its layers is in the data.";
    section->command = "onefold bench net repvgg-a0 --per-layer --json net.json";
  }
}
