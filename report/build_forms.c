// SPDX-License-Identifier: BSD-3-Clause
// Bars and tables of forms and rivals against one of them: what networks, blocks and tuning share.
#include "report/build_forms.h"

#include "report/chart_bars.h"
#include "report/stat.h"
#include "report/text.h"

#include <math.h>

report_colour onefold_report_role_colour(report_role role) {
  switch (role) {
  case REPORT_EAGER:
  case REPORT_GENERATED:
  case REPORT_DEFAULT:
    return REPORT_COLOUR_eager;
  case REPORT_BRANCHES:
  case REPORT_SEPARATE:
    return REPORT_COLOUR_branches;
  case REPORT_FOLDED:
  case REPORT_FUSED:
  case REPORT_RUN:
  case REPORT_TUNED:
    return REPORT_COLOUR_ours;
  case REPORT_RIVAL:
    return REPORT_COLOUR_rival;
  default:
    return REPORT_COLOUR_variant;
  }
}

/// A bar of `row` in multiples of the base.
static void add_bar(report_arena *arena, report_bar_group *group, const report_row *row,
                    const report_row *base, const char *name, report_colour colour, int joined) {
  report_bar *bar = onefold_report_push(arena, &group->bars, &group->count, sizeof *group->bars);
  if (!bar) return;
  const char *time = onefold_report_format(arena, "%s", onefold_report_time(row->median).text);
  const double ratio = row->median / base->median;
  *bar = (report_bar){.name = name, .value = ratio, .colour = colour, .low = NAN, .high = NAN};
  if (row->count > 2) {
    bar->low = row->low / base->median;
    bar->high = row->high / base->median;
  }
  bar->text =
      row == base ? "" : onefold_report_format(arena, "%s", onefold_report_times(ratio).text);
  bar->more = joined ? onefold_report_format(arena, "%s*", time) : time;
  bar->tip = onefold_report_format(arena, "%s: median %s of %zu, quartiles %s and %s", row->text,
                                   time, row->count, onefold_report_time(row->low).text,
                                   onefold_report_time(row->high).text);
}

static void add_row(report_arena *arena, report_table *table, const report_group *g,
                    const char *setting, const report_row *row, const report_row *base,
                    const char *name) {
  const char **cells = onefold_report_add_row(arena, table);
  if (!cells) return;
  const double *counters = row->counters, gflops = onefold_report_gflops(row);
  const double spread = 100 * (row->high - row->low) / row->median;
  cells[0] = g->note[0] ? onefold_report_format(arena, "%s, %s", g->title, g->note) : g->title;
  cells[1] = name;
  cells[2] = setting;
  cells[3] = onefold_report_format(arena, "%s", onefold_report_time(row->median).text);
  if (row->count > 1) {
    cells[4] = onefold_report_format(arena, "%s", onefold_report_percent(spread).text);
  }
  cells[5] =
      onefold_report_format(arena, "%s", onefold_report_times(row->median / base->median).text);
  if (isfinite(gflops)) {
    cells[6] = onefold_report_format(arena, "%s", onefold_report_rate(gflops).text);
  }
  if (isfinite(counters[REPORT_PERCENT_PEAK])) {
    cells[7] = onefold_report_format(arena, "%s",
                                     onefold_report_percent(counters[REPORT_PERCENT_PEAK]).text);
  }
  if (isfinite(counters[REPORT_MAX_ERROR]) && row->name.role != REPORT_EAGER) {
    cells[8] =
        onefold_report_format(arena, "%s", onefold_report_error(counters[REPORT_MAX_ERROR]).text);
  }
}

static void add_head(report_table *table) {
  onefold_report_column(table, "at", 1);
  onefold_report_column(table, "form", 1);
  onefold_report_column(table, "setting", 1);
  onefold_report_column(table, "median", 0);
  onefold_report_column(table, "spread", 0);
  onefold_report_column(table, "ratio", 0);
  onefold_report_column(table, "rate", 0);
  onefold_report_column(table, "of peak", 0);
  onefold_report_column(table, "error", 0);
}

/// What the names are, of the forms that there are.
static report_table make_terms(report_arena *arena, const report_groups *groups) {
  report_table terms = {0};
  onefold_report_column(&terms, "name", 1);
  onefold_report_column(&terms, "is", 1);
  for (int r = 0; r < REPORT_FOLD; r++) {
    size_t i = 0;
    while (i < groups->count && !groups->items[i].roles[r]) i++;
    const char **row = i < groups->count ? onefold_report_add_row(arena, &terms) : NULL;
    if (!row) continue;
    row[0] = onefold_report_role_title((report_role)r);
    row[1] = onefold_report_role_about((report_role)r);
  }
  return terms;
}

