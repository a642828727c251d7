// SPDX-License-Identifier: BSD-3-Clause
// The folded form of a block or network against the peers, and against itself on fewer threads.
#include "bench/compare_model.h"

#include "bench/image.h"
#include "bench/timed.h"

#include <stdlib.h>

/// Whether a convolution of the form is one by Winograd.
static int transforms(const bench_form *form) {
  onefold_exec_step step;
  for (size_t i = 0; i < form->info.steps; i++) {
    if (onefold_exec_get_step(form->exec, i, &step) != ONEFOLD_OK) return 0;
    for (size_t k = 0; k < step.conv_count; k++)
      if (onefold_bench_transforms(step.convs[k].plan.algorithm)) return 1;
  }
  return 0;
}

/// The folded form with the peers, and with a network's other forms.
static int compare(bench_peers *peers, bench_model *model, const char *name,
                   const bench_peer_problem *problem, float *plain_out) {
  bench_session *session = model->session;
  const bench_form *form = &model->forms[BENCH_FOLDED];
  onefold_status status = onefold_bench_model_run(model, BENCH_FOLDED, NULL);
  if (status == ONEFOLD_OK) status = onefold_bench_model_plain(model, form->outputs, plain_out);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, name, status);
  bench_form_cases cases = {.count = 0};
  onefold_bench_model_add_case(model, name, BENCH_FOLDED, &cases);
  for (int i = 0; i < BENCH_FORMS && model->is_network; i++)
    if (i != BENCH_FOLDED && model->forms[i].ready)
      onefold_bench_model_add_case(model, name, i, &cases);
  bench_ours ours = {
      .name = name,
      .timed = cases.cases[0],
      .output = session->options->check ? plain_out : NULL,
      .floats = onefold_bench_model_plain_floats(model),
      .flops = form->flops,
      .bytes = (double)form->info.packed_bytes + (double)form->info.arena_bytes,
      .transformed = transforms(form),
      .repetitions = model->is_network ? onefold_bench_model_repetitions(model, BENCH_MIN_TIME)
                                       : BENCH_REPETITIONS,
      .others = cases.cases + 1,
      .other_stats = cases.stats + 1,
      .other_count = cases.count - 1,
  };
  bench_model_again again = {.exec = NULL};
  char fewer_row[256];
  int failed = ONEFOLD_EXIT_OK;
  if (session->fewer) {
    failed = onefold_bench_model_again_make(model, ours.output, &again);
    snprintf(fewer_row, sizeof fewer_row, "%s/%s/threads:%d", name,
             onefold_bench_forms[BENCH_FOLDED].key, (int)session->options->fewer);
    if (!failed) ours.besides[0] = onefold_bench_again_case(&again.calls, fewer_row);
  }
  if (!failed)
    failed = onefold_bench_compare(peers, problem, &ours, &model->forms[BENCH_FOLDED].stat);
  onefold_bench_model_again_destroy(&again);
  return failed;
}

/// What the folded form computes, as a peer gets it: where it is nothing that one runs, a line says
/// why and the problem has no layers. `zeros` is to be freed. Returns an onefold_exit.
static int describe(bench_model *model, const char *name, bench_peer_problem *problem,
                    float **zeros) {
  bench_session *session = model->session;
  const onefold_graph *folded = model->forms[BENCH_FOLDED].folded;
  *problem = (bench_peer_problem){.input = model->inputs[0].plain,
                                  .network = model->is_network ? folded : NULL};
  if (model->is_network || !session->options->peer_count) return ONEFOLD_EXIT_OK;
  bench_peer_layer *layer = &problem->layers[0];
  layer->in = model->inputs[0].shape;
  layer->out = model->outputs[0].shape;
  onefold_conv2d_weights weights;
  if (onefold_graph_as_conv2d(folded, &layer->desc, &weights) != ONEFOLD_OK) {
    char sentence[256];
    onefold_context_last_error(session->context, sentence, sizeof sentence);
    session->refused = 1;
    if (!onefold_gbench_is_listing(session->gbench))
      fprintf(session->out, "%s: peers run one convolution; folded, %s\n", name, sentence);
    return ONEFOLD_EXIT_OK;
  }
  const size_t channels = (size_t)layer->desc.out_channels;
  *zeros = onefold_bench_floats(channels);
  if (!*zeros) return onefold_bench_session_fail(session, name, ONEFOLD_OUT_OF_MEMORY);
  for (size_t i = 0; i < channels; i++) (*zeros)[i] = 0.0f;
  layer->weight = weights.weight;
  layer->bias = weights.bias ? weights.bias : *zeros;
  problem->count = 1;
  return ONEFOLD_EXIT_OK;
}

int onefold_bench_compare_model(bench_peers *peers, bench_model *model, const char *name) {
  bench_peer_problem problem;
  float *zeros = NULL;
  int status = describe(model, name, &problem, &zeros);
  if (!status && (problem.network || problem.count || model->session->fewer)) {
    float *plain_out = onefold_bench_floats(onefold_bench_model_plain_floats(model));
    status = plain_out ? compare(peers, model, name, &problem, plain_out)
                       : onefold_bench_session_fail(model->session, name, ONEFOLD_OUT_OF_MEMORY);
    free(plain_out);
  }
  free(zeros);
  return status;
}
