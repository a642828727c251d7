// SPDX-License-Identifier: BSD-3-Clause
// Successive halving: in each round every candidate that is left is sampled in turns, so that drift
// hits all alike; the slower half goes, and the next round has twice the samples. In the end game
// the leader and the default choice alone take turns, with samples of their own: a leader that was
// only lucky loses its luck there.
#include "tune/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Of the budget: for the first look at each, and until the end game.
#define FIRST_LOOK 0.35
#define ROUNDS     0.75
// Samples without which no median is trusted, fewest of an end game that has the time, and slowest
// that a first look leaves in.
#define FEWEST   5
#define END_GAME 11
#define SLOWEST  1.6

typedef struct search {
  const onefold_search_options *options;
  const onefold_search_source *source;
  onefold_search_entry *entry;
  size_t count;
  size_t *alive, left; // candidates that are in the next round; alive[0] is the default choice
  double *scratch;
  int32_t scratch_capacity;
  double start;
  int64_t samples;
  int stopped, out_of_memory;
} search;

static double elapsed(const search *s) {
  return s->source->now(s->source->user) - s->start;
}

/// May another sample be taken within `part` of the budget? Tells how far it is.
static int goes_on(search *s, double part) {
  const double used = elapsed(s) / s->options->budget;
  if (s->source->advanced) s->source->advanced(s->source->user, used < 1 ? used : 1);
  if (s->source->stopped(s->source->user)) s->stopped = 1;
  return !s->stopped && !s->out_of_memory && used < part;
}

static void begin(const search *s, int32_t round) {
  if (s->source->begins) s->source->begins(s->source->user, round);
}

/// Grows `values` to hold one more.
static int grow(double **values, int32_t *capacity, int32_t count) {
  if (count < *capacity) return 1;
  const int32_t wanted = *capacity ? *capacity * 2 : 16;
  double *grown = realloc(*values, (size_t)wanted * sizeof *grown);
  if (!grown) return 0;
  *values = grown;
  *capacity = wanted;
  return 1;
}

static void sample(search *s, size_t index) {
  onefold_search_entry *e = &s->entry[index];
  if (e->fate == ONEFOLD_FATE_FAILED) return;
  const double ns = s->source->sample(s->source->user, index);
  if (!(ns > 0)) {
    e->fate = ONEFOLD_FATE_FAILED;
    return;
  }
  s->samples++;
  if (!grow(&e->sample, &e->capacity, e->count)) {
    s->out_of_memory = 1;
    return;
  }
  e->sample[e->count++] = ns;
}

/// Median and spread of an entry's samples from `first` on.
static double median_from(search *s, const onefold_search_entry *e, int32_t first, double *spread) {
  const int32_t count = e->count - first;
  *spread = 0;
  while (s->scratch_capacity < count) {
    if (!grow(&s->scratch, &s->scratch_capacity, s->scratch_capacity)) {
      s->out_of_memory = 1;
      return 0;
    }
  }
  if (count > 0) memcpy(s->scratch, e->sample + first, (size_t)count * sizeof *s->scratch);
  return onefold_search_median(s->scratch, count, spread);
}

/// Of fewer samples than a median can be trusted with, the least counts: what disturbs a sample
/// makes it longer.
static void judge(search *s, size_t index) {
  onefold_search_entry *e = &s->entry[index];
  e->median = median_from(s, e, 0, &e->spread);
  if (s->scratch && e->count > 0 && e->count < FEWEST) e->median = s->scratch[0];
}

static int is_slower(const onefold_search_entry *a, const onefold_search_entry *b) {
  return a->median > b->median;
}

/// Sorts all but the default choice by their medians: few, so by insertion.
static void sort(search *s) {
  for (size_t i = 2; i < s->left; i++) {
    const size_t moved = s->alive[i];
    size_t at = i;
    for (; at > 1 && is_slower(&s->entry[s->alive[at - 1]], &s->entry[moved]); at--)
      s->alive[at] = s->alive[at - 1];
    s->alive[at] = moved;
  }
}

/// Leaves the candidates from place `keep` on behind.
static void drop_from(search *s, size_t keep) {
  for (size_t i = keep; i < s->left; i++) s->entry[s->alive[i]].fate = ONEFOLD_FATE_HALVED;
  if (keep < s->left) s->left = keep;
}

