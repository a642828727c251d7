// SPDX-License-Identifier: BSD-3-Clause
// Rows of one subject, in one file, on the same threads: what is compared with each other.
#include "report/group.h"

#include <stdlib.h>
#include <string.h>

#define MOST_JOINED 2000 // groups, as each is looked for among all

static int by_subject(const void *a, const void *b) {
  const report_row *x = *(const report_row *const *)a, *y = *(const report_row *const *)b;
  if (x->file != y->file) return x->file->index < y->file->index ? -1 : 1;
  const int order = strcmp(x->name.subject, y->name.subject);
  if (order) return order;
  if (x->name.threads != y->name.threads) return x->name.threads - y->name.threads;
  return (x > y) - (x < y);
}

static int same_subject(const report_row *x, const report_row *y) {
  return x->file == y->file && x->name.threads == y->name.threads &&
         strcmp(x->name.subject, y->name.subject) == 0;
}

/// Interleaved repetitions leave the layers of a file in no order.
static int by_part(const void *a, const void *b) {
  const report_row *x = *(const report_row *const *)a, *y = *(const report_row *const *)b;
  const int order = strcmp(x->name.part, y->name.part);
  return order ? order : (x > y) - (x < y);
}

static void add_rival(report_data *data, report_group *group, const report_row *row) {
  const char *title = onefold_report_rival_title(&data->arena, row->name.word);
  size_t i = 0;
  while (i < group->rival_count && strcmp(group->rivals[i].title, title) != 0) i++;
  if (i == REPORT_RIVALS) return;
  report_rival *rival = &group->rivals[i];
  if (i == group->rival_count) {
    group->rival_count++;
    *rival = (report_rival){title, row, NULL};
  } else if (row->median < rival->row->median) {
    rival->row = row;
  }
}

static int by_median(const void *a, const void *b) {
  const report_rival *x = a, *y = b;
  return (x->row->median > y->row->median) - (x->row->median < y->row->median);
}

static void name_group(report_data *data, report_group *group, const report_row *row) {
  const char *problem = onefold_report_problem(&data->arena, row->name.problem);
  const int is_block = strcmp(group->suite, "block") == 0;
  group->kind = row->name.kind;
  group->title = is_block && row->place[0] ? row->place : group->kind;
  group->note = problem;
  if (!group->title[0]) {
    group->title = problem;
    group->note = "";
  }
}

static void fill(report_data *data, report_group *group, const report_row *const *rows,
                 size_t count) {
  *group = (report_group){.file = rows[0]->file, .suite = rows[0]->name.suite};
  group->subject = rows[0]->name.subject;
  group->threads = rows[0]->name.threads;
  name_group(data, group, rows[0]);
  for (size_t i = 0; i < count; i++) {
    const report_row *row = rows[i];
    if (row->count == 0) continue;
    if (row->name.part[0]) {
      if (!onefold_report_is_layer(row)) continue; // a step, or what was timed alone
      const report_row **slot = onefold_report_push(&data->arena, &group->layers,
                                                    &group->layer_count, sizeof *group->layers);
      if (slot) *slot = row;
    } else if (row->name.role == REPORT_RIVAL) {
      add_rival(data, group, row);
    } else {
      group->roles[row->name.role] = row;
    }
  }
  if (group->layer_count) {
    qsort(group->layers, group->layer_count, sizeof *group->layers, by_part);
  }
  qsort(group->rivals, group->rival_count, sizeof *group->rivals, by_median);
  for (size_t i = 0; i < group->rival_count; i++) {
    group->rivals[i].ours = onefold_report_ours(group);
  }
}

typedef struct span {
  const report_row *const *rows;
  size_t count;
} span;

static int by_first(const void *a, const void *b) {
  const report_row *x = ((const span *)a)->rows[0], *y = ((const span *)b)->rows[0];
  return (x > y) - (x < y);
}

