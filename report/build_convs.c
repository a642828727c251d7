// SPDX-License-Identifier: BSD-3-Clause
// Single convolutions: against the best rival, and all of them in a table.
#include "report/build_forms.h"
#include "report/chart_bars.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVEN 0.02 // of a ratio that is drawn as neither ahead nor behind

typedef struct compared {
  const report_group *group;
  double ratio;
} compared;

static int by_ratio(const void *a, const void *b) {
  const compared *x = a, *y = b;
  if (x->ratio != y->ratio) return x->ratio < y->ratio ? 1 : -1;
  return (x->group > y->group) - (x->group < y->group);
}

static void add_bar(report_data *data, report_bars *bars, const compared *c, int same) {
  report_arena *arena = &data->arena;
  const report_group *g = c->group;
  const report_rival *rival = &g->rivals[0];
  report_bar_group *group =
      onefold_report_push(arena, &bars->groups, &bars->count, sizeof *bars->groups);
  if (!group) return;
  const char *setting = onefold_report_setting(data, g->file, g->threads);
  group->title = same ? g->title : onefold_report_format(arena, "%s; %s", g->title, setting);
  group->note = "";
  report_bar *bar = onefold_report_push(arena, &group->bars, &group->count, sizeof *group->bars);
  if (!bar) return;
  *bar = (report_bar){.name = "", .value = c->ratio, .low = NAN, .high = NAN};
  bar->colour = c->ratio > 1 + EVEN   ? REPORT_COLOUR_better
                : c->ratio < 1 - EVEN ? REPORT_COLOUR_worse
                                      : REPORT_COLOUR_same;
  bar->text = onefold_report_format(arena, "%s", onefold_report_times(c->ratio).text);
  bar->more = rival->title;
  bar->tip = onefold_report_format(arena, "%s: ours %s, %s %s", g->title,
                                   onefold_report_time(onefold_report_ours(g)->median).text,
                                   rival->title, onefold_report_time(rival->row->median).text);
}

static void add_rivals(report_document *document, report_section *section,
                       const report_groups *groups) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  compared *all = onefold_report_alloc(arena, groups->count, sizeof *all);
  report_bars *bars = onefold_report_alloc(arena, 1, sizeof *bars);
  size_t n = 0;
  if (!all || !bars) return;
  for (size_t i = 0; i < groups->count; i++) {
    const report_group *g = &groups->items[i];
    const report_row *ours = onefold_report_ours(g);
    if (ours && g->rival_count) {
      all[n++] = (compared){g, g->rivals[0].row->median / ours->median};
    }
  }
  qsort(all, n, sizeof *all, by_ratio);
  *bars = (report_bars){.axis = "time of the fastest other library / ours", .reference = 1};
  const int same = onefold_report_same_setting(data, groups);
  for (size_t i = 0; i < n; i++) add_bar(data, bars, &all[i], same);
  report_figure *figure =
      bars->count ? onefold_report_add_figure(document, section,
                                              "The fastest other library, by Onefold's time")
                  : NULL;
  if (!figure) return;
  double mean, lowest;
  onefold_report_mean_rival(data, groups, &mean, &lowest);
  figure->draw = onefold_report_draw_bars;
  figure->chart = bars;
  figure->caption = onefold_report_format(
      arena,
      "Above 1 Onefold is faster; grey is within 2 percent. Geometric mean over %zu problems %s, "
      "lowest %s. Each library by the fastest of its ways.",
      n, onefold_report_times(mean).text, onefold_report_times(lowest).text);
  onefold_report_add_key(document,
                         onefold_report_format(arena, "%s", onefold_report_times(mean).text),
                         "layers, best rival / Onefold",
                         onefold_report_format(arena, "geometric mean of %zu, lowest %s", n,
                                               onefold_report_times(lowest).text));
}

static const char *rivals_text(report_arena *arena, const report_group *g) {
  const char *text = "";
  for (size_t i = 0; i < g->rival_count; i++) {
    const char *way = onefold_report_rival_way(g->rivals[i].row->name.word);
    text = onefold_report_format(arena, "%s%s%s%s%s %s", text, i ? ", " : "", g->rivals[i].title,
                                 way[0] ? " " : "", way,
                                 onefold_report_time(g->rivals[i].row->median).text);
  }
  return text;
}

static void add_table(report_document *document, report_section *section,
                      const report_groups *groups) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  report_table table = {0};
  onefold_report_column(&table, "problem", 1);
  onefold_report_column(&table, "setting", 1);
  onefold_report_column(&table, "algorithm", 1);
  onefold_report_column(&table, "median", 0);
  onefold_report_column(&table, "rate", 0);
  onefold_report_column(&table, "of peak", 0);
  onefold_report_column(&table, "best rival / ours", 0);
  onefold_report_column(&table, "rivals", 1);
  for (size_t i = 0; i < groups->count; i++) {
    const report_group *g = &groups->items[i];
    const report_row *ours = onefold_report_ours(g);
    const char **row = ours ? onefold_report_add_row(arena, &table) : NULL;
    if (!row) continue;
    const double gflops = onefold_report_gflops(ours);
    const double percent = ours->counters[REPORT_PERCENT_PEAK];
    row[0] = g->title;
    row[1] = onefold_report_setting(data, g->file, g->threads);
    row[2] = ours->algorithm;
    row[3] = onefold_report_format(arena, "%s", onefold_report_time(ours->median).text);
    if (isfinite(gflops)) {
      row[4] = onefold_report_format(arena, "%s", onefold_report_rate(gflops).text);
    }
    if (isfinite(percent)) {
      row[5] = onefold_report_format(arena, "%s", onefold_report_percent(percent).text);
    }
    if (g->rival_count) {
      const double ratio = g->rivals[0].row->median / ours->median;
      row[6] = onefold_report_format(arena, "%s", onefold_report_times(ratio).text);
    }
    row[7] = rivals_text(arena, g);
  }
  if (!table.height) return;
  const int alone = section->count == 0;
  report_figure *figure =
      alone ? onefold_report_add_figure(document, section, "Convolutions") : section->figures;
  if (!figure) return;
  figure->table = table;
  for (size_t i = 0; i < groups->count; i++) {
    onefold_report_stamp(document, figure, groups->items[i].file, groups->items[i].threads);
  }
  if (alone) {
    figure->caption = "No rivals are in the data; --peers onednn,xnnpack,ort,torch adds them.";
  }
}

void onefold_report_build_convs(report_document *document) {
  const report_groups groups = onefold_report_group(document->data, "conv");
  report_section *section = onefold_report_add_section(document, "convolutions", "Convolutions");
  section->text = "Single layers against the fastest way of the fastest other library, in one run.";
  add_rivals(document, section, &groups);
  add_table(document, section, &groups);
  if (!section->count) {
    section->missing = "No convolution is in the data.";
    section->command = "onefold bench conv --peers onednn,xnnpack --batch "
                       "bench/shapes/repvgg-a0.txt --json conv.json";
  }
}
