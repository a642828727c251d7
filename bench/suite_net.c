// SPDX-License-Identifier: BSD-3-Clause
// Whole networks in each of their forms, layer by layer where asked for.
#include "bench/compare_model.h"
#include "bench/layers.h"
#include "bench/prepare.h"
#include "bench/timed.h"

#include <stdlib.h>
#include <string.h>

/// What is kept of a network once it is gone.
typedef struct outcome {
  const char *name;
  bench_stat forms[BENCH_FORMS];
} outcome;

/// The networks of the arguments, each known.
typedef struct networks {
  const char **names;
  size_t count;
} networks;

static int parse(const bench_options *o, networks *list) {
  size_t known = 0;
  while (onefold_network_name(known)) known++;
  const int all = o->argument_count == 1 && strcmp(o->arguments[0].text, "all") == 0;
  list->count = all ? known : o->argument_count;
  list->names = calloc(list->count + 1, sizeof *list->names);
  if (!list->names) {
    fprintf(stderr, "%s: out of memory\n", o->command);
    return ONEFOLD_EXIT_FAILURE;
  }
  const char *wrong = list->count ? NULL : "no network is given";
  for (size_t i = 0; i < list->count; i++) {
    list->names[i] = all ? onefold_network_name(i) : o->arguments[i].text;
    if (!onefold_network_summary(list->names[i])) wrong = list->names[i];
  }
  if (!wrong) return ONEFOLD_EXIT_OK;
  fprintf(stderr, "%s: %s; the networks are all,", o->command, wrong);
  for (size_t i = 0; i < known; i++) fprintf(stderr, " %s", onefold_network_name(i));
  fputc('\n', stderr);
  return ONEFOLD_EXIT_USAGE;
}

static int open_weights(bench_session *session, onefold_weights **weights) {
  const bench_options *o = session->options;
  const onefold_status status = o->weights
                                    ? onefold_weights_open(session->context, o->weights, weights)
                                    : onefold_weights_seeded(session->context, o->seed, weights);
  if (status != ONEFOLD_OK) {
    onefold_bench_session_fail(session, o->weights ? o->weights : "weights", status);
    return session->status = ONEFOLD_EXIT_FAILURE;
  }
  if (o->weights)
    onefold_bench_session_note(session, "weights", "%s", o->weights);
  else
    onefold_bench_session_note(session, "weights", "generated, variance-preserving, seed %llu",
                               (unsigned long long)o->seed);
  return ONEFOLD_EXIT_OK;
}

/// "mb1ih224", or "mb2ih480iw640".
static void print_problem(const bench_model *model, char *text, size_t size) {
  const onefold_shape in = model->inputs[0].shape;
  int used = snprintf(text, size, "mb%lldih%lld", (long long)in.n, (long long)in.h);
  if (in.w != in.h) snprintf(text + used, size - (size_t)used, "iw%lld", (long long)in.w);
}

/// The table of the forms, which have been timed, and what a start takes.
static int add_forms(bench_model *model, const char *name, const char *network) {
  bench_session *session = model->session;
  bench_stat steps[BENCH_STEPS];
  int status = onefold_bench_model_time_steps(model, name, steps);
  onefold_bench_progress_clear(&session->progress);
  if (!status && !onefold_gbench_is_listing(session->gbench)) {
    onefold_bench_model_print(model, name, steps);
    onefold_bench_model_print_regions(model);
  }
  return status ? status : onefold_bench_prepare_time(model, name, network);
}

/// The table of a comparison has a line for each network, and the forms are beside it where asked
/// for.
static int wants_forms(const bench_options *o) {
  return !onefold_bench_compares(o) || o->rewrites || o->cache;
}

static int time_network(bench_session *session, bench_peers *peers, const char *network,
                        const onefold_weights *weights, outcome *kept) {
  const bench_options *o = session->options;
  const bench_model_spec spec = {.network = network,
                                 .problem = network,
                                 .params.input = {o->images, 0, o->height, o->width},
                                 .weights = weights};
  bench_model model;
  char problem[64], name[192];
  int status = onefold_bench_model_make(session, &spec, &model);
  if (!status) {
    print_problem(&model, problem, sizeof problem);
    snprintf(name, sizeof name, "net/%s/%s%s%s", network, problem, o->has_layout ? "/layout:" : "",
             o->has_layout ? onefold_layout_name(o->layout) : "");
    status = onefold_bench_compares(o) ? onefold_bench_compare_model(peers, &model, name)
                                       : onefold_bench_model_time(&model, name);
    if (!status && wants_forms(o) && onefold_bench_session_goes_on(session))
      status = add_forms(&model, name, network);
    if (!status && o->layers && onefold_bench_session_goes_on(session))
      status = onefold_bench_layers_time(&model, name);
  }
  kept->name = network;
  for (int i = 0; i < BENCH_FORMS; i++) kept->forms[i] = model.forms[i].stat;
  onefold_bench_model_destroy(&model);
  return status;
}

