// SPDX-License-Identifier: BSD-3-Clause
// Starts of a network, each as a process has it but for the loading of the program.
#include "bench/prepare.h"

#include "bench/cached.h"
#include "bench/timed.h"

enum { READ, PREPARE, MAP, STARTS };

/// One start, and what it leaves to be released before the next.
typedef struct start {
  const bench_model *model;
  bench_source source;
  int kind;
  onefold_context *context;
  onefold_graph *graph;
  onefold_exec *exec;
} start;

static int forget(void *user) {
  start *s = user;
  onefold_exec_destroy(s->exec);
  onefold_graph_destroy(s->graph);
  onefold_context_destroy(s->context);
  s->exec = NULL;
  s->graph = NULL;
  s->context = NULL;
  return 0;
}

static onefold_status read_weights(start *s) {
  onefold_weights *weights = NULL;
  onefold_status status = s->source.weights
                              ? onefold_weights_open(s->context, s->source.weights, &weights)
                              : onefold_weights_seeded(s->context, s->source.seed, &weights);
  if (status == ONEFOLD_OK)
    status =
        onefold_network_build(s->context, s->source.network, s->source.input, weights, &s->graph);
  onefold_weights_close(weights);
  return status;
}

static onefold_status prepare(start *s, const char *directory) {
  const onefold_exec_options options = onefold_bench_model_options(s->model, s->source.form);
  const onefold_cache_options cache =
      onefold_bench_cache(directory, s->model->session->options->command);
  char content[BENCH_CONTENT] = "";
  onefold_status status =
      directory ? onefold_bench_source_content(s->context, &s->source, content) : ONEFOLD_OK;
  if (status == ONEFOLD_OK)
    status = onefold_exec_cached(s->context, &cache, content, onefold_bench_source_make, &s->source,
                                 &options, &s->exec);
  return status;
}

static int run(void *user) {
  start *s = user;
  const bench_session *session = s->model->session;
  onefold_status status = onefold_bench_session_context(session, &s->context);
  if (status == ONEFOLD_OK)
    status = s->kind == READ ? read_weights(s)
                             : prepare(s, s->kind == MAP ? session->options->cache : NULL);
  if (status == ONEFOLD_OK) return 0;
  char sentence[512] = "";
  onefold_context_last_error(s->context, sentence, sizeof sentence);
  fprintf(stderr, "%s: %s (%s)\n", session->options->command, sentence,
          onefold_status_name(status));
  return 1;
}

/// Before a mapped start there was another, which has left its file.
static int run_before(void *user) {
  start *s = user;
  forget(s);
  if (s->kind != MAP || run(s)) return s->kind == MAP;
  return forget(s);
}

static const char *const keys[STARTS] = {"read", "prepare", "map"};

int onefold_bench_prepare_time(bench_model *model, const char *name, const char *network) {
  bench_session *session = model->session;
  const bench_options *o = session->options;
  if (!model->forms[BENCH_FOLDED].ready) return ONEFOLD_EXIT_OK;
  const size_t count = o->cache ? STARTS : MAP;
  start starts[STARTS];
  onefold_gbench_case cases[STARTS] = {{0}};
  bench_stat stats[STARTS] = {{0}}, *timed[STARTS];
  char names[STARTS][256];
  for (size_t i = 0; i < count; i++) {
    starts[i] = (start){.model = model,
                        .kind = (int)i,
                        .source = {.network = network,
                                   .input = model->inputs[0].shape,
                                   .form = BENCH_FOLDED,
                                   .weights = o->weights,
                                   .seed = o->seed}};
    snprintf(names[i], sizeof names[i], "%s/folded/%s/threads:%d", name, keys[i], (int)o->threads);
    cases[i] = (onefold_gbench_case){
        .name = names[i], .run = run, .prepare = run_before, .user = &starts[i], .once = 1};
    timed[i] = &stats[i];
  }
  const int status = onefold_bench_time(session, name, cases, timed, count, BENCH_SHORT_TIME,
                                        BENCH_STEP_REPETITIONS);
  for (size_t i = 0; i < count; i++) forget(&starts[i]);
  onefold_bench_progress_clear(&session->progress);
  if (status || onefold_gbench_is_listing(session->gbench)) return status;
  fprintf(session->out, "before the first run, with the files in memory\n");
  for (size_t i = 0; i < count; i++)
    onefold_bench_rows_add(session, keys[i], &stats[i], 0, 0, NULL, -1.0);
  fflush(session->out);
  return ONEFOLD_EXIT_OK;
}
