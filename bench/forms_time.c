// SPDX-License-Identifier: BSD-3-Clause
// Times the forms of a block or network against each other, and what is paid once.
#include "bench/forms.h"
#include "bench/image.h"
#include "bench/timed.h"

#include <stdlib.h>
#include <string.h>

#define MOST_REPETITIONS  11
#define LEAST_REPETITIONS 3
#define BLOCK_SECONDS     2.0 // that the forms of a block may take, if the least allows
#define NETWORK_SECONDS   15.0

static int run_form(void *user) {
  const bench_form_timing *t = user;
  return onefold_bench_model_run(t->model, t->form, NULL) != ONEFOLD_OK;
}

static int chill(void *user) {
  const bench_form_timing *t = user;
  const bench_model *b = t->model;
  onefold_bench_session_chill(b->session, b->session->options->cold, b->inputs[0].values,
                              b->inputs[0].floats, b->forms[t->form].outputs[0],
                              b->outputs[0].floats);
  return 0;
}

int onefold_bench_model_repetitions(const bench_model *model, double min_time) {
  const double seconds = model->is_network ? NETWORK_SECONDS : BLOCK_SECONDS;
  double flops = 0.0, forms = 0.0;
  for (int i = 0; i < BENCH_FORMS; i++) {
    if (!model->forms[i].ready) continue;
    flops += model->forms[i].flops;
    forms++;
  }
  // A quarter of the peak is a cautious guess; each form takes the minimum time at least.
  const double each = forms * min_time * 1.5 + flops * 4e-9 / model->session->peak.threads_gflops;
  const int n = (int)(seconds / each);
  return n < LEAST_REPETITIONS ? LEAST_REPETITIONS : n > MOST_REPETITIONS ? MOST_REPETITIONS : n;
}

void onefold_bench_model_add_case(bench_model *model, const char *name, int form,
                                  bench_form_cases *to) {
  const bench_session *session = model->session;
  bench_form *f = &model->forms[form];
  const size_t at = to->count++;
  onefold_gbench_case *c = &to->cases[at];
  to->timings[at] = (bench_form_timing){.model = model, .form = form};
  to->stats[at] = &f->stat;
  snprintf(to->names[at], sizeof to->names[at], "%s/%s/threads:%d", name,
           onefold_bench_forms[form].key, (int)session->options->threads);
  *c = (onefold_gbench_case){.name = to->names[at],
                             .label = model->place[0] ? model->place : NULL,
                             .run = run_form,
                             .prepare = session->options->cold != BENCH_COLD_NONE ? chill : NULL,
                             .user = &to->timings[at]};
  onefold_bench_count_work(session, c, f->flops, f->bytes);
  if (f->max_error >= 0) onefold_bench_count(c, "max_error", f->max_error, 0);
  onefold_bench_count(c, "memory_bytes", (double)f->info.packed_bytes + (double)f->info.arena_bytes,
                      0);
  onefold_bench_count(c, "arena_bytes", (double)f->info.arena_bytes, 0);
  onefold_bench_count(c, "tensor_bytes", (double)f->info.tensor_bytes, 0);
}

int onefold_bench_model_time(bench_model *model, const char *name) {
  const int cold = model->session->options->cold != BENCH_COLD_NONE;
  const double min_time = cold ? BENCH_SHORT_TIME : BENCH_MIN_TIME;
  bench_form_cases cases = {.count = 0};
  for (int i = 0; i < BENCH_FORMS; i++)
    if (model->forms[i].ready) onefold_bench_model_add_case(model, name, i, &cases);
  return onefold_bench_time(model->session, name, cases.cases, cases.stats, cases.count, min_time,
                            onefold_bench_model_repetitions(model, min_time));
}

// ------------------------------------------------------------------- steps

typedef struct timing {
  bench_model *model;
  int form;
  onefold_graph *graph; // of the fold step
  onefold_exec *exec;   // of the plan, pack and first-run steps
  float *image;         // where a reorder writes
} timing;

static int forget(timing *t) {
  onefold_graph_destroy(t->graph);
  onefold_exec_destroy(t->exec);
  t->graph = NULL;
  t->exec = NULL;
  return 0;
}

static int prepare_nothing(void *user) {
  return forget(user);
}

static int run_fold(void *user) {
  timing *t = user;
  return onefold_bench_model_fold(t->model, t->form, NULL, NULL, &t->graph) != ONEFOLD_OK;
}

static int run_plan(void *user) {
  timing *t = user;
  const onefold_exec_options options = onefold_bench_model_options(t->model, t->form);
  return onefold_exec_create(t->model->session->context, t->model->forms[t->form].graph, &options,
                             &t->exec) != ONEFOLD_OK;
}

static int prepare_plan(void *user) {
  return forget(user) || run_plan(user);
}

