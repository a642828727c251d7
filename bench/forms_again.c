// SPDX-License-Identifier: BSD-3-Clause
// The folded form of a model, prepared for timing once more on fewer threads.
#include "bench/forms.h"
#include "bench/image.h"

#include <stdlib.h>

static int run(void *user) {
  const bench_model_again *again = user;
  const float *inputs[BENCH_INPUTS];
  onefold_bench_model_inputs(again->model, inputs);
  return onefold_exec_run(again->exec, inputs, again->outputs) != ONEFOLD_OK;
}

static onefold_status make(bench_model_again *again) {
  bench_model *model = again->model;
  for (size_t k = 0; k < model->output_count; k++) {
    again->outputs[k] = onefold_bench_floats(model->outputs[k].floats);
    if (!again->outputs[k]) return ONEFOLD_OUT_OF_MEMORY;
  }
  const bench_form *form = &model->forms[BENCH_FOLDED];
  const float *inputs[BENCH_INPUTS];
  onefold_bench_model_inputs(model, inputs);
  const onefold_exec_options options = onefold_bench_model_options(model, BENCH_FOLDED);
  const onefold_status status = onefold_bench_again_exec(model->session, form->graph, &options,
                                                         inputs, again->outputs, &again->exec);
  if (status != ONEFOLD_OK) return status;
  onefold_exec_info info;
  onefold_exec_get_info(again->exec, &info);
  again->calls = (bench_again){.session = model->session,
                               .run = run,
                               .user = again,
                               .input = model->inputs[0].values,
                               .output = again->outputs[0],
                               .input_floats = model->inputs[0].floats,
                               .output_floats = model->outputs[0].floats,
                               .label = model->place[0] ? model->place : NULL,
                               .flops = form->flops,
                               .bytes = form->bytes,
                               .memory = (double)info.packed_bytes + (double)info.arena_bytes};
  return ONEFOLD_OK;
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
  double error = 0;
  onefold_status status = make(again);
  if (status == ONEFOLD_OK && plain) status = check(again, plain, &error);
  return onefold_bench_again_judge(model->session, model->problem, status, error);
}

void onefold_bench_model_again_destroy(bench_model_again *again) {
  onefold_exec_destroy(again->exec);
  for (size_t k = 0; k < BENCH_OUTPUTS; k++) free(again->outputs[k]);
}
