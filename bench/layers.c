// SPDX-License-Identifier: BSD-3-Clause
// The layers of a model inside its runs: measured first, then reported, a row each.
#include "bench/layers.h"

#include "bench/clock.h"
#include "bench/timed.h"

#include <stdlib.h>
#include <string.h>

static int fail(const bench_layers *l, onefold_status status) {
  return onefold_bench_session_fail(l->model->session, l->model->problem, status);
}

// ------------------------------------------------------------------- making

/// "stage1.0.rbr_reparam; conv; PROBLEM; ALGORITHM; KERNEL; SOURCE", a pair's parts with " + ".
static void print_label(bench_layer *layer) {
  const onefold_exec_step *s = &layer->step;
  char parts[4][160] = {"", "", "", ""};
  for (size_t i = 0; i < s->conv_count; i++) {
    const onefold_exec_conv *c = &s->convs[i];
    char problem[120];
    onefold_conv2d_desc_print(&c->desc, problem, sizeof problem);
    const char *const texts[] = {problem, c->plan.algorithm, c->plan.kernel, c->plan.source};
    for (int k = 0; k < 4; k++) {
      const size_t used = strlen(parts[k]);
      snprintf(parts[k] + used, sizeof parts[k] - used, "%s%.120s", i ? " + " : "", texts[k]);
    }
  }
  int used = snprintf(layer->label, sizeof layer->label, "%s; %s", s->name, s->op);
  for (int k = 0; k < 4 && s->conv_count && used < (int)sizeof layer->label; k++)
    used += snprintf(layer->label + used, sizeof layer->label - (size_t)used, "; %s", parts[k]);
}

static int make(bench_layers *l, bench_model *model, int form, size_t rounds, const char *name) {
  *l = (bench_layers){.model = model, .form = form, .rounds = rounds};
  l->count = model->forms[form].info.steps;
  snprintf(l->name, sizeof l->name, "%s/%s", name, onefold_bench_forms[form].key);
  l->items = calloc(l->count, sizeof *l->items);
  l->whole = calloc(rounds, sizeof *l->whole);
  if (!l->items || !l->whole) return fail(l, ONEFOLD_OUT_OF_MEMORY);
  for (size_t i = 0; i < l->count; i++) {
    bench_layer *layer = &l->items[i];
    layer->seconds = calloc(rounds, sizeof *layer->seconds);
    if (!layer->seconds) return fail(l, ONEFOLD_OUT_OF_MEMORY);
    const onefold_status status = onefold_exec_get_step(model->forms[form].exec, i, &layer->step);
    if (status != ONEFOLD_OK) return fail(l, status);
    snprintf(layer->name, sizeof layer->name, "%s/layer:%03zu/threads:%d", l->name, i + 1,
             (int)model->session->options->threads);
    print_label(layer);
  }
  return ONEFOLD_EXIT_OK;
}

static void destroy(bench_layers *l) {
  for (size_t i = 0; l->items && i < l->count; i++) free(l->items[i].seconds);
  free(l->items);
  free(l->whole);
}

// ----------------------------------------------------------------- measuring

/// Runs for BENCH_MIN_TIME without clocks, then as often with them.
static onefold_status measure(bench_layers *l, size_t round, double *scratch) {
  const bench_model *model = l->model;
  const bench_form *form = &model->forms[l->form];
  const float *inputs[BENCH_INPUTS] = {NULL};
  for (size_t i = 0; i < model->input_count; i++) inputs[i] = model->inputs[i].values;
  onefold_status status = onefold_exec_run(form->exec, inputs, form->outputs); // warm up
  size_t runs = 0;
  const double start = onefold_bench_now();
  double taken = 0;
  for (; status == ONEFOLD_OK && taken < BENCH_MIN_TIME; runs++) {
    status = onefold_exec_run(form->exec, inputs, form->outputs);
    taken = onefold_bench_now() - start;
  }
  for (size_t k = 0; k < runs && status == ONEFOLD_OK; k++) {
    status = onefold_exec_run_timed(form->exec, inputs, form->outputs, scratch);
    for (size_t i = 0; i < l->count; i++) l->items[i].seconds[round] += scratch[i] / (double)runs;
  }
  l->whole[round] = taken / (double)runs;
  return status;
}

