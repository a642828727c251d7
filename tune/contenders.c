// SPDX-License-Identifier: BSD-3-Clause
// The candidates of a layer that is tuned where it runs: which lead, and which are left behind.
#include "tune/in_place.h"
#include "tune/search.h"

#include <stdlib.h>

/// With fewer turns a candidate has no median.
#define FEWEST 3

double onefold_in_place_margin(const onefold_tune_options *options) {
  return options->margin > 0 ? options->margin : 0.02;
}

int onefold_in_place_gains(const onefold_tune_options *options, double ratio, double spread,
                           int32_t turns) {
  return ratio > 0 && ratio * (1 + onefold_in_place_margin(options)) < 1 &&
         1 - ratio > onefold_search_noise(spread, turns);
}

size_t onefold_layer_left(const onefold_layer *layer) {
  size_t left = 0;
  for (size_t i = 0; i < layer->count; i++) left += !layer->contender[i].is_out;
  return left;
}

onefold_contender *onefold_layer_nth(const onefold_layer *layer, size_t n) {
  const size_t left = onefold_layer_left(layer);
  size_t before = left ? n % left : 0;
  for (size_t i = 0; i < layer->count && left; i++) {
    if (!layer->contender[i].is_out && before-- == 0) return &layer->contender[i];
  }
  return NULL;
}

void onefold_layer_count_turns(onefold_layer *layer, int32_t turns) {
  onefold_contender *c = layer->current;
  if (!c) return;
  for (int32_t i = 0; i < turns && c->turns < ONEFOLD_MOST_RATIOS; i++) {
    if (layer->base[i] > 0 && layer->other[i] > 0)
      c->ratio[c->turns++] = layer->other[i] / layer->base[i];
  }
  c->median = onefold_search_median(c->ratio, c->turns, &c->spread);
}

onefold_contender *onefold_layer_leader(const onefold_layer *layer) {
  onefold_contender *leader = NULL;
  for (size_t i = 0; i < layer->count; i++) {
    onefold_contender *c = &layer->contender[i];
    if (!c->is_out && c->turns >= FEWEST && (!leader || c->median < leader->median)) leader = c;
  }
  return leader;
}

static double noise_of(const onefold_contender *c) {
  return onefold_search_noise(c->spread, c->turns);
}

/// How many that are left are faster.
static size_t rank_of(const onefold_layer *layer, const onefold_contender *one) {
  size_t rank = 0;
  for (size_t i = 0; i < layer->count; i++) {
    const onefold_contender *c = &layer->contender[i];
    rank += !c->is_out && (c->median < one->median || (c->median == one->median && c < one));
  }
  return rank;
}

void onefold_layer_cull(const onefold_tune_options *options, onefold_layer *layer) {
  const double most = 1 / (1 + onefold_in_place_margin(options));
  for (size_t i = 0; i < layer->count; i++)
    layer->contender[i].is_out |= layer->contender[i].turns < FEWEST;
  const onefold_contender *leader = onefold_layer_leader(layer);
  const size_t half = (onefold_layer_left(layer) + 1) / 2;
  // The last first, so that ranks stay as they are.
  for (size_t rank = layer->count; rank-- > 0;) {
    for (size_t i = 0; i < layer->count; i++) {
      onefold_contender *c = &layer->contender[i];
      if (c->is_out || rank_of(layer, c) != rank) continue;
      const double least = c->median * (1 - noise_of(c));
      c->is_out = rank >= half || least > most ||
                  (c != leader && least > leader->median * (1 + noise_of(leader)));
    }
  }
}

int onefold_layer_is_open(const onefold_tune_options *options, const onefold_layer *layer) {
  const onefold_contender *leader = onefold_layer_leader(layer);
  if (!leader || leader->turns >= ONEFOLD_MOST_RATIOS) return 0;
  return onefold_layer_left(layer) > 1 ||
         !onefold_in_place_gains(options, leader->median, leader->spread, leader->turns);
}
