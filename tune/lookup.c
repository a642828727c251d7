// SPDX-License-Identifier: BSD-3-Clause
// Looks a problem up: the ladder from the exact row to the nearest problem's.
#include "tune/index.h"
#include "tune/row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int onefold_index_describe(onefold_context *context, const onefold_conv2d_desc *desc,
                           onefold_index_problem *problem) {
  onefold_shape out;
  if (onefold_conv2d_output_shape(context, desc, &out) != ONEFOLD_OK) return 0;
  const onefold_conv2d_desc *d = desc;
  const int depthwise = d->groups == d->in_channels && d->groups == d->out_channels;
  // The high pads show in the output sizes.
  *problem = (onefold_index_problem){
      .form = {d->kernel_h, d->kernel_w, d->stride_h, d->stride_w, d->dilation_h, d->dilation_w,
               d->pad_top, d->pad_left, depthwise ? 0 : d->groups, d->in_layout, d->out_layout},
      .size = {d->batch, d->in_channels, d->in_h, d->in_w, out.c, out.h, out.w},
      .epilogue = {(int32_t)d->activation, (int32_t)d->residual, d->has_residual_scale != 0,
                   d->has_channel_scale != 0},
  };
  return 1;
}

/// Situations in the order in which they are taken for each other.
static int situation_rank(onefold_situation wanted, onefold_situation got) {
  static const int ranks[ONEFOLD_SITUATION_COUNT][ONEFOLD_SITUATION_COUNT] = {
      [ONEFOLD_WARM] = {[ONEFOLD_WARM] = 0, [ONEFOLD_COLD] = 2, [ONEFOLD_IN_PLACE] = 1},
      [ONEFOLD_COLD] = {[ONEFOLD_WARM] = 2, [ONEFOLD_COLD] = 0, [ONEFOLD_IN_PLACE] = 1},
      [ONEFOLD_IN_PLACE] = {[ONEFOLD_WARM] = 2, [ONEFOLD_COLD] = 1, [ONEFOLD_IN_PLACE] = 0},
  };
  return ranks[wanted][got];
}

/// Sum of |log2| of the ratios of sizes, or -1 where one is above a factor of two.
static double distance(const onefold_index_problem *a, const onefold_index_problem *b) {
  double sum = 0;
  for (int i = 0; i < ONEFOLD_INDEX_SIZES; i++) {
    const double step = fabs(log2((double)a->size[i] / (double)b->size[i]));
    if (step > 1) return -1;
    sum += step;
  }
  return sum;
}

/// An entry as an answer.
typedef struct answer {
  const onefold_index_entry *entry;
  onefold_tilings_rung rung;
  int situation; // its rank: 0 is the one asked for
  double distance;
} answer;

/// Zero where the entry is no answer.
static int judge(const onefold_tilings *tilings, const onefold_index_problem *problem,
                 const onefold_index_entry *entry, answer *made) {
  const int exact =
      memcmp(problem->size, entry->problem.size, sizeof problem->size) == 0 &&
      memcmp(problem->epilogue, entry->problem.epilogue, sizeof problem->epilogue) == 0;
  made->entry = entry;
  made->situation = situation_rank(tilings->situation, (onefold_situation)entry->situation);
  made->distance = exact ? 0 : distance(problem, &entry->problem);
  made->rung = !exact                ? ONEFOLD_RUNG_NEAREST
               : entry->this_machine ? ONEFOLD_RUNG_EXACT
                                     : ONEFOLD_RUNG_SAME_CORES;
  return made->distance >= 0;
}

static int is_better(const answer *a, const answer *b) {
  if (a->rung != b->rung) return a->rung < b->rung;
  if (a->distance != b->distance) return a->distance < b->distance;
  if (a->entry->this_machine != b->entry->this_machine) return a->entry->this_machine;
  if (a->situation != b->situation) return a->situation < b->situation;
  return onefold_evidence_better(&a->entry->evidence, &b->entry->evidence);
}

static void print_source(const answer *a, char *text, size_t size) {
  const int nearest = a->rung == ONEFOLD_RUNG_NEAREST, exact = a->rung == ONEFOLD_RUNG_EXACT;
  const char *near = nearest ? ": nearest " : "";
  const char *cores = a->entry->this_machine ? ""
                      : nearest              ? ", same micro-architecture"
                                             : ": same micro-architecture";
  const char *measured = !a->situation ? "" : exact ? ": measured " : ", measured ";
  snprintf(text, size, "record%s%s%s%s%s", near, *near ? a->entry->text : "", cores, measured,
           a->situation ? onefold_situation_name((onefold_situation)a->entry->situation) : "");
}

/// The first entry whose form is not below that of the problem.
static size_t lower_bound(const onefold_tilings *tilings, const onefold_index_problem *problem) {
  size_t low = 0, high = tilings->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (memcmp(tilings->entry[middle].problem.form, problem->form, sizeof problem->form) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// The best answer; its entry is NULL where there is none.
static answer find(const onefold_tilings *t, const onefold_conv2d_desc *desc) {
  onefold_index_problem problem;
  answer best = {.entry = NULL};
  if (!t || !desc || !onefold_index_describe(t->context, desc, &problem)) return best;
  for (size_t i = lower_bound(t, &problem); i < t->count; i++) {
    const onefold_index_entry *entry = &t->entry[i];
    answer next;
    if (memcmp(entry->problem.form, problem.form, sizeof problem.form) != 0) break;
    if (!judge(t, &problem, entry, &next)) continue;
    if (!best.entry || is_better(&next, &best)) best = next;
  }
  return best;
}

int onefold_tilings_find(void *tilings, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  const answer best = find(tilings, desc);
  if (!best.entry || !tiling) return 0;
  memcpy(tiling, best.entry->tiling, sizeof best.entry->tiling);
  print_source(&best, tiling->source, sizeof tiling->source);
  return 1;
}

int onefold_tilings_explain(const onefold_tilings *tilings, const onefold_conv2d_desc *desc,
                            onefold_tilings_answer *taken) {
  const answer best = find(tilings, desc);
  if (!best.entry || !taken) return 0;
  *taken = (onefold_tilings_answer){.rung = best.rung,
                                    .this_machine = best.entry->this_machine,
                                    .situation = (onefold_situation)best.entry->situation,
                                    .kernels = best.entry->kernels};
  memcpy(taken->problem, best.entry->text, sizeof best.entry->text);
  memcpy(taken->version, best.entry->version, sizeof taken->version);
  return 1;
}
