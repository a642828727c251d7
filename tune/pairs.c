// SPDX-License-Identifier: BSD-3-Clause
// Which convolutions of a graph run as pairs: an execution in which all do that can takes turns
// with one in which none does, and the time of each pair is compared with that of its two steps.
#include "tune/in_place.h"
#include "tune/search.h"

#include <stdlib.h>

/// Turns, and the part of the budget that may be used by then.
#define TURNS      21
#define PART       0.25
#define PART_AGAIN 0.35

/// A pair's step, and the first of its two steps where nothing is paired.
typedef struct place {
  size_t together, apart;
  onefold_conv2d_desc first;
  int by_default, crossed; // it is a pair by default; another pair has one of its steps
} place;

typedef struct pairs {
  onefold_in_place *about;
  onefold_runner apart, together;
  place *place; // [count]
  size_t count;
} pairs;

/// Both executions have the same steps in the same order, but for two that are one.
static onefold_status find_places(pairs *p) {
  p->place = calloc(p->together.steps, sizeof *p->place);
  if (!p->place) return ONEFOLD_OUT_OF_MEMORY;
  size_t apart = 0;
  for (size_t i = 0; i < p->together.steps; i++) {
    onefold_exec_step step;
    const onefold_status status = onefold_exec_get_step(p->together.exec, i, &step);
    if (status != ONEFOLD_OK) return status;
    if (step.conv_count == 2)
      p->place[p->count++] = (place){.together = i, .apart = apart, .first = step.convs[0].desc};
    apart += step.conv_count == 2 ? 2 : 1;
  }
  return ONEFOLD_OK;
}

/// What the default choice has in each place.
static onefold_status find_defaults(pairs *p, const onefold_runner *base) {
  size_t apart = 0;
  for (size_t i = 0; i < base->steps; i++) {
    onefold_exec_step step;
    const onefold_status status = onefold_exec_get_step(base->exec, i, &step);
    if (status != ONEFOLD_OK) return status;
    for (size_t k = 0; k < p->count && step.conv_count == 2; k++) {
      place *one = &p->place[k];
      one->by_default |= one->apart == apart;
      one->crossed |= one->apart == apart + 1 || one->apart + 1 == apart;
    }
    apart += step.conv_count == 2 ? 2 : 1;
  }
  return ONEFOLD_OK;
}

/// A layer for the first of each pair.
static onefold_status add_layers(pairs *p) {
  for (size_t i = 0; i < p->count; i++) {
    const place *one = &p->place[i];
    onefold_layer *layer;
    if (one->crossed) continue;
    const onefold_status status = onefold_rotation_add(p->about, &one->first, &layer);
    if (status != ONEFOLD_OK) return status;
    if (!layer) continue;
    layer->pairing.steps++;
    layer->pairing.by_default = one->by_default;
  }
  return ONEFOLD_OK;
}

/// Adds the seconds of the places to base[] of their layers where they are apart, else to other[].
static void count(const pairs *p, int32_t turn) {
  const onefold_rotation *rotation = p->about->rotation;
  for (size_t i = 0; i < rotation->count; i++)
    rotation->layer[i].base[turn] = rotation->layer[i].other[turn] = 0;
  for (size_t i = 0; i < p->count; i++) {
    const place *one = &p->place[i];
    onefold_layer *layer = one->crossed ? NULL : onefold_rotation_find(rotation, &one->first);
    if (!layer) continue;
    layer->base[turn] += p->apart.seconds[one->apart] + p->apart.seconds[one->apart + 1];
    layer->other[turn] += p->together.seconds[one->together];
  }
}

