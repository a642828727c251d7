// SPDX-License-Identifier: BSD-3-Clause
// Tunes the convolutions of a graph where they run: all layers change their candidates at once,
// from round to round, and an execution by the default choice takes turns with each round's.
#include "tune/candidates.h"
#include "tune/in_place.h"
#include "tune/search.h"
#include "tune/workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Turns of a round, of the end game, of one that a user waits for, and of any that has begun; the
/// part of the budget that rounds may use.
#define ROUND_TURNS   7
#define END_TURNS     41
#define STOPPED_TURNS 11
#define FEWEST_TURNS  5
#define ROUNDS        0.6

// ------------------------------------------------------------------- layers

typedef struct in_place {
  onefold_in_place about;
  onefold_runner base;  // what layers are compared with: pairs as decided, all else by default
  onefold_runner plain; // all by default; empty where that is the same
  double total[3][ONEFOLD_MOST_TURNS]; // seconds of whole runs: of the base, the other and plain
} in_place;

/// The candidates of a layer, without the default choice.
static onefold_status collect(const onefold_in_place *t, onefold_layer *layer) {
  onefold_tune_options options = *t->options;
  onefold_candidates candidates = {0};
  options.situation = ONEFOLD_COLD;
  options.exhaustive = 0;
  if (!options.candidates) options.candidates = 8;
  onefold_status status =
      onefold_candidates_make(t->rotation->context, &layer->desc, &options, &candidates);
  if (status == ONEFOLD_OK && candidates.timed_count > 1) {
    layer->candidate = calloc(candidates.timed_count - 1, sizeof *layer->candidate);
    if (!layer->candidate) status = ONEFOLD_OUT_OF_MEMORY;
  }
  for (size_t i = 1; i < candidates.timed_count && status == ONEFOLD_OK; i++)
    layer->candidate[layer->count++] = candidates.one[candidates.timed[i]].about.tiling;
  t->result->candidates += (int64_t)candidates.count;
  t->result->timed += (int64_t)layer->count + 1;
  onefold_candidates_destroy(&candidates);
  return status;
}

/// One more step that is of this convolution alone.
static onefold_status add_layer(in_place *t, const onefold_conv2d_desc *desc) {
  onefold_layer *layer;
  const onefold_status status = onefold_rotation_add(&t->about, desc, &layer);
  if (status != ONEFOLD_OK || !layer) return status;
  return layer->steps++ ? ONEFOLD_OK : collect(&t->about, layer);
}

static onefold_status add_layers(in_place *t) {
  onefold_status status = ONEFOLD_OK;
  for (size_t i = 0; i < t->base.steps && status == ONEFOLD_OK; i++) {
    onefold_exec_step step;
    status = onefold_exec_get_step(t->base.exec, i, &step);
    if (status == ONEFOLD_OK && step.conv_count == 1) status = add_layer(t, &step.convs[0].desc);
  }
  return status;
}

// ------------------------------------------------------------------- rounds

/// Runs the base and an execution with the current tilings in turns, and at the end also the plain
/// one. *turns is their number.
static onefold_status compare(in_place *t, int32_t most, double part, int32_t *turns) {
  const onefold_in_place *about = &t->about;
  const int sides = about->ending && t->plain.exec ? 3 : 2;
  onefold_runner other;
  *turns = 0;
  const onefold_status status =
      onefold_runner_make(about->context, about->graph, about->exec, &other);
  for (; status == ONEFOLD_OK && *turns < most; ++*turns) {
    const int few = *turns < FEWEST_TURNS;
    if (!onefold_in_place_goes_on(about, few ? INFINITY : part)) break;

    for (int i = 0; i < sides; i++) {
      const int side = (i + *turns) % sides;
      t->total[side][*turns] =
          side == 2 ? onefold_runner_run(&t->plain)
                    : onefold_runner_time(side ? &other : &t->base, about->rotation, !side, *turns);
    }
    about->result->samples += sides;
  }
  onefold_runner_destroy(&other);
  return status;
}

/// Each layer's candidate of that round; those that have no more take the default choice.
static onefold_status run_round(in_place *t, size_t round) {
  onefold_rotation *rotation = t->about.rotation;
  int32_t turns = 0;
  for (size_t i = 0; i < rotation->count; i++) {
    onefold_layer *layer = &rotation->layer[i];
    layer->current = round < layer->count ? &layer->candidate[round] : NULL;
  }
  const onefold_status status = compare(t, ROUND_TURNS, ROUNDS, &turns);
  for (size_t i = 0; i < rotation->count; i++) {
    onefold_layer *layer = &rotation->layer[i];
    double spread = 0;
    const double ratio = onefold_layer_ratio(layer, turns, &spread);
    if (layer->current && ratio > 0 && ratio < layer->best_ratio) {
      layer->best = layer->current;
      layer->best_ratio = ratio;
    }
  }
  return status;
}

/// Is one time less than the other by more than the margin and the noise?
static int gains(const onefold_tune_options *o, double ratio, double spread, int32_t turns) {
  const double margin = o->margin > 0 ? o->margin : 0.02;
  return ratio > 0 && ratio * (1 + margin) < 1 && 1 - ratio > onefold_search_noise(spread, turns);
}

