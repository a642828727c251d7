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

/// Turns of a round, and of the end game; the part of the budget that rounds may use.
#define ROUND_TURNS 7
#define END_TURNS   41
#define ROUNDS      0.6

static int give(void *user, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  const onefold_layer *layer = onefold_rotation_find(user, desc);
  if (!layer || !layer->current) return 0;
  *tiling = *layer->current;
  return 1;
}

static void forget(onefold_rotation *rotation) {
  for (size_t i = 0; i < rotation->count; i++) free(rotation->layer[i].candidate);
  free(rotation->layer);
  rotation->layer = NULL;
  rotation->count = 0;
}

onefold_status onefold_rotation_create(onefold_context_options *options,
                                       onefold_rotation **rotation) {
  if (!options || !rotation) return ONEFOLD_INVALID_ARGUMENT;
  *rotation = NULL;
  onefold_rotation *made = calloc(1, sizeof *made);
  if (!made) return ONEFOLD_OUT_OF_MEMORY;
  onefold_context_options plain = *options;
  plain.tiling = NULL;
  plain.planned = NULL;
  const onefold_status status = onefold_context_create(&plain, &made->context);
  if (status != ONEFOLD_OK) {
    free(made);
    return status;
  }
  options->tiling = give;
  options->tiling_user = made;
  *rotation = made;
  return ONEFOLD_OK;
}

void onefold_rotation_destroy(onefold_rotation *rotation) {
  if (!rotation) return;
  forget(rotation);
  onefold_context_destroy(rotation->context);
  free(rotation);
}

// ------------------------------------------------------------------- layers

typedef struct in_place {
  onefold_context *context;
  onefold_rotation *rotation;
  const onefold_graph *graph;
  const onefold_exec_options *exec;
  const onefold_tune_options *options;
  onefold_tune_result *result;
  onefold_runner base;
  double start, budget;
  double total[2][ONEFOLD_MOST_TURNS]; // seconds of whole runs, of the base and the other
} in_place;

static int goes_on(const in_place *t, double part) {
  const double used = (onefold_clock_now() - t->start) / t->budget;
  if (t->options->advanced) t->options->advanced(t->options->user, used < 1 ? used : 1);
  if (t->options->stopped && t->options->stopped(t->options->user)) return 0;
  return used < part;
}