static bench_stat stat_of(const double *values, double *sorted, size_t count) {
  memcpy(sorted, values, count * sizeof *sorted);
  onefold_bench_sort(sorted, count);
  return onefold_bench_stat(sorted, count);
}

/// Medians over the rounds. `sums`, `scratch`: [rounds].
static void conclude(bench_layers *l, double *sums, double *scratch) {
  for (size_t r = 0; r < l->rounds; r++) {
    sums[r] = 0;
    for (size_t i = 0; i < l->count; i++) sums[r] += l->items[i].seconds[r];
  }
  for (size_t i = 0; i < l->count; i++) {
    bench_layer *layer = &l->items[i];
    layer->stat = stat_of(layer->seconds, scratch, l->rounds);
    for (size_t r = 0; r < l->rounds; r++) scratch[r] = layer->seconds[r] / sums[r];
    layer->share = onefold_bench_median(scratch, l->rounds);
  }
  l->run = stat_of(l->whole, scratch, l->rounds);
  l->steps = stat_of(sums, scratch, l->rounds);
}

// ----------------------------------------------------------------- reporting

/// A row of the JSON for each layer.
static void report(const bench_layers *l) {
  bench_session *session = l->model->session;
  for (size_t i = 0; i < l->count; i++) {
    const bench_layer *layer = &l->items[i];
    const onefold_exec_step *s = &layer->step;
    onefold_gbench_case row = {.name = layer->name, .label = layer->label};
    onefold_bench_count_work(session, &row, 2.0 * s->macs,
                             (double)(s->packed_bytes + s->read_bytes + s->written_bytes));
    onefold_bench_count(&row, "packed_bytes", (double)s->packed_bytes, 0);
    onefold_bench_count(&row, "share", layer->share, 0);
    onefold_bench_count(&row, "run_ns", 1e9 * l->run.median, 0);
    if (layer->alone.count) onefold_bench_count(&row, "alone_ns", 1e9 * layer->alone.median, 0);
    onefold_gbench_add_row(session->gbench, &row, layer->seconds, l->rounds);
  }
}

static int has_layers(const bench_model *model, int form) {
  return model->forms[form].exec && !onefold_bench_forms[form].rewrite;
}

/// Rounds in which the forms take turns, then all medians.
static int measure_all(bench_model *model, bench_layers *layers, const char *name) {
  bench_session *session = model->session;
  size_t most = 0;
  for (int f = 0; f < BENCH_FORMS; f++)
    if (layers[f].count > most) most = layers[f].count;
  const size_t rounds = BENCH_REPETITIONS;
  double *scratch = calloc(most + 2 * rounds, sizeof *scratch);
  onefold_status status = scratch ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  for (size_t r = 0; r < rounds; r++) {
    onefold_bench_progress_show(&session->progress, name);
    for (int f = 0; f < BENCH_FORMS && status == ONEFOLD_OK; f++)
      if (layers[f].count) status = measure(&layers[f], r, scratch);
  }
  onefold_bench_progress_clear(&session->progress);
  for (int f = 0; f < BENCH_FORMS && status == ONEFOLD_OK; f++)
    if (layers[f].count) conclude(&layers[f], scratch, scratch + rounds);
  free(scratch);
  return status == ONEFOLD_OK ? ONEFOLD_EXIT_OK
                              : onefold_bench_session_fail(session, model->problem, status);
}

int onefold_bench_layers_time(bench_model *model, const char *name) {
  const int listing = onefold_gbench_is_listing(model->session->gbench);
  bench_layers layers[BENCH_FORMS];
  memset(layers, 0, sizeof layers);
  int status = ONEFOLD_EXIT_OK;
  for (int f = 0; f < BENCH_FORMS && !status; f++)
    if (has_layers(model, f)) status = make(&layers[f], model, f, BENCH_REPETITIONS, name);
  if (!status && !listing) status = measure_all(model, layers, name);
  for (int f = 0; f < BENCH_FORMS && !status; f++) {
    if (!layers[f].count) continue;
    if (!listing) status = onefold_bench_layers_alone(&layers[f]);
    if (!status) report(&layers[f]);
    if (!status && !listing) onefold_bench_layers_print(&layers[f]);
  }
  for (int f = 0; f < BENCH_FORMS; f++) destroy(&layers[f]);
  return status;
}
