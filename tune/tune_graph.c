// SPDX-License-Identifier: BSD-3-Clause
// Tunes the convolutions of a graph where they run: all layers change their candidates at once,
// from round to round, and an execution by the default choice takes turns with each round's. Those
// that are left have more rounds, by successive halving.
#include "tune/candidates.h"
#include "tune/in_place.h"
#include "tune/search.h"
#include "tune/workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Turns of the first rounds, of later ones at most, of the end game where they tell enough, of one
/// that a user waits for, and of any that has begun; the part of the budget that rounds may use.
#define FIRST_TURNS   7
#define ROUND_TURNS   56
#define END_TURNS     41
#define STOPPED_TURNS 11
#define FEWEST_TURNS  5
#define ROUNDS        0.6

// ------------------------------------------------------------------- layers

typedef struct in_place {
  onefold_in_place about;
  onefold_runner base;  // what layers are compared with: pairs as decided, all else by default
  onefold_runner plain; // all by default; empty where that is the same
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
    layer->contender = calloc(candidates.timed_count - 1, sizeof *layer->contender);
    if (!layer->contender) status = ONEFOLD_OUT_OF_MEMORY;
  }
  for (size_t i = 1; i < candidates.timed_count && status == ONEFOLD_OK; i++)
    layer->contender[layer->count++].tiling = candidates.one[candidates.timed[i]].about.tiling;
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
  onefold_in_place *about = &t->about;
  const int sides = about->ending && t->plain.exec ? 3 : 2;
  onefold_runner other;
  *turns = 0;
  const onefold_status status =
      onefold_runner_make(about->context, about->graph, about->exec, &other);
  for (; status == ONEFOLD_OK && *turns < most; ++*turns) {
    const int few = *turns < FEWEST_TURNS;
    if (!onefold_in_place_goes_on(about, few ? INFINITY : part)) break;
    if (*turns >= END_TURNS && about->ending && !onefold_in_place_is_unclear(about, *turns)) break;

    double seconds[3];
    for (int i = 0; i < sides; i++) {
      const int side = (i + *turns) % sides;
      seconds[side] =
          side == 2 ? onefold_runner_run(&t->plain)
                    : onefold_runner_time(side ? &other : &t->base, about->rotation, !side, *turns);
    }
    about->tried[*turns] = seconds[1];
    about->by_default[*turns] = seconds[sides == 3 ? 2 : 0];
    about->result->samples += sides;
  }
  onefold_runner_destroy(&other);
  return status;
}

/// Each layer takes its next candidate of those that are left.
static onefold_status run_round(in_place *t, size_t round, int32_t most) {
  const onefold_in_place *about = &t->about;
  onefold_rotation *rotation = about->rotation;
  int32_t turns = 0;
  for (size_t i = 0; i < rotation->count; i++) {
    onefold_layer *layer = &rotation->layer[i];
    layer->current = onefold_layer_nth(layer, round);
  }
  const onefold_status status = compare(t, most, ROUNDS, &turns);
  for (size_t i = 0; i < rotation->count && turns > 0; i++) {
    onefold_layer_count_turns(&rotation->layer[i], turns);
    onefold_layer_announce(about, &rotation->layer[i], turns);
  }
  return status;
}

/// Rounds in which all that are left have turns. *goes_on: there was time for all.
static onefold_status run_rounds(in_place *t, int32_t turns, int *goes_on) {
  const onefold_in_place *about = &t->about;
  const onefold_rotation *rotation = about->rotation;
  onefold_status status = ONEFOLD_OK;
  size_t rounds = 0;
  for (size_t i = 0; i < rotation->count; i++) {
    const size_t left = onefold_layer_left(&rotation->layer[i]);
    if (left > rounds) rounds = left;
  }
  for (size_t round = 0; round < rounds && status == ONEFOLD_OK; round++) {
    const int is_first = turns == FIRST_TURNS && round == 0;
    *goes_on = onefold_in_place_goes_on(about, is_first ? INFINITY : ROUNDS);
    if (!*goes_on) break;
    status = run_round(t, round, turns);
  }
  return status;
}

/// Successive halving, each time with twice the turns, until no layer is open or time is over.
static onefold_status halve(in_place *t) {
  const onefold_in_place *about = &t->about;
  onefold_status status = ONEFOLD_OK;
  int goes_on = 1;
  for (int32_t turns = FIRST_TURNS; goes_on && status == ONEFOLD_OK;
       turns = turns < ROUND_TURNS ? 2 * turns : ROUND_TURNS) {
    status = run_rounds(t, turns, &goes_on);
    int open = 0;
    for (size_t i = 0; i < about->rotation->count && goes_on; i++) {
      onefold_layer_cull(about->options, &about->rotation->layer[i]);
      open |= onefold_layer_is_open(about->options, &about->rotation->layer[i]);
    }
    goes_on &= open;
  }
  return status;
}

/// The end game. Where whole runs are slower, once more without those that did not gain.
static onefold_status finish(in_place *t, int stopped) {
  onefold_rotation *rotation = t->about.rotation;
  int32_t turns = 0;
  for (size_t i = 0; i < rotation->count; i++) {
    onefold_contender *leader = onefold_layer_leader(&rotation->layer[i]);
    rotation->layer[i].best = leader && leader->median < 1 ? leader : NULL;
  }
  t->about.ending = 1;
  for (int again = 0; again < 2; again++) {
    for (size_t i = 0; i < rotation->count; i++)
      rotation->layer[i].current = rotation->layer[i].best;
    const onefold_status status =
        compare(t, stopped ? STOPPED_TURNS : ONEFOLD_MOST_TURNS, 1, &turns);
    if (status != ONEFOLD_OK || turns < FEWEST_TURNS) return status;
    if (again || !onefold_in_place_is_slower(&t->about, turns) ||
        !onefold_in_place_leave_out(&t->about, turns))
      break;
  }
  onefold_in_place_settle(&t->about, turns);
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

static onefold_status tune(in_place *t) {
  const onefold_in_place *about = &t->about;
  onefold_status status = onefold_runner_make(about->context, about->graph, about->exec, &t->base);
  if (status == ONEFOLD_OK) status = make_pairs(t);
  if (status == ONEFOLD_OK) status = add_layers(t);
  for (size_t i = 0; i < about->rotation->count && status == ONEFOLD_OK; i++)
    onefold_layer_announce(about, &about->rotation->layer[i], 0);
  const int64_t before = about->result->samples;
  if (status == ONEFOLD_OK) status = halve(t);
  const int stopped = about->options->stopped && about->options->stopped(about->options->user);
  const int begun = about->result->samples > before;
  return status == ONEFOLD_OK && (!stopped || begun) ? finish(t, stopped) : status;
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
                          .put = put,
                          .start = onefold_clock_now(),
                          .budget = options->budget > 0 ? options->budget : 60}};
  const onefold_status status = tune(&t);
  onefold_runner_destroy(&t.base);
  onefold_runner_destroy(&t.plain);
  onefold_rotation_forget(rotation);
  result->seconds = onefold_clock_now() - t.about.start;
  return status;
}