/// The candidates of a layer, without the default choice.
static onefold_status collect(const in_place *t, onefold_layer *layer) {
  onefold_tune_options options = *t->options;
  onefold_candidates candidates = {0};
  options.situation = ONEFOLD_COLD;
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

static onefold_status add_layer(in_place *t, const onefold_conv2d_desc *desc) {
  onefold_rotation *rotation = t->rotation;
  onefold_layer *found = onefold_rotation_find(rotation, desc);
  if (found) {
    found->steps++;
    return ONEFOLD_OK;
  }
  onefold_layer *grown = realloc(rotation->layer, (rotation->count + 1) * sizeof *grown);
  if (!grown) return ONEFOLD_OUT_OF_MEMORY;
  rotation->layer = grown;
  onefold_layer *layer = &grown[rotation->count];
  memset(layer, 0, sizeof *layer);
  layer->desc = *desc;
  layer->steps = 1;
  layer->best_ratio = 1;
  if (!onefold_index_describe(rotation->context, desc, &layer->about)) return ONEFOLD_OK;
  rotation->count++;
  const onefold_status status =
      onefold_record_row_init(t->context, NULL, desc, ONEFOLD_IN_PLACE, &layer->row);
  return status == ONEFOLD_OK ? collect(t, layer) : status;
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

/// Runs the base and an execution with the current tilings in turns. *turns is their number.
static onefold_status compare(in_place *t, int32_t most, double part, int32_t *turns) {
  onefold_runner other;
  *turns = 0;
  const onefold_status status = onefold_runner_make(t->context, t->graph, t->exec, &other);
  for (; status == ONEFOLD_OK && *turns < most && goes_on(t, part); ++*turns) {
    for (int i = 0; i < 2; i++) {
      const int is_base = i == *turns % 2;
      t->total[!is_base][*turns] =
          onefold_runner_time(is_base ? &t->base : &other, t->rotation, is_base, *turns);
    }
    t->result->samples += 2;
  }
  onefold_runner_destroy(&other);
  return status;
}

/// Median of the layer's time over that of the base in the same turn; 0 where it was in no step.
static double ratio_of(const onefold_layer *layer, int32_t turns, double *spread) {
  double ratio[ONEFOLD_MOST_TURNS];
  int32_t count = 0;
  for (int32_t i = 0; i < turns; i++) {
    if (layer->base[i] > 0 && layer->other[i] > 0)
      ratio[count++] = layer->other[i] / layer->base[i];
  }
  return count < 3 ? 0 : onefold_search_median(ratio, count, spread);
}

/// Each layer's candidate of that round; those that have no more take the default choice.
static onefold_status run_round(in_place *t, size_t round) {
  onefold_rotation *rotation = t->rotation;
  int32_t turns = 0;
  for (size_t i = 0; i < rotation->count; i++) {
    onefold_layer *layer = &rotation->layer[i];
    layer->current = round < layer->count ? &layer->candidate[round] : NULL;
  }
  const onefold_status status = compare(t, ROUND_TURNS, ROUNDS, &turns);
  for (size_t i = 0; i < rotation->count; i++) {
    onefold_layer *layer = &rotation->layer[i];
    double spread = 0;
    const double ratio = ratio_of(layer, turns, &spread);
    if (layer->current && ratio > 0 && ratio < layer->best_ratio) {
      layer->best = layer->current;
      layer->best_ratio = ratio;
    }
  }
  return status;
}

/// Fills and gives out the layer's row.
static void settle(in_place *t, onefold_layer *layer, int32_t turns, onefold_tune_row_fn put) {
  double spread = 0, base_spread = 0;
  const double margin = t->options->margin > 0 ? t->options->margin : 0.02;
  const double ratio = layer->best ? ratio_of(layer, turns, &spread) : 0;
  const int gains =
      ratio > 0 && ratio * (1 + margin) < 1 && 1 - ratio > onefold_search_noise(spread, turns);
  onefold_record_row *row = &layer->row;
  const double base = onefold_search_median(layer->base, turns, &base_spread);
  row->default_ns = base * 1e9 / (double)layer->steps;
  row->median_ns = gains ? row->default_ns * ratio : row->default_ns;
  row->spread = gains ? spread : base_spread;
  row->trials = turns * (int64_t)layer->steps;
  if (gains) row->tiling = *layer->best;
  if (row->median_ns > 0 && put) put(t->options->user, row, layer->steps);
}

static onefold_status finish(in_place *t, onefold_tune_row_fn put) {
  onefold_rotation *rotation = t->rotation;
  int32_t turns = 0;
  for (size_t i = 0; i < rotation->count; i++) rotation->layer[i].current = rotation->layer[i].best;
  const onefold_status status = compare(t, END_TURNS, 1, &turns);
  if (status != ONEFOLD_OK || turns < 5) return status;
  for (size_t i = 0; i < rotation->count; i++) settle(t, &rotation->layer[i], turns, put);
  t->result->row.default_ns = onefold_search_median(t->total[0], turns, NULL) * 1e9;
  t->result->row.median_ns =
      onefold_search_median(t->total[1], turns, &t->result->row.spread) * 1e9;
  t->result->row.trials = turns;
  t->result->finished = 1;
  return ONEFOLD_OK;
}

static onefold_status tune(in_place *t, onefold_tune_row_fn put) {
  onefold_status status = onefold_runner_make(t->context, t->graph, t->exec, &t->base);
  if (status == ONEFOLD_OK) status = add_layers(t);
  size_t rounds = 0;
  for (size_t i = 0; i < t->rotation->count; i++) {
    if (t->rotation->layer[i].count > rounds) rounds = t->rotation->layer[i].count;
  }
  for (size_t i = 0; i < rounds && status == ONEFOLD_OK && goes_on(t, ROUNDS); i++)
    status = run_round(t, i);
  const int stopped = t->options->stopped && t->options->stopped(t->options->user);
  return status == ONEFOLD_OK && !stopped ? finish(t, put) : status;
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
  forget(rotation);
  in_place t = {.context = context,
                .rotation = rotation,
                .graph = graph,
                .exec = exec,
                .options = options,
                .result = result,
                .start = onefold_clock_now(),
                .budget = options->budget > 0 ? options->budget : 60};
  const onefold_status status = tune(&t, put);
  onefold_runner_destroy(&t.base);
  forget(rotation);
  result->seconds = onefold_clock_now() - t.start;
  return status;
}