/// Removes from those alive what has failed.
static void bury(search *s) {
  size_t kept = 1;
  for (size_t i = 1; i < s->left; i++) {
    if (s->entry[s->alive[i]].fate != ONEFOLD_FATE_FAILED) s->alive[kept++] = s->alive[i];
  }
  s->left = kept;
}

/// One sample of each in the order of their estimates, until the part of the budget that this may
/// take is used. The default choice is the first.
static void first_look(search *s) {
  size_t looked = 0;
  begin(s, ONEFOLD_SEARCH_FIRST_LOOK);
  double least = INFINITY;
  for (size_t i = 0; i < s->count && (i == 0 || goes_on(s, FIRST_LOOK)); i++, looked++) {
    sample(s, i);
    s->entry[i].rounds = 1;
    s->alive[i] = i;
    judge(s, i);
    for (int again = 0; again < 2 && s->entry[i].median > SLOWEST * least; again++) { // disturbed?
      sample(s, i);
      judge(s, i);
    }
    if (s->entry[i].count > 0 && s->entry[i].median < least) least = s->entry[i].median;
  }
  s->left = looked;
  bury(s);
  sort(s);
  // One sample tells no more than what is far off.
  size_t keep = s->left < 2 ? s->left : 2;
  while (keep < s->left && s->entry[s->alive[keep]].median < SLOWEST * s->entry[s->alive[1]].median)
    keep++;
  drop_from(s, keep);
}

/// Samples each of those alive so many times, in turns that begin with another one each time.
static void round_of(search *s, int32_t samples, double part) {
  for (int32_t turn = 0; turn < samples; turn++) {
    for (size_t i = 0; i < s->left; i++) {
      if (!goes_on(s, part)) return;
      sample(s, s->alive[(i + (size_t)turn) % s->left]);
    }
  }
}

/// Is the first of two medians smaller beyond the noise of both?
static int is_separated(double a, double a_spread, double b, double b_spread, int32_t count) {
  const double noise =
      onefold_search_noise(a_spread, count) * a + onefold_search_noise(b_spread, count) * b;
  return b - a > noise;
}

/// Is the leader ahead of the second beyond the noise?
static int leads(const search *s) {
  if (s->left < 3) return s->left < 2 || s->entry[s->alive[1]].count >= FEWEST;
  const onefold_search_entry *a = &s->entry[s->alive[1]], *b = &s->entry[s->alive[2]];
  const int32_t count = a->count < b->count ? a->count : b->count;
  return count >= FEWEST && is_separated(a->median, a->spread, b->median, b->spread, count);
}

/// Leaves behind the slower half, and of the others those that are behind the leader beyond the
/// noise; of an exhaustive search these alone, and beyond twice the noise, as the leader is the
/// luckiest of many. The default choice and two more stay.
static void drop_slower(search *s) {
  const int exhaustive = s->options->exhaustive != 0, times = 1 + exhaustive;
  size_t keep = exhaustive ? s->left : 1 + s->left / 2;
  const onefold_search_entry *a = &s->entry[s->alive[1]];
  for (; keep > 3; keep--) {
    const onefold_search_entry *b = &s->entry[s->alive[keep - 1]];
    if (!is_separated(a->median, times * a->spread, b->median, times * b->spread, b->count)) break;
  }
  drop_from(s, keep > 3 ? keep : 3);
}

/// Rounds until one candidate is ahead. Returns why they ended.
static onefold_search_end halve(search *s) {
  int32_t round = 0;
  for (int32_t samples = s->options->round; s->left > 1; samples *= 2) {
    if (samples > s->options->most_samples) return ONEFOLD_SEARCH_EXHAUSTED;
    begin(s, ++round);
    round_of(s, samples, ROUNDS);
    for (size_t i = 0; i < s->left; i++) {
      judge(s, s->alive[i]);
      s->entry[s->alive[i]].rounds++;
    }
    bury(s);
    sort(s);
    if (!goes_on(s, ROUNDS)) return s->left > 2 ? ONEFOLD_SEARCH_BUDGET : ONEFOLD_SEARCH_SEPARATED;
    if (leads(s)) break;
    drop_slower(s);
  }
  return ONEFOLD_SEARCH_SEPARATED;
}

/// Is the gain of `a` over `b` no larger than the margin, with the noise of both in its favour?
static int is_no_gain(double a, double a_spread, double b, double b_spread, int32_t count,
                      double margin) {
  const double least = a * (1 - onefold_search_noise(a_spread, count));
  return b * (1 + onefold_search_noise(b_spread, count)) <= least * (1 + margin);
}

