// SPDX-License-Identifier: BSD-3-Clause
// Tilings of a convolution against each other: they take turns, and a turn's times are compared.
#include "tune/search.h"
#include "tune/workload.h"

#include <stdlib.h>
#include <string.h>

#define TURNS 51

/// A plan, and what it took in each turn.
typedef struct runner {
  onefold_conv2d_plan *plan;
  onefold_tiling chosen;
  size_t same;  // the first side with this plan
  int64_t runs; // of a sample
  double *ns;   // of a run, [turns]; NULL: `same` has them
} runner;

typedef struct comparison {
  onefold_context *context;
  const onefold_tune_options *options;
  onefold_workload workload;
  runner *runner; // [count]
  size_t count;
  double *scratch; // [turns]
  int32_t most, turns;
} comparison;

static onefold_status plan_sides(comparison *c, const onefold_conv2d_desc *desc,
                                 const onefold_tune_side *sides) {
  for (size_t i = 0; i < c->count; i++) {
    runner *r = &c->runner[i];
    const int given = sides[i].tiling && onefold_tiling_print(sides[i].tiling, NULL, 0) > 0;
    const onefold_status status = onefold_conv2d_plan_create_tiled(
        c->context, desc, given ? sides[i].tiling : NULL, &r->plan);
    if (status != ONEFOLD_OK) return status;
    onefold_conv2d_plan_get_tiling(r->plan, &r->chosen);
    memset(r->chosen.source, 0, sizeof r->chosen.source);
    r->same = 0;
    while (memcmp(&c->runner[r->same].chosen, &r->chosen, sizeof r->chosen) != 0) r->same++;
    r->ns = r->same == i ? calloc((size_t)c->most, sizeof *r->ns) : NULL;
    if (r->same == i && !r->ns) return ONEFOLD_OUT_OF_MEMORY;
  }
  return ONEFOLD_OK;
}

static int goes_on(const comparison *c, double start) {
  const onefold_tune_options *o = c->options;
  const double by_time = o->budget > 0 ? (onefold_clock_now() - start) / o->budget : 0;
  const double by_turns = (double)c->turns / c->most;
  const double part = by_time > by_turns ? by_time : by_turns;
  if (o->advanced) o->advanced(o->user, part < 1 ? part : 1);
  return !(o->stopped && o->stopped(o->user)) && part < 1;
}

static onefold_status take_turns(comparison *c) {
  const double start = onefold_clock_now();
  for (size_t i = 0; i < c->count; i++) { // pages and runs of a sample
    runner *r = &c->runner[i];
    if (r->same == i && !(onefold_workload_time(&c->workload, r->plan, &r->runs) > 0))
      return ONEFOLD_UNSUPPORTED;
  }
  for (; goes_on(c, start); c->turns++) {
    for (size_t i = 0; i < c->count; i++) {
      runner *r = &c->runner[(i + (size_t)c->turns) % c->count];
      if (r->ns) r->ns[c->turns] = onefold_workload_time(&c->workload, r->plan, &r->runs);
    }
  }
  return ONEFOLD_OK;
}

static void judge(comparison *c, size_t index, onefold_tune_side *side) {
  const double *own = c->runner[c->runner[index].same].ns, *first = c->runner[0].ns;
  double spread = 0;
  memcpy(c->scratch, own, (size_t)c->turns * sizeof *own);
  side->median_ns = onefold_search_median(c->scratch, c->turns, &side->spread);
  for (int32_t i = 0; i < c->turns; i++) c->scratch[i] = own[i] / first[i];
  side->ratio = onefold_search_median(c->scratch, c->turns, &spread);
  side->noise = onefold_search_noise(spread, c->turns);
  side->turns = c->turns;
}

static onefold_status compare(comparison *c, const onefold_conv2d_desc *desc,
                              onefold_tune_side *sides) {
  c->runner = calloc(c->count, sizeof *c->runner);
  c->scratch = calloc((size_t)c->most, sizeof *c->scratch);
  if (!c->runner || !c->scratch) return ONEFOLD_OUT_OF_MEMORY;
  onefold_status status =
      onefold_workload_make(c->context, desc, c->options->situation != ONEFOLD_WARM, &c->workload);
  if (status == ONEFOLD_OK) status = plan_sides(c, desc, sides);
  if (status == ONEFOLD_OK) status = take_turns(c);
  for (size_t i = 0; i < c->count && status == ONEFOLD_OK; i++) judge(c, i, &sides[i]);
  return status;
}

onefold_status onefold_tune_compare(onefold_context *context, const onefold_conv2d_desc *desc,
                                    const onefold_tune_options *options, int32_t turns,
                                    onefold_tune_side *sides, size_t count) {
  if (!context || !options || options->struct_size != sizeof *options || !sides || !count ||
      turns < 0 || options->budget < 0 ||
      (options->situation != ONEFOLD_WARM && options->situation != ONEFOLD_COLD))
    return ONEFOLD_INVALID_ARGUMENT;
  comparison c = {
      .context = context, .options = options, .count = count, .most = turns ? turns : TURNS};
  onefold_shape out;
  onefold_status status = onefold_conv2d_output_shape(context, desc, &out);
  if (status == ONEFOLD_OK) {
    status = compare(&c, desc, sides);
    onefold_workload_destroy(&c.workload);
  }
  for (size_t i = 0; c.runner && i < count; i++) {
    onefold_conv2d_plan_destroy(c.runner[i].plan);
    free(c.runner[i].ns);
  }
  free(c.runner);
  free(c.scratch);
  return status;
}