/// The choice for a layer whose turns are over: another than the default where it is faster by more
/// than the margin and the noise.
static void choose(const pairs *p, onefold_layer *layer, int32_t turns) {
  onefold_pairing *made = &layer->pairing;
  const onefold_tune_options *o = p->about->options;
  double spread = 0, apart_spread = 0, together_spread = 0;
  const double ratio = onefold_turns_ratio(layer->other, layer->base, turns, &spread);
  const double apart = onefold_search_median(layer->base, turns, &apart_spread);
  const double together = onefold_search_median(layer->other, turns, &together_spread);
  made->choice = 0;
  if (!(ratio > 0)) {
    made->steps = 0;
    return;
  }
  const double part = made->by_default ? 1 / ratio : ratio; // of the default's time
  const int other = onefold_in_place_gains(o, part, spread, turns);
  const int paired = other ? !made->by_default : made->by_default;
  made->choice = !other ? 0 : paired ? 2 : 1;
  made->default_ns = (made->by_default ? together : apart) * 1e9 / (double)made->steps;
  made->ns = other ? made->default_ns * part : made->default_ns;
  made->spread = other ? spread : paired ? together_spread : apart_spread;
  made->turns = turns;
}

/// Both executions in turns, within a part of the budget. Returns their number.
static int32_t take_turns(pairs *p, double part) {
  onefold_runner *const sides[2] = {&p->apart, &p->together};
  int32_t turns = 0;
  for (; turns < TURNS && onefold_in_place_goes_on(p->about, part); turns++) {
    for (int i = 0; i < 2; i++) {
      if (!(onefold_runner_run(sides[(i + turns) % 2]) > 0)) return 0;
    }
    count(p, turns);
    p->about->result->samples += 2;
  }
  return turns;
}

/// Chooses, and again by turns of their own where that was not the default: what was only lucky
/// loses its luck there.
static void choose_all(pairs *p) {
  const onefold_rotation *rotation = p->about->rotation;
  int others = 0;
  int32_t turns = take_turns(p, PART);
  for (size_t i = 0; i < rotation->count; i++) {
    onefold_layer *layer = &rotation->layer[i];
    if (layer->pairing.steps > 0) choose(p, layer, turns);
    others += layer->pairing.choice != 0;
  }
  turns = others ? take_turns(p, PART_AGAIN) : 0;
  for (size_t i = 0; i < rotation->count; i++) {
    if (rotation->layer[i].pairing.choice) choose(p, &rotation->layer[i], turns);
  }
}

/// One of a pair is depthwise.
static int has_depthwise(const onefold_runner *base) {
  for (size_t i = 0; i < base->steps; i++) {
    onefold_exec_step step;
    if (onefold_exec_get_step(base->exec, i, &step) != ONEFOLD_OK) return 0;
    for (size_t k = 0; k < step.conv_count; k++) {
      const onefold_conv2d_desc *d = &step.convs[k].desc;
      if (d->groups == d->in_channels && d->groups == d->out_channels) return 1;
    }
  }
  return 0;
}

onefold_status onefold_pairs_tune(onefold_in_place *t, const onefold_runner *base) {
  if (!t->exec->fuse_epilogues || t->exec->pairs != ONEFOLD_PAIRS_WHERE_FASTER) return ONEFOLD_OK;
  if (!has_depthwise(base) || !onefold_in_place_goes_on(t, PART)) return ONEFOLD_OK;
  pairs p = {.about = t};
  onefold_exec_options options = *t->exec;
  options.pairs = ONEFOLD_PAIRS_ALWAYS;
  onefold_status status = onefold_runner_make(t->context, t->graph, &options, &p.together);
  if (status == ONEFOLD_OK) status = find_places(&p);
  if (status == ONEFOLD_OK && p.count > 0) {
    options.pairs = ONEFOLD_PAIRS_NEVER;
    status = onefold_runner_make(t->context, t->graph, &options, &p.apart);
    if (status == ONEFOLD_OK) status = find_defaults(&p, base);
    if (status == ONEFOLD_OK) status = add_layers(&p);
    if (status == ONEFOLD_OK) choose_all(&p);
  }
  onefold_runner_destroy(&p.together);
  onefold_runner_destroy(&p.apart);
  free(p.place);
  return status;
}