/// Fills and gives out the layer's row. Where it is the first of pairs, its times are those of both
/// convolutions.
static void settle(in_place *t, onefold_layer *layer, int32_t turns, onefold_tune_row_fn put) {
  const onefold_pairing *p = &layer->pairing;
  const onefold_tune_options *o = t->about.options;
  double spread = 0, base_spread = 0;
  const double ratio = layer->best ? onefold_layer_ratio(layer, turns, &spread) : 0;
  const int is_faster = gains(o, ratio, spread, turns);
  onefold_record_row *row = &layer->row;
  if (layer->steps > 0) {
    const double base = onefold_search_median(layer->base, turns, &base_spread);
    row->default_ns = base * 1e9 / (double)layer->steps;
    row->median_ns = is_faster ? row->default_ns * ratio : row->default_ns;
    row->spread = is_faster ? spread : base_spread;
    row->trials = turns * (int64_t)layer->steps;
    if (is_faster) row->tiling = *layer->best;
  }
  if (p->choice || (p->steps > 0 && layer->steps == 0)) {
    const double gain = row->default_ns - row->median_ns; // of the first, where it is apart
    row->default_ns = p->default_ns;
    row->median_ns = p->choice == 1 && gain < p->ns ? p->ns - gain : p->ns;
    row->spread = p->spread;
    row->trials = p->turns * (int64_t)p->steps;
    row->tiling.pair = p->choice;
  }
  const size_t steps = layer->steps > 0 ? layer->steps : p->steps;
  if (row->median_ns > 0 && put) put(o->user, row, steps);
}

static onefold_status finish(in_place *t, int stopped, onefold_tune_row_fn put) {
  onefold_rotation *rotation = t->about.rotation;
  onefold_tune_result *result = t->about.result;
  int32_t turns = 0;
  for (size_t i = 0; i < rotation->count; i++) rotation->layer[i].current = rotation->layer[i].best;
  t->about.ending = 1;
  const onefold_status status = compare(t, stopped ? STOPPED_TURNS : END_TURNS, 1, &turns);
  if (status != ONEFOLD_OK || turns < FEWEST_TURNS) return status;
  for (size_t i = 0; i < rotation->count; i++) settle(t, &rotation->layer[i], turns, put);
  double *plain = t->total[t->plain.exec ? 2 : 0];
  result->row.default_ns = onefold_search_median(plain, turns, NULL) * 1e9;
  result->row.median_ns = onefold_search_median(t->total[1], turns, &result->row.spread) * 1e9;
  result->row.trials = turns;
  result->finished = 1;
  return ONEFOLD_OK;
}

/// Decides about pairs. Where that is not as by default, the base is made anew.
static onefold_status make_pairs(in_place *t) {
  const onefold_in_place *about = &t->about;
  onefold_status status = onefold_pairs_tune(&t->about, &t->base);
  int changed = 0;
  for (size_t i = 0; i < about->rotation->count; i++)
    changed |= about->rotation->layer[i].pairing.choice != 0;
  if (status != ONEFOLD_OK || !changed) return status;
  t->plain = t->base;
  return onefold_runner_make(about->context, about->graph, about->exec, &t->base);
}

static onefold_status tune(in_place *t, onefold_tune_row_fn put) {
  const onefold_in_place *about = &t->about;
  onefold_status status = onefold_runner_make(about->context, about->graph, about->exec, &t->base);
  if (status == ONEFOLD_OK) status = make_pairs(t);
  if (status == ONEFOLD_OK) status = add_layers(t);
  size_t rounds = 0;
  for (size_t i = 0; i < about->rotation->count; i++) {
    if (about->rotation->layer[i].count > rounds) rounds = about->rotation->layer[i].count;
  }
  size_t round = 0;
  while (round < rounds && status == ONEFOLD_OK &&
         onefold_in_place_goes_on(about, round ? ROUNDS : INFINITY))
    status = run_round(t, round++);
  const int stopped = about->options->stopped && about->options->stopped(about->options->user);
  return status == ONEFOLD_OK && (!stopped || round > 0) ? finish(t, stopped, put) : status;
}

onefold_status onefold_tune_graph(onefold_context *context, onefold_rotation *rotation,
                                  const onefold_graph *graph, const onefold_exec_options *exec,
                                  const onefold_tune_options *options, onefold_tune_row_fn put,
                                  onefold_tune_result *result) {
  if (!context || !rotation || !graph || !exec || !options || !result ||
      options->struct_size != sizeof *options || result->struct_size != sizeof *result ||
      options->budget < 0 || options->margin < 0 || options->candidates < 0)
    return ONEFOLD_INVALID_ARGUMENT;
  *result = (onefold_tune_result){.struct_size = sizeof *result};
  onefold_rotation_forget(rotation);
  in_place t = {.about = {.context = context,
                          .rotation = rotation,
                          .graph = graph,
                          .exec = exec,
                          .options = options,
                          .result = result,
                          .start = onefold_clock_now(),
                          .budget = options->budget > 0 ? options->budget : 60}};
  const onefold_status status = tune(&t, put);
  onefold_runner_destroy(&t.base);
  onefold_runner_destroy(&t.plain);
  onefold_rotation_forget(rotation);
  result->seconds = onefold_clock_now() - t.about.start;
  return status;
}
