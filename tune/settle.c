// SPDX-License-Identifier: BSD-3-Clause
// Rows of layers that are tuned where they run: while the rounds go on, and after the end game.
#include "tune/in_place.h"
#include "tune/search.h"

/// What a layer takes. NULL: the default choice, which the turns of the last comparison are of.
typedef struct taken {
  const onefold_tiling *tiling;
  double ratio, spread; // of its time over the default choice's
  int32_t turns;
} taken;

/// Is the row of both convolutions of a pair?
static int is_of_pair(const onefold_layer *layer) {
  return layer->pairing.choice || (layer->pairing.steps > 0 && layer->steps == 0);
}

/// Fills the row and gives it out; `turns` are those of the last comparison.
static void put(const onefold_in_place *t, onefold_layer *layer, int32_t turns, const taken *w,
                int of_pair, int is_final) {
  const onefold_pairing *p = &layer->pairing;
  onefold_record_row *row = &layer->row;
  row->tiling = w->tiling ? *w->tiling : (onefold_tiling){.threads = 0};
  row->default_ns = row->median_ns = 0;
  if (layer->steps > 0) {
    double base_spread = 0;
    const double base = onefold_search_median(layer->base, turns, &base_spread);
    row->default_ns = base * 1e9 / (double)layer->steps;
    row->median_ns = w->tiling ? row->default_ns * w->ratio : row->default_ns;
    row->spread = w->tiling ? w->spread : base_spread;
    row->trials = (w->tiling ? w->turns : turns) * (int64_t)layer->steps;
  }
  if (of_pair) {
    const double gain = row->default_ns - row->median_ns; // of the first, where it is apart
    row->default_ns = p->default_ns;
    row->median_ns = p->choice == 1 && gain < p->ns ? p->ns - gain : p->ns;
    row->spread = p->spread;
    row->trials = p->turns * (int64_t)p->steps;
    row->tiling.pair = p->choice;
  }
  if (row->median_ns > 0 && t->put)
    t->put(t->options->user, row, layer->steps > 0 ? layer->steps : p->steps, is_final);
}

void onefold_layer_announce(const onefold_in_place *t, onefold_layer *layer, int32_t turns) {
  const onefold_contender *c = onefold_layer_leader(layer);
  if (c && !onefold_in_place_gains(t->options, c->median, c->spread, c->turns)) c = NULL;
  const int is_new = c ? c != layer->announced || c == layer->current : layer->announced != NULL;
  if (!is_new && !(turns == 0 && layer->pairing.choice)) return;
  layer->announced = c;
  const taken w = c ? (taken){&c->tiling, c->median, c->spread, c->turns} : (taken){.turns = turns};
  put(t, layer, turns, &w, is_of_pair(layer), 0);
}

/// What the layer takes by the end game.
static taken by_end_game(const onefold_in_place *t, const onefold_layer *layer, int32_t turns) {
  taken w = {.turns = turns};
  if (!layer->best) return w;
  w.ratio = onefold_turns_ratio(layer->other, layer->base, turns, &w.spread);
  if (onefold_in_place_gains(t->options, w.ratio, w.spread, turns)) w.tiling = &layer->best->tiling;
  return w;
}

int onefold_in_place_is_slower(const onefold_in_place *t, int32_t turns) {
  double spread = 0;
  const double ratio = onefold_turns_ratio(t->tried, t->by_default, turns, &spread);
  return ratio - 1 > onefold_search_noise(spread, turns);
}

int onefold_in_place_is_unclear(const onefold_in_place *t, int32_t turns) {
  double spread = 0;
  onefold_turns_ratio(t->tried, t->by_default, turns, &spread);
  return onefold_search_noise(spread, turns) > onefold_in_place_margin(t->options) / 2;
}

size_t onefold_in_place_leave_out(const onefold_in_place *t, int32_t turns) {
  size_t count = 0;
  for (size_t i = 0; i < t->rotation->count; i++) {
    onefold_layer *layer = &t->rotation->layer[i];
    if (!layer->best || by_end_game(t, layer, turns).tiling) continue;
    layer->best = NULL;
    count++;
  }
  return count;
}

void onefold_in_place_settle(onefold_in_place *t, int32_t turns) {
  const int is_slower = onefold_in_place_is_slower(t, turns);
  onefold_tune_result *result = t->result;
  for (size_t i = 0; i < t->rotation->count; i++) {
    onefold_layer *layer = &t->rotation->layer[i];
    taken w = by_end_game(t, layer, turns);
    const int of_pair = is_of_pair(layer);
    if (is_slower) {
      result->dropped += w.tiling || layer->pairing.choice;
      w.tiling = NULL;
      layer->pairing.choice = 0;
      layer->pairing.ns = layer->pairing.default_ns;
    }
    put(t, layer, turns, &w, of_pair, 1);
  }
  result->row.default_ns = onefold_search_median(t->by_default, turns, NULL) * 1e9;
  result->row.median_ns = onefold_search_median(t->tried, turns, &result->row.spread) * 1e9;
  result->row.trials = turns;
  result->finished = 1;
}