/// The leader against the default choice, with fresh samples, until it is shown whether it gains or
/// they are as near as they can be told to be.
static void end_game(search *s, size_t leader, onefold_search_result *r) {
  onefold_search_entry *a = &s->entry[leader], *b = &s->entry[0];
  const int32_t a_first = a->count, b_first = b->count;
  double b_spread = 0;
  int32_t samples = END_GAME;
  int gains = 0;
  begin(s, ONEFOLD_SEARCH_END_GAME);
  for (int done = 0; !done;) {
    int32_t taken = b->count - b_first;
    for (; taken < samples; taken++) {
      if (!goes_on(s, taken < FEWEST ? 1e9 : 1)) break;
      sample(s, taken % 2 ? leader : 0);
      if (leader) sample(s, taken % 2 ? 0 : leader);
    }
    r->trials = b->count - b_first;
    if (leader && a->count - a_first < r->trials) r->trials = a->count - a_first;
    r->best_ns = median_from(s, a, a_first, &r->best_spread);
    r->default_ns = median_from(s, b, b_first, &b_spread);
    const int enough = leader && r->trials >= FEWEST;
    gains = enough && r->default_ns > r->best_ns * (1 + s->options->margin) &&
            is_separated(r->best_ns, r->best_spread, r->default_ns, b_spread, r->trials);
    r->no_gain = enough && is_no_gain(r->best_ns, r->best_spread, r->default_ns, b_spread,
                                      r->trials, s->options->margin);
    done = gains || r->no_gain || !leader || taken < samples ||
           samples >= s->options->most_samples || a->fate == ONEFOLD_FATE_FAILED ||
           b->fate == ONEFOLD_FATE_FAILED;
    samples *= 2;
    if (samples > s->options->most_samples) samples = s->options->most_samples;
  }
  r->best = gains ? leader : 0;
  if (leader && !gains) {
    r->best_ns = r->default_ns;
    r->best_spread = b_spread;
  }
}

/// Have all but the default choice failed?
static int is_alone(const search *s) {
  size_t failed = 0;
  for (size_t i = 1; i < s->count; i++) failed += s->entry[i].fate == ONEFOLD_FATE_FAILED;
  return failed + 1 == s->count;
}

/// What became of those that were alive at the end.
static void settle(search *s, const onefold_search_result *r) {
  for (size_t i = 1; i < s->left; i++) {
    onefold_search_entry *e = &s->entry[s->alive[i]];
    if (e->fate == ONEFOLD_FATE_UNTIMED)
      e->fate = i == 1 && r->best == 0 ? ONEFOLD_FATE_NO_GAIN : ONEFOLD_FATE_SECOND;
  }
  for (size_t i = 0; i < s->count; i++) judge(s, i);
  s->entry[0].fate = ONEFOLD_FATE_SECOND;
  s->entry[r->best].fate = ONEFOLD_FATE_BEST;
}

void onefold_search_run(const onefold_search_options *options, const onefold_search_source *source,
                        onefold_search_entry *entry, size_t count, onefold_search_result *result) {
  search s = {.options = options, .source = source, .entry = entry, .count = count};
  memset(entry, 0, count * sizeof *entry);
  *result = (onefold_search_result){.end = ONEFOLD_SEARCH_FAILED};
  s.alive = count ? calloc(count, sizeof *s.alive) : NULL;
  if (!s.alive) return;
  s.start = source->now(source->user);
  first_look(&s);
  if (s.entry[0].fate != ONEFOLD_FATE_FAILED && !s.out_of_memory) {
    result->end = s.left > 1 ? halve(&s) : ONEFOLD_SEARCH_SEPARATED;
    const size_t leader = s.left > 1 ? s.alive[1] : 0;
    end_game(&s, leader, result);
    if (!leader || entry[leader].fate == ONEFOLD_FATE_FAILED) result->no_gain = is_alone(&s);
    if (entry[0].fate == ONEFOLD_FATE_FAILED || s.out_of_memory)
      result->end = ONEFOLD_SEARCH_FAILED;
    if (result->end != ONEFOLD_SEARCH_FAILED) settle(&s, result);
  }
  if (s.stopped) result->end = ONEFOLD_SEARCH_STOPPED;
  result->samples = s.samples;
  result->seconds = elapsed(&s);
  free(s.scratch);
  free(s.alive);
}

void onefold_search_free(onefold_search_entry *entry, size_t count) {
  for (size_t i = 0; i < count; i++) free(entry[i].sample);
}
