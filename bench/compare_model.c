// SPDX-License-Identifier: BSD-3-Clause
// A block's folded form against the peers, where it is one convolution.
#include "bench/compare_model.h"

#include "bench/image.h"
#include "bench/timed.h"

#include <stdlib.h>

static int run(void *user) {
  return onefold_bench_model_run(user, BENCH_FOLDED, NULL) != ONEFOLD_OK;
}

static int chill(void *user) {
  const bench_model *b = user;
  onefold_bench_session_chill(b->session, b->session->options->cold, b->inputs[0].values,
                              b->inputs[0].floats, b->forms[BENCH_FOLDED].outputs[0],
                              b->outputs[0].floats);
  return 0;
}

static int compare(bench_peers *peers, bench_model *model, const char *name,
                   const onefold_conv2d_desc *desc, const onefold_conv2d_weights *weights,
                   const float *zeros, float *plain_out) {
  bench_session *session = model->session;
  const bench_form *form = &model->forms[BENCH_FOLDED];
  onefold_status status = onefold_bench_model_run(model, BENCH_FOLDED, NULL);
  if (status == ONEFOLD_OK) {
    status = onefold_bench_model_plain(model, BENCH_FOLDED, plain_out);
  }
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, name, status);
  char row[256];
  snprintf(row, sizeof row, "%s/%s/threads:%d", name, onefold_bench_forms[BENCH_FOLDED].key,
           (int)session->options->threads);
  bench_ours ours = {
      .name = name,
      .timed = {.name = row,
                .run = run,
                .prepare = session->options->cold != BENCH_COLD_NONE ? chill : NULL,
                .user = model},
      .out = model->outputs[0].shape,
      .output = session->options->check ? plain_out : NULL,
      .flops = form->flops,
      .bytes = (double)form->info.packed_bytes + (double)form->info.arena_bytes,
      .repetitions = BENCH_REPETITIONS,
  };
  onefold_bench_count_work(session, &ours.timed, form->flops, form->bytes);
  if (session->options->check) onefold_bench_count(&ours.timed, "max_error", form->max_error, 0);
  const bench_peer_problem problem = {.layers = {{.desc = *desc,
                                                  .in = model->inputs[0].shape,
                                                  .out = model->outputs[0].shape,
                                                  .weight = weights->weight,
                                                  .bias = weights->bias ? weights->bias : zeros}},
                                      .count = 1,
                                      .input = model->inputs[0].plain};
  bench_stat stat = {0};
  return onefold_bench_compare(peers, &problem, &ours, &stat);
}

int onefold_bench_compare_model(bench_peers *peers, bench_model *model, const char *name) {
  bench_session *session = model->session;
  onefold_conv2d_desc desc;
  onefold_conv2d_weights weights;
  if (onefold_graph_as_conv2d(model->forms[BENCH_FOLDED].folded, &desc, &weights) != ONEFOLD_OK) {
    char sentence[256];
    onefold_context_last_error(session->context, sentence, sizeof sentence);
    session->refused = 1;
    if (!onefold_gbench_is_listing(session->gbench))
      fprintf(session->out, "%s: peers run one convolution; folded, %s\n", name, sentence);
    return ONEFOLD_EXIT_OK;
  }
  float *zeros = onefold_bench_floats((size_t)desc.out_channels);
  float *plain_out = onefold_bench_floats(onefold_bench_model_plain_floats(model));
  int status = ONEFOLD_EXIT_OK;
  if (!zeros || !plain_out) {
    status = onefold_bench_session_fail(session, name, ONEFOLD_OUT_OF_MEMORY);
  } else {
    for (int64_t i = 0; i < desc.out_channels; i++) zeros[i] = 0.0f;
    status = compare(peers, model, name, &desc, &weights, zeros, plain_out);
  }
  free(plain_out);
  free(zeros);
  return status;
}
