// SPDX-License-Identifier: BSD-3-Clause
// What a problem is planned as by the record, who measured that, and where its pairs are tuned.
#include "cli/tuning.h"

#include <stdio.h>
#include <string.h>

/// The row that a look-up has taken: what it said, and the first row that this fits.
typedef struct taken {
  onefold_record_row row; // the key is the problem's own until it is found
  onefold_tiling tiling;
  int found;
} taken;

/// Whether two machines have the same cores and level: their fingerprints up to the second comma.
static int same_cores(const char *a, const char *b) {
  int commas = 0;
  for (; *a && *a == *b; a++, b++) {
    if (*a == ',' && ++commas == 2) return 1;
  }
  return 0;
}

/// Whether the row is of the problem: the nearest that the source names, or its own.
static int is_problem(const taken *t, const onefold_record_key *key) {
  static const char nearest[] = "nearest ";
  const char *name = strstr(t->tiling.source, nearest);
  if (!name)
    return !strcmp(key->problem, t->row.key.problem) && !strcmp(key->epilogue, t->row.key.epilogue);
  name += sizeof nearest - 1;
  const size_t length = strcspn(name, ",");
  return strncmp(key->problem, name, length) == 0;
}

/// Whether a row is from where the source says: see onefold_tilings_find.
static int fits(const taken *t, const onefold_record_row *row) {
  static const char measured[] = "measured ";
  const onefold_record_key *own = &t->row.key, *key = &row->key;
  const char *source = t->tiling.source, *situation = strstr(source, measured);
  const char *wanted =
      situation ? situation + sizeof measured - 1 : onefold_situation_name(own->situation);
  const int elsewhere = strcmp(key->machine, own->machine) != 0;
  char a[512], b[512];
  onefold_tiling_print(&t->tiling, a, sizeof a);
  onefold_tiling_print(&row->tiling, b, sizeof b);
  return key->threads == own->threads && key->accuracy == own->accuracy &&
         !strcmp(key->layouts, own->layouts) && is_problem(t, key) &&
         !strcmp(onefold_situation_name(key->situation), wanted) && !strcmp(a, b) &&
         elsewhere == !!strstr(source, "same micro-architecture") &&
         (!elsewhere || same_cores(key->machine, own->machine));
}

static int visit(void *user, const onefold_record_row *row) {
  taken *t = user;
  if (!fits(t, row)) return 0;
  t->row = *row;
  return t->found = 1;
}

/// Adds who measured the row that was taken, where it was another library or one of other kernels.
static void add_measurer(const cli_tuning *tuning, onefold_context *context,
                         const onefold_conv2d_desc *desc, onefold_tilings *tilings,
                         cli_planned *planned) {
  taken t = {.found = 0};
  onefold_record *record = NULL;
  const onefold_record_options asked = {
      .struct_size = sizeof asked, .path = tuning->rows.record, .read_only = 1};
  const size_t used = strlen(planned->source);
  if (onefold_record_row_init(context, NULL, desc, tuning->situation, &t.row) != ONEFOLD_OK ||
      !onefold_tilings_find(tilings, desc, &t.tiling) ||
      onefold_record_open(&asked, &record) != ONEFOLD_OK)
    return;
  const uint64_t kernels = t.row.kernels;
  onefold_record_visit(record, visit, &t, NULL);
  onefold_record_close(record);
  const int version = strcmp(t.row.version, onefold_version()) != 0;
  const int others = t.row.kernels != kernels;
  if (t.found && (version || others))
    snprintf(planned->source + used, sizeof planned->source - used, ", measured%s%.15s%s",
             version ? " by " : "", version ? t.row.version : "",
             others ? " with other kernels" : "");
}

/// NULL, or a sentence where the convolution can be one of a pair.
static const char *pairs_of(const onefold_conv2d_desc *d, const onefold_tiling *planned) {
  const int can =
      !strcmp(planned->algorithm, "depthwise") || !strcmp(planned->algorithm, "pointwise");
  if (!can || d->in_layout != ONEFOLD_BLOCKED || d->out_layout != ONEFOLD_BLOCKED ||
      d->has_channel_scale)
    return NULL;
  return "it can be one step with a depthwise or pointwise convolution beside it; onefold tune "
         "graph measures such pairs";
}

int onefold_cli_planned(const cli_tuning *t, const cli_problem *problem, cli_planned *planned) {
  const onefold_conv2d_desc *desc = &problem->desc;
  onefold_context *context = NULL;
  onefold_tilings *tilings = NULL;
  onefold_conv2d_plan *plan = NULL;
  const int made = onefold_cli_tuned_context(t->rows.command, problem->threads, &problem->isa,
                                             problem->accuracy, t->rows.record, t->situation,
                                             &context, &tilings) == ONEFOLD_EXIT_OK &&
                   onefold_conv2d_plan_create(context, desc, &plan) == ONEFOLD_OK;
  if (made) {
    onefold_conv2d_plan_get_tiling(plan, &planned->tiling);
    snprintf(planned->source, sizeof planned->source, "%s", planned->tiling.source);
    // A row that cannot be had is left aside, and the source is another.
    if (strncmp(planned->source, "record", 6) == 0)
      add_measurer(t, context, desc, tilings, planned);
    planned->pairs = pairs_of(desc, &planned->tiling);
  }
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
  onefold_bench_tilings_free(&tilings);
  return made;
}