report_groups onefold_report_group(report_data *data, const char *suite) {
  report_groups groups = {0};
  size_t count = 0, spans = 0;
  const report_row **rows = onefold_report_alloc(&data->arena, data->row_count, sizeof *rows);
  span *all = onefold_report_alloc(&data->arena, data->row_count, sizeof *all);
  if (!rows || !all) return groups;
  for (size_t i = 0; i < data->row_count; i++) {
    const report_row *row = &data->rows[i];
    if (row->name.suite && strcmp(row->name.suite, suite) == 0) rows[count++] = row;
  }
  if (!count) return groups;
  qsort(rows, count, sizeof *rows, by_subject);
  for (size_t i = 0; i < count; i++) {
    if (i == 0 || !same_subject(rows[i], rows[i - 1])) all[spans++] = (span){&rows[i], 0};
    all[spans - 1].count++;
  }
  qsort(all, spans, sizeof *all, by_first);
  groups.items = onefold_report_alloc(&data->arena, spans, sizeof *groups.items);
  if (!groups.items) return groups;
  for (size_t i = 0; i < spans; i++) fill(data, &groups.items[i], all[i].rows, all[i].count);
  groups.count = spans;
  return groups;
}

static int has_forms(const report_group *g) {
  return g->roles[REPORT_EAGER] || g->roles[REPORT_BRANCHES];
}

static int same_machine(report_data *data, const report_group *a, const report_group *b) {
  return strcmp(onefold_report_fact(a->file, "cpu"), onefold_report_fact(b->file, "cpu")) == 0 &&
         strcmp(onefold_report_setting(data, a->file, a->threads),
                onefold_report_setting(data, b->file, b->threads)) == 0;
}

/// The group that the rivals of `of` join; NULL where there is none.
static report_group *forms_of(report_data *data, report_groups *groups, const report_group *of) {
  for (size_t i = 0; i < groups->count; i++) {
    report_group *g = &groups->items[i];
    if (g->file != of->file && has_forms(g) && g->roles[REPORT_FOLDED] && !g->rival_count &&
        strcmp(g->subject, of->subject) == 0 && same_machine(data, g, of)) {
      return g;
    }
  }
  return NULL;
}

void onefold_report_join(report_data *data, report_groups *groups) {
  size_t kept = 0;
  if (groups->count > MOST_JOINED) return;
  for (size_t i = 0; i < groups->count; i++) {
    const report_group *g = &groups->items[i];
    const int alone = g->rival_count && !has_forms(g) && g->roles[REPORT_FOLDED];
    report_group *forms = alone ? forms_of(data, groups, g) : NULL;
    if (!forms) continue;
    memcpy(forms->rivals, g->rivals, sizeof g->rivals);
    forms->rival_count = g->rival_count;
    groups->items[i].suite = NULL; // to be left out
  }
  for (size_t i = 0; i < groups->count; i++) {
    if (groups->items[i].suite) groups->items[kept++] = groups->items[i];
  }
  groups->count = kept;
}

const report_row *onefold_report_ours(const report_group *group) {
  static const report_role ours[] = {REPORT_FOLDED, REPORT_FUSED, REPORT_TUNED, REPORT_RUN};
  for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
    if (group->roles[ours[i]]) return group->roles[ours[i]];
  }
  return NULL;
}

const char *onefold_report_setting(report_data *data, const report_file *file, int threads) {
  const char *isa = onefold_report_fact(file, "isa"),
             *cold = onefold_report_fact(file, "cold_cache");
  return onefold_report_format(&data->arena, "%s%s%d thread%s%s", isa, isa[0] ? ", " : "", threads,
                               threads == 1 ? "" : "s",
                               strcmp(cold, "wei") == 0          ? ", cold weights"
                               : strcmp(cold, "all") == 0        ? ", cold weights and images"
                               : strcmp(cold, "whole runs") == 0 ? ", in whole runs"
                                                                 : "");
}

int onefold_report_same_setting(report_data *data, const report_groups *groups) {
  const char *first = NULL;
  for (size_t i = 0; i < groups->count; i++) {
    const report_group *g = &groups->items[i];
    const char *setting = onefold_report_setting(data, g->file, g->threads);
    if (first && strcmp(first, setting) != 0) return 0;
    first = setting;
  }
  return 1;
}