static int run_pack(void *user) {
  return onefold_exec_pack(((timing *)user)->exec) != ONEFOLD_OK;
}

static int prepare_packed(void *user) {
  return prepare_plan(user) || run_pack(user);
}

static int run_first(void *user) {
  timing *t = user;
  return onefold_bench_model_run(t->model, t->form, t->exec) != ONEFOLD_OK;
}

static int run_reorder_in(void *user) {
  const timing *t = user;
  const bench_model *b = t->model;
  const bench_tensor *input = &b->inputs[0];
  return onefold_reorder(b->session->context, input->shape, ONEFOLD_NCHW, input->plain,
                         input->layout, input->values) != ONEFOLD_OK;
}

static int run_reorder_out(void *user) {
  const timing *t = user;
  return onefold_bench_model_plain(t->model, t->model->forms[t->form].outputs, t->image) !=
         ONEFOLD_OK;
}

static double bytes_in(const bench_model *b) {
  const bench_tensor *input = &b->inputs[0];
  const size_t plain = onefold_tensor_elements(b->session->context, input->shape, ONEFOLD_NCHW);
  return (double)sizeof(float) * (double)(plain + input->floats);
}

static double bytes_out(const bench_model *b) {
  return (double)sizeof(float) * (double)(onefold_bench_model_plain_floats(b) + b->output_floats);
}

static const struct {
  const char *key;
  onefold_gbench_fn *prepare, *run;
  int once;
  double (*bytes)(const bench_model *model); // read and written; NULL: not a copy
} steps[BENCH_STEPS] = {
    [BENCH_STEP_FOLD] = {"fold", prepare_nothing, run_fold, 1, NULL},
    [BENCH_STEP_PLAN] = {"plan", prepare_nothing, run_plan, 1, NULL},
    [BENCH_STEP_PACK] = {"pack", prepare_plan, run_pack, 1, NULL},
    [BENCH_STEP_REORDER_IN] = {"reorder_in", NULL, run_reorder_in, 0, bytes_in},
    [BENCH_STEP_REORDER_OUT] = {"reorder_out", NULL, run_reorder_out, 0, bytes_out},
    [BENCH_STEP_FIRST_RUN] = {"first_run", prepare_packed, run_first, 1, NULL},
};

const char *onefold_bench_step_key(int step) {
  return steps[step].key;
}

static int applies(const bench_model *model, int form, int step) {
  switch (step) {
  case BENCH_STEP_FOLD:
    return model->forms[form].folded != NULL;
  case BENCH_STEP_REORDER_IN:
    return model->inputs[0].layout != ONEFOLD_NCHW;
  case BENCH_STEP_REORDER_OUT:
    return model->outputs[0].layout != ONEFOLD_NCHW;
  default:
    return 1;
  }
}

int onefold_bench_model_time_steps(bench_model *model, const char *name,
                                   bench_stat stats[BENCH_STEPS]) {
  bench_session *session = model->session;
  int form = BENCH_FOLDED;
  for (int i = 0; i < BENCH_FORMS; i++) {
    if (model->forms[i].exec && !model->forms[BENCH_FOLDED].exec) form = i;
  }
  memset(stats, 0, BENCH_STEPS * sizeof *stats);
  if (!model->forms[form].exec) return ONEFOLD_EXIT_OK; // the generated form alone
  timing timings[BENCH_STEPS];
  onefold_gbench_case cases[BENCH_STEPS] = {{0}};
  char names[BENCH_STEPS][256];
  float *image = onefold_bench_floats(onefold_bench_model_plain_floats(model));
  if (!image) return onefold_bench_session_fail(session, name, ONEFOLD_OUT_OF_MEMORY);
  bench_stat *timed[BENCH_STEPS] = {NULL};
  size_t count = 0;
  for (int i = 0; i < BENCH_STEPS; i++) {
    if (!applies(model, form, i)) continue;
    timings[count] = (timing){.model = model, .form = form, .image = image};
    snprintf(names[count], sizeof names[count], "%s/%s/%s/threads:%d", name,
             onefold_bench_forms[form].key, steps[i].key, (int)session->options->threads);
    cases[count] = (onefold_gbench_case){.name = names[count],
                                         .run = steps[i].run,
                                         .prepare = steps[i].prepare,
                                         .user = &timings[count],
                                         .once = steps[i].once};
    if (steps[i].bytes) onefold_bench_count_copy(session, &cases[count], steps[i].bytes(model));
    timed[count++] = &stats[i];
  }
  const int status = onefold_bench_time(session, name, cases, timed, count, BENCH_SHORT_TIME,
                                        BENCH_STEP_REPETITIONS);
  for (size_t i = 0; i < count; i++) forget(&timings[i]);
  free(image);
  return status;
}
