// SPDX-License-Identifier: BSD-3-Clause
// The folded form of a model, prepared for timing once more on fewer threads.
#include "bench/forms.h"
#include "bench/image.h"
#include "bench/timed.h"

#include <stdlib.h>

static onefold_status run_once(const bench_model_again *again) {
  const bench_model *model = again->model;
  const float *inputs[BENCH_INPUTS] = {NULL};
  for (size_t i = 0; i < model->input_count; i++) inputs[i] = model->inputs[i].values;
  return onefold_exec_run(again->exec, inputs, again->outputs);
}

static onefold_status make(bench_model_again *again) {
  const bench_model *model = again->model;
  for (size_t k = 0; k < model->output_count; k++) {
    again->outputs[k] = onefold_bench_floats(model->outputs[k].floats);
    if (!again->outputs[k]) return ONEFOLD_OUT_OF_MEMORY;
  }
  const onefold_exec_options options = onefold_bench_model_options(model, BENCH_FOLDED);
  onefold_status status = onefold_exec_create(
      model->session->fewer, model->forms[BENCH_FOLDED].graph, &options, &again->exec);
  if (status == ONEFOLD_OK) status = onefold_exec_pack(again->exec);
  return status == ONEFOLD_OK ? run_once(again) : status;
}

static onefold_status check(const bench_model_again *again, const float *plain, double *error) {
  float *values = onefold_bench_floats(onefold_bench_model_plain_floats(again->model));
  if (!values) return ONEFOLD_OUT_OF_MEMORY;
  const onefold_status status = onefold_bench_model_plain(again->model, again->outputs, values);
  if (status == ONEFOLD_OK) *error = onefold_bench_model_error(again->model, values, plain);
  free(values);
  return status;
}

int onefold_bench_model_again_make(bench_model *model, const float *plain,
                                   bench_model_again *again) {
  *again = (bench_model_again){.model = model};
  bench_session *session = model->session;
  double error = 0;
  onefold_status status = make(again);
  if (status == ONEFOLD_OK && plain) status = check(again, plain, &error);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, model->problem, status);
  if (!(error <= BENCH_ERROR_LIMIT)) onefold_bench_session_wrong(session, model->problem, error);
  return ONEFOLD_EXIT_OK;
}

void onefold_bench_model_again_destroy(bench_model_again *again) {
  onefold_exec_destroy(again->exec);
  for (size_t k = 0; k < BENCH_OUTPUTS; k++) free(again->outputs[k]);
}

static int run(void *user) {
  return run_once(user) != ONEFOLD_OK;
}

static int chill(void *user) {
  const bench_model_again *a = user;
  const bench_model *b = a->model;
  onefold_bench_session_chill(b->session, b->session->options->cold, b->inputs[0].values,
                              b->inputs[0].floats, a->outputs[0], b->outputs[0].floats);
  return 0;
}

/// With threads that are awake, as those of the session's context.
static double run_many(void *user, int64_t count) {
  const bench_model_again *again = user;
  return onefold_bench_time_together(again->model->session->fewer, run, user, count);
}

onefold_gbench_case onefold_bench_model_again_case(bench_model_again *again, const char *name) {
  const bench_model *model = again->model;
  const bench_form *form = &model->forms[BENCH_FOLDED];
  const int cold = model->session->options->cold != BENCH_COLD_NONE;
  onefold_exec_info info;
  onefold_exec_get_info(again->exec, &info);
  onefold_gbench_case made = {
      .name = name, .label = model->place[0] ? model->place : NULL, .user = again};
  if (cold) {
    made.run = run;
    made.prepare = chill;
  } else {
    made.batch = run_many;
  }
  onefold_bench_count_rate(&made, form->flops, form->bytes);
  onefold_bench_count(&made, "memory_bytes", (double)info.packed_bytes + (double)info.arena_bytes,
                      0);
  return made;
}
