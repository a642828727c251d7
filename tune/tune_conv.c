// SPDX-License-Identifier: BSD-3-Clause
// Tunes one convolution: its candidates, the search over them, and the row that comes of it.
#include "tune/candidates.h"
#include "tune/search.h"
#include "tune/workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *onefold_tune_fate_name(onefold_tune_fate fate) {
  static const char *const names[ONEFOLD_TUNE_FATES] = {"refused", "same",   "pruned",  "untimed",
                                                        "failed",  "slower", "no gain", "best"};
  return (unsigned)fate < ONEFOLD_TUNE_FATES ? names[fate] : "?";
}

/// A search over real plans.
typedef struct timing {
  onefold_workload *workload;
  onefold_candidates *candidates;
  const onefold_tune_options *options;
  double start; // of the search
  int32_t round;
} timing;

static double now(void *user) {
  (void)user;
  return onefold_clock_now();
}

static double sample(void *user, size_t index) {
  const timing *t = user;
  onefold_candidate *one = &t->candidates->one[t->candidates->timed[index]];
  const double ns = onefold_workload_time(t->workload, one->plan, &one->runs);
  const onefold_tune_sample taken = {.candidate = t->candidates->timed[index],
                                     .round = t->round,
                                     .seconds = onefold_clock_now() - t->start,
                                     .ns = ns};
  if (t->options->sampled && ns > 0) t->options->sampled(t->options->user, &taken);
  return ns;
}

static void begins(void *user, int32_t round) {
  ((timing *)user)->round = round;
}

static int stopped(void *user) {
  const timing *t = user;
  return t->options->stopped && t->options->stopped(t->options->user);
}

static void advanced(void *user, double part) {
  const timing *t = user;
  if (t->options->advanced) t->options->advanced(t->options->user, part);
}

/// Samples of the default choice that do not count: until the clock and the caches are as in the
/// rounds.
static void warm_up(const timing *t) {
  const double seconds = 0.01, start = onefold_clock_now();
  onefold_candidate *one = &t->candidates->one[t->candidates->timed[0]];
  do onefold_workload_time(t->workload, one->plan, &one->runs);
  while (onefold_clock_now() - start < seconds);
}

/// By default a search has seconds; an exhaustive one has no end but that of the noise.
static onefold_search_options options_of(const onefold_tune_options *o) {
  const int exhaustive = o->exhaustive != 0;
  return (onefold_search_options){.budget = o->budget > 0 ? o->budget
                                            : exhaustive  ? INFINITY
                                                          : 2,
                                  .margin = o->margin > 0 ? o->margin : 0.02,
                                  .round = exhaustive ? 4 : 2,
                                  .most_samples = 64,
                                  .exhaustive = exhaustive};
}

/// What the search tells of a candidate.
static void tell(onefold_tune_candidate *about, const onefold_search_entry *entry) {
  static const onefold_tune_fate fates[] = {
      [ONEFOLD_FATE_UNTIMED] = ONEFOLD_TUNE_UNTIMED, [ONEFOLD_FATE_FAILED] = ONEFOLD_TUNE_FAILED,
      [ONEFOLD_FATE_HALVED] = ONEFOLD_TUNE_SLOWER,   [ONEFOLD_FATE_SECOND] = ONEFOLD_TUNE_SLOWER,
      [ONEFOLD_FATE_NO_GAIN] = ONEFOLD_TUNE_NO_GAIN, [ONEFOLD_FATE_BEST] = ONEFOLD_TUNE_BEST};
  about->fate = fates[entry->fate];
  about->median_ns = entry->median;
  about->spread = entry->spread;
  about->rounds = entry->rounds;
  about->trials = entry->count;
}

static onefold_status search(onefold_context *context, const onefold_conv2d_desc *desc,
                             const onefold_tune_options *o, onefold_candidates *candidates,
                             onefold_tune_result *result) {
  onefold_workload workload;
  onefold_search_entry *entry = calloc(candidates->timed_count, sizeof *entry);
  onefold_status status =
      onefold_workload_make(context, desc, o->situation != ONEFOLD_WARM, &workload);
  if (!entry) status = ONEFOLD_OUT_OF_MEMORY;
  if (status == ONEFOLD_OK) {
    timing t = {&workload, candidates, o, onefold_clock_now(), 0};
    const onefold_search_source source = {&t, now, sample, stopped, advanced, begins};
    const onefold_search_options options = options_of(o);
    onefold_search_result found;
    warm_up(&t);
    onefold_search_run(&options, &source, entry, candidates->timed_count, &found);
    for (size_t i = 0; i < candidates->timed_count; i++)
      tell(&candidates->one[candidates->timed[i]].about, &entry[i]);
    result->samples = found.samples;
    result->seconds = found.seconds;
    result->separated = found.end == ONEFOLD_SEARCH_SEPARATED;
    result->no_gain = found.no_gain;
    result->finished = found.end != ONEFOLD_SEARCH_STOPPED && found.trials > 0;
    if (found.end == ONEFOLD_SEARCH_FAILED) status = ONEFOLD_OUT_OF_MEMORY;
    const onefold_candidate *best = &candidates->one[candidates->timed[found.best]];
    if (found.best) result->row.tiling = best->about.tiling;
    result->row.median_ns = found.best_ns;
    result->row.spread = found.best_spread;
    result->row.default_ns = found.default_ns;
    result->row.trials = found.trials * (best->runs ? best->runs : 1);
    onefold_search_free(entry, candidates->timed_count);
  }
  onefold_workload_destroy(&workload);
  free(entry);
  return status;
}

static onefold_status check(onefold_context *context, const onefold_tune_options *o,
                            const onefold_tune_result *result) {
  if (!context || !o || o->struct_size != sizeof *o || !result ||
      result->struct_size != sizeof *result)
    return ONEFOLD_INVALID_ARGUMENT;
  if (o->situation != ONEFOLD_WARM && o->situation != ONEFOLD_COLD) return ONEFOLD_INVALID_ARGUMENT;
  return o->budget < 0 || o->margin < 0 || o->candidates < 0 ? ONEFOLD_INVALID_ARGUMENT
                                                             : ONEFOLD_OK;
}

onefold_status onefold_tune_conv2d(onefold_context *context, const onefold_conv2d_desc *desc,
                                   const onefold_tune_options *options,
                                   onefold_tune_result *result) {
  onefold_status status = check(context, options, result);
  if (status != ONEFOLD_OK) return status;
  *result = (onefold_tune_result){.struct_size = sizeof *result};
  onefold_candidates candidates = {0};
  status = onefold_record_row_init(context, NULL, desc, options->situation, &result->row);
  if (status == ONEFOLD_OK) status = onefold_candidates_make(context, desc, options, &candidates);
  result->candidates = (int64_t)candidates.count;
  result->timed = (int64_t)candidates.timed_count;
  if (status == ONEFOLD_OK && !options->plan_only)
    status = search(context, desc, options, &candidates, result);
  for (size_t i = 0; i < candidates.count && status == ONEFOLD_OK && options->visit; i++) {
    if (options->visit(options->user, &candidates.one[i].about)) break;
  }
  onefold_candidates_destroy(&candidates);
  return status;
}