/// Whether a rival was timed in another run than the forms.
static int is_joined(const report_group *g, const report_rival *rival) {
  return rival->row->file != g->file;
}

size_t onefold_report_add_forms(report_document *document, report_section *section,
                                const report_groups *groups, report_role base, const char *title,
                                const char *axis) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  const int same = onefold_report_same_setting(data, groups);
  report_bars *bars = onefold_report_alloc(arena, 1, sizeof *bars);
  report_table table = {0};
  int joined = 0;
  if (!bars) return 0;
  *bars = (report_bars){.axis = axis, .reference = 1};
  add_head(&table);
  for (size_t i = 0; i < groups->count; i++) {
    const report_group *g = &groups->items[i];
    const report_row *against = g->roles[base];
    size_t others = g->rival_count;
    for (int r = 0; r < REPORT_FOLD; r++) others += g->roles[r] != NULL;
    if (!against || others < 2) continue;
    const char *setting = onefold_report_setting(data, g->file, g->threads);
    report_bar_group *group =
        onefold_report_push(arena, &bars->groups, &bars->count, sizeof *bars->groups);
    if (!group) return 0;
    group->title = g->title;
    group->note =
        same ? g->note
             : onefold_report_format(arena, "%s%s%s", g->note, g->note[0] ? "; " : "", setting);
    for (int r = 0; r < REPORT_FOLD; r++) {
      const report_row *row = g->roles[r];
      const char *name = onefold_report_role_title((report_role)r);
      if (!row) continue;
      add_bar(arena, group, row, against, name, onefold_report_role_colour((report_role)r), 0);
      add_row(arena, &table, g, setting, row, against, name);
    }
    for (size_t r = 0; r < g->rival_count; r++) {
      const report_rival *rival = &g->rivals[r];
      const char *way = onefold_report_rival_way(rival->row->name.word);
      const report_row *ours = rival->ours ? rival->ours : against;
      const int other = is_joined(g, rival);
      add_bar(arena, group, rival->row, ours, rival->title, REPORT_COLOUR_rival, other);
      add_row(arena, &table, g, setting, rival->row, ours,
              onefold_report_format(arena, way[0] ? "%s (%s)%s" : "%s%s%s", rival->title, way,
                                    other ? "*" : ""));
      joined |= other;
    }
  }
  report_figure *figure = bars->count ? onefold_report_add_figure(document, section, title) : NULL;
  if (!figure) return 0;
  figure->draw = onefold_report_draw_bars;
  figure->chart = bars;
  figure->table = table;
  figure->caption = "Bars are medians over interleaved repetitions; whiskers span the quartiles.";
  figure->terms = make_terms(arena, groups);
  if (joined) {
    figure->note = "* Timed in another run: the ratio is to that run's folded form, and the time "
                   "does not compare with those of the forms.";
  }
  for (size_t i = 0; i < groups->count; i++) {
    const report_group *g = &groups->items[i];
    if (!g->roles[base]) continue;
    onefold_report_stamp(document, figure, g->file, g->threads);
    for (size_t r = 0; r < g->rival_count; r++)
      onefold_report_stamp(document, figure, g->rivals[r].row->file, g->threads);
  }
  return bars->count;
}

size_t onefold_report_mean(report_data *data, const report_groups *groups, report_role a,
                           report_role b, double *mean) {
  double *ratios = onefold_report_alloc(&data->arena, groups->count, sizeof *ratios);
  size_t n = 0;
  for (size_t i = 0; ratios && i < groups->count; i++) {
    const report_row *x = groups->items[i].roles[a], *y = groups->items[i].roles[b];
    if (x && y) ratios[n++] = x->median / y->median;
  }
  *mean = onefold_report_geomean(ratios, n);
  return n;
}

size_t onefold_report_mean_rival(report_data *data, const report_groups *groups, double *mean,
                                 double *lowest) {
  double *ratios = onefold_report_alloc(&data->arena, groups->count, sizeof *ratios);
  size_t n = 0;
  *lowest = INFINITY;
  for (size_t i = 0; ratios && i < groups->count; i++) {
    const report_group *g = &groups->items[i];
    const report_row *ours = g->rival_count ? g->rivals[0].ours : NULL;
    if (!ours) continue;
    ratios[n] = g->rivals[0].row->median / ours->median;
    *lowest = fmin(*lowest, ratios[n++]);
  }
  *mean = onefold_report_geomean(ratios, n);
  return n;
}