/// Non-zero where forms were timed against each other that no other table has side by side.
static int wants_summary(const bench_options *o, size_t count) {
  return o->forms[BENCH_FOLDED] && (o->forms[BENCH_EAGER] || o->forms[BENCH_BRANCHES]) &&
         (count > 1 || onefold_bench_compares(o));
}

/// A line for each network that the run has come to.
static void print_summary(const bench_session *session, const outcome *outcomes, size_t count) {
  static const bench_column columns[] = {{"network", -24}, {"T0 eager", 9}, {"T1 branches", 11},
                                         {"T2 folded", 9}, {"T0/T2", 7},    {"T1/T2", 7}};
  const size_t width = sizeof columns / sizeof columns[0];
  if (!wants_summary(session->options, count)) return;
  fputc('\n', session->out);
  onefold_bench_table_head(session->out, columns, width);
  for (size_t i = 0; i < count; i++) {
    const bench_stat *f = outcomes[i].forms;
    if (!outcomes[i].name) continue;
    const bench_cell cells[] = {
        onefold_bench_cell("%s", outcomes[i].name),
        onefold_bench_cell_time(f[BENCH_EAGER]),
        onefold_bench_cell_time(f[BENCH_BRANCHES]),
        onefold_bench_cell_time(f[BENCH_FOLDED]),
        onefold_bench_cell_ratio(f[BENCH_EAGER], f[BENCH_FOLDED]),
        onefold_bench_cell_ratio(f[BENCH_BRANCHES], f[BENCH_FOLDED]),
    };
    onefold_bench_table_row(session->out, columns, width, cells);
  }
}

static void run(bench_session *session, const networks *list) {
  onefold_weights *weights = NULL;
  outcome *outcomes = calloc(list->count, sizeof *outcomes);
  if (!outcomes) {
    onefold_bench_session_fail(session, "networks", ONEFOLD_OUT_OF_MEMORY);
    return;
  }
  int status = open_weights(session, &weights);
  bench_peers peers = {.session = session};
  if (!status) status = onefold_bench_peers_open(&peers, session, 32, 0, NULL);
  onefold_bench_progress_start(&session->progress, list->count);
  for (size_t i = 0; i < list->count && !status && onefold_bench_session_goes_on(session); i++) {
    time_network(session, &peers, list->names[i], weights, &outcomes[i]);
    session->progress.done++;
  }
  onefold_bench_peers_close(&peers);
  if (!status && !onefold_gbench_is_listing(session->gbench))
    print_summary(session, outcomes, list->count);
  onefold_weights_close(weights);
  free(outcomes);
}

static const char doc[] =
    "Times whole networks in each of their forms, from NCHW to NCHW."
    "\vNAME is a network, or all; onefold net lists them. The forms alternate in one run and are "
    "compared with each other before; what the folded form takes before its first run is given "
    "after them, and beside the table of --peers with --rewrites or --cache. With two numbers of "
    "threads, runs of the folded form on both take turns, and the ratio of their medians is "
    "printed. Google Benchmark's own flags (--benchmark_...) are passed on.\n\n"
    "Exit codes: 0 done; 1 it could not be done or was interrupted, or a peer is not here; 2 a bad "
    "option or network; "
    "3 the forms, or a peer's result, or that on fewer threads, differ by more than 1e-4 of the "
    "largest value.";

int onefold_bench_net(int argc, char **argv) {
  bench_options options;
  int status = onefold_bench_options_parse(&options, argc, argv,
                                           BENCH_TAKES_NETWORKS | BENCH_TAKES_FORMS |
                                               BENCH_TAKES_WEIGHTS | BENCH_TAKES_FEWER,
                                           "NAME...|all", doc);
  if (status) return status;
  networks list;
  status = parse(&options, &list);
  if (!status) status = onefold_bench_compare_allow(&options);
  bench_session session;
  if (!status) status = onefold_bench_session_open(&session, &options);
  if (!status) {
    run(&session, &list);
    status = onefold_bench_session_close(&session);
  }
  free(list.names);
  onefold_bench_options_free(&options);
  return status;
}
