// SPDX-License-Identifier: BSD-3-Clause
// onefold tune graph and block: tunes the convolutions of a network or a block where they run, and
// records them.
#include "bench/argument.h"
#include "bench/interrupt.h"
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/tune_results.h"

#include <stdio.h>

enum { OPT_BUDGET = 0x400, OPT_ISA, OPT_ACCURACY, OPT_BATCH, OPT_SIZE, OPT_CANDIDATES, OPT_SET };

typedef struct graph_tuning {
  cli_tune_options rows;
  int is_block;
  const char *name, *set; // set: of a block; NULL: the typical one
  int32_t threads, candidates;
  const onefold_isa *isa;
  onefold_isa isa_value;
  onefold_accuracy accuracy;
  onefold_shape input; // 0: the network's own
  double budget;
  onefold_record *record;
  onefold_status failed; // of writing rows
  json_t *json;
  cli_gains gains;
} graph_tuning;

static const struct argp_option graph_options[] = {
    {"budget", OPT_BUDGET, "TIME", 0, "Time in all (default 60s)", 0},
    {"candidates", OPT_CANDIDATES, "N", 0, "Candidates of each layer at most (default 8)", 0},
    {"set", OPT_SET, "NAME=VALUE...", 0,
     "Parameters of a block, such as \"input=1x64x56x56 out_channels=64\" (default: a typical one)",
     0},
    {"threads", 't', "N", 0, "Threads (default: the usable cores)", 0},
    {"isa", OPT_ISA, "LEVEL", 0, "ISA level: ref, avx2, avx512 or neon (default: the best)", 0},
    {"accuracy", OPT_ACCURACY, "CLASS", 0, "standard (default), strict or fast", 0},
    {"size", OPT_SIZE, "HxW", 0, "Height and width of the image (default: the network's own)", 0},
    {"batch", OPT_BATCH, "N", 0, "Images at once (default 1)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  graph_tuning *g = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = state->child_inputs[1] = &g->rows;
    return 0;
  case OPT_BUDGET:
    g->budget = onefold_cli_seconds(state, "budget", text);
    return 0;
  case OPT_CANDIDATES:
    g->candidates = (int32_t)onefold_argument_number(state, "candidates", text, 1, 1000);
    return 0;
  case OPT_SET:
    g->set = text;
    return 0;
  case 't':
    g->threads = (int32_t)onefold_argument_number(state, "threads", text, 1, ONEFOLD_MAX_THREADS);
    return 0;
  case OPT_ISA:
    g->isa_value = (onefold_isa)onefold_argument_isa(state, text);
    g->isa = &g->isa_value;
    return 0;
  case OPT_ACCURACY:
    g->accuracy = (onefold_accuracy)onefold_argument_accuracy(state, text);
    return 0;
  case OPT_SIZE:
    onefold_argument_size(state, "size", text, &g->input.h, &g->input.w);
    return 0;
  case OPT_BATCH:
    g->input.n = (int64_t)onefold_argument_number(state, "batch", text, 1, INT32_MAX);
    return 0;
  case ARGP_KEY_ARG:
    if (g->name) argp_error(state, "%s: one name is expected", text);
    g->name = text;
    return 0;
  case ARGP_KEY_END:
    if (!g->name)
      argp_error(state,
                 g->is_block ? "no block is given" : "no network is given; onefold net lists them");
    if (g->set && !g->is_block) argp_error(state, "--set is of blocks");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const bench_column columns[] = {{"problem", -36}, {"layers", 6}, {"default", 8},
                                       {"best", 8},      {"gain", 7},   {"tiling", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)

static void print_row(const onefold_record_row *row, size_t steps) {
  char tiling[512];
  bench_cell cells[COLUMNS];
  onefold_cli_tiling_text(&row->tiling, tiling, sizeof tiling);
  cells[0] = onefold_bench_cell("%s", row->key.problem);
  cells[1] = onefold_bench_cell("%zu", steps);
  cells[2] = onefold_bench_cell_time((bench_stat){.count = 1, .median = row->default_ns * 1e-9});
  cells[3] = onefold_bench_cell_time((bench_stat){.count = 1, .median = row->median_ns * 1e-9});
  cells[4] = onefold_bench_cell("%.3fx", row->default_ns / row->median_ns);
  cells[5] = onefold_bench_cell("%s", tiling);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  fflush(stdout);
}

static void put(void *user, const onefold_record_row *row, size_t steps, int is_final) {
  graph_tuning *g = user;
  char text[4096];
  const onefold_status status = onefold_record_put(g->record, row, ONEFOLD_RECORD_REPLACE, NULL);
  if (status != ONEFOLD_OK) g->failed = status;
  if (!is_final) return;
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  if (!onefold_cli_gains_add(&g->gains, row, 0)) g->failed = ONEFOLD_OUT_OF_MEMORY;
  if (!g->json) {
    print_row(row, steps);
    return;
  }
  onefold_record_row_print(row, text, sizeof text);
  if (json_array_append_new(g->json, json_loads(text, 0, NULL))) g->failed = ONEFOLD_OUT_OF_MEMORY;
}

static void advanced(void *user, double part) {
  const graph_tuning *g = user;
  onefold_cli_bar(g->name, 0, 1, part, (1 - part) * (g->budget > 0 ? g->budget : 60));
}

static int print_end(graph_tuning *g, onefold_context *context, const onefold_peak *peak,
                     const onefold_tune_result *result) {
  const onefold_record_row *row = &result->row;
  const char *path = onefold_record_path(g->record);
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  if (g->json) {
    json_t *root =
        json_pack("{s:s, s:s, s:O, s:o, s:b, s:f, s:f, s:I, s:I, s:f}", "record", path, "graph",
                  g->name, "rows", g->json, "gains", onefold_cli_gains_json(&g->gains, NULL, 0),
                  "finished", (int)result->finished, "default_ns", row->default_ns, "median_ns",
                  row->median_ns, "dropped", (json_int_t)result->dropped, "samples",
                  (json_int_t)result->samples, "seconds", result->seconds);
    const cli_tune_results results = {.context = context,
                                      .peak = peak,
                                      .pinned = "",
                                      .situation = ONEFOLD_IN_PLACE,
                                      .gains = &g->gains,
                                      .graph = g->name,
                                      .default_ns = row->default_ns,
                                      .median_ns = row->median_ns};
    return onefold_cli_print_json(g->rows.command, onefold_cli_tune_results(root, &results));
  }
  onefold_cli_gains_print(&g->gains, "the default choice's time over that of the fastest", NULL, 0);
  if (!result->finished) {
    puts("stopped, or no time: nothing is recorded");
    return ONEFOLD_EXIT_OK;
  }
  printf("\nwhole runs: %.3f ms by the default choice, %.3f ms with the fastest of each, %.3fx; "
         "%lld runs in %.1f s; %s\n",
         row->default_ns * 1e-6, row->median_ns * 1e-6, row->default_ns / row->median_ns,
         (long long)result->samples, result->seconds, path);
  if (result->dropped)
    printf("whole runs are slower with them: the default choice stays for %lld that were faster\n",
           (long long)result->dropped);
  return ONEFOLD_EXIT_OK;
}

static onefold_status build_block(const graph_tuning *g, onefold_context *context,
                                  const onefold_weights *weights, onefold_graph **built) {
  onefold_block_params params;
  onefold_status status = onefold_block_params_init(context, g->name, &params);
  const char *set = g->set ? g->set : onefold_block_typical(g->name);
  if (status == ONEFOLD_OK && set) status = onefold_block_params_set(context, &params, set);
  if (status == ONEFOLD_OK) status = onefold_block_build(context, g->name, &params, weights, built);
  return status;
}

/// Builds and folds.
static onefold_status build(const graph_tuning *g, onefold_context *context,
                            onefold_graph **folded) {
  onefold_weights *weights = NULL;
  onefold_graph *built = NULL;
  onefold_status status = onefold_weights_seeded(context, 1, &weights);
  if (status == ONEFOLD_OK)
    status = g->is_block ? build_block(g, context, weights, &built)
                         : onefold_network_build(context, g->name, g->input, weights, &built);
  onefold_weights_close(weights);
  if (status == ONEFOLD_OK)
    status = onefold_bench_form_fold(context, built, BENCH_FOLDED, NULL, NULL, folded);
  onefold_graph_destroy(built);
  return status;
}

static int tune(graph_tuning *g, onefold_context *context, onefold_rotation *rotation) {
  onefold_graph *graph = NULL;
  onefold_peak peak = {.struct_size = sizeof peak};
  onefold_tune_result result = {.struct_size = sizeof result};
  const onefold_exec_options exec =
      onefold_bench_form_options(BENCH_FOLDED, ONEFOLD_NCHW, ONEFOLD_NCHW);
  const onefold_tune_options options = {.struct_size = sizeof options,
                                        .situation = ONEFOLD_IN_PLACE,
                                        .budget = g->budget,
                                        .candidates = g->candidates,
                                        .peak = &peak,
                                        .stopped = onefold_cli_stopped,
                                        .advanced = advanced,
                                        .user = g};
  onefold_status status = build(g, context, &graph);
  if (status == ONEFOLD_OK) status = onefold_measure_peak(context, &peak);
  onefold_bench_catch_interrupt();
  if (status == ONEFOLD_OK && !g->json) onefold_bench_table_head(stdout, columns, COLUMNS);
  if (status == ONEFOLD_OK)
    status = onefold_tune_graph(context, rotation, graph, &exec, &options, put, &result);
  onefold_graph_destroy(graph);
  if (status != ONEFOLD_OK) {
    const int code = (int)onefold_cli_fail(g->rows.command, context, status);
    return status == ONEFOLD_NOT_FOUND ? ONEFOLD_EXIT_USAGE : code;
  }
  if (g->failed != ONEFOLD_OK) return (int)onefold_cli_tune_fail(&g->rows, g->record, g->failed);
  const int code = print_end(g, context, &peak, &result);
  return code || (result.finished && !onefold_bench_interrupted()) ? code : ONEFOLD_EXIT_FAILURE;
}

static int run(int is_block, int argc, char **argv) {
  static const struct argp_child children[] = {
      {&onefold_cli_tune_record_argp, 0, NULL, 0}, {&onefold_cli_tune_json_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      graph_options,
      parse_option,
      "NAME",
      "Tunes the convolutions of a folded network or block where they run: whole runs, in which "
      "all layers try their candidates at once, take turns with runs by the default choice."
      "\vRows are recorded in the situation in_place, which run, net and bench net ask for first. "
      "Of two convolutions that can run as a pair, the first's row says pair=1 (apart) or pair=2 "
      "(as one) where that is faster than the default choice, and has the times of both. Ctrl-C "
      "ends the rounds; what was fastest so far is compared once more and recorded. Rows are "
      "written from the first round on, so that a kill loses little.\n\n"
      "Exit codes: 0 done; 1 it could not be done, or was stopped; 2 a bad option or name.",
      children,
      NULL,
      NULL};
  graph_tuning g = {.is_block = is_block, .failed = ONEFOLD_OK};
  onefold_cli_tune_init(&g.rows, argv[0]);
  if (argp_parse(&argp, argc, argv, 0, NULL, &g)) return ONEFOLD_EXIT_FAILURE;
  onefold_context_options options = {.struct_size = sizeof options,
                                     .threads = g.threads,
                                     .has_max_isa = g.isa != NULL,
                                     .max_isa = g.isa_value,
                                     .accuracy = g.accuracy};
  onefold_rotation *rotation = NULL;
  onefold_context *context = NULL;
  int code = (int)onefold_cli_tune_open(&g.rows, NULL, 0, &g.record);
  if (code == ONEFOLD_EXIT_OK && onefold_rotation_create(&options, &rotation) != ONEFOLD_OK)
    code = (int)onefold_cli_say(argv[0], ONEFOLD_EXIT_FAILURE, "no context");
  if (code == ONEFOLD_EXIT_OK) code = (int)onefold_cli_create(argv[0], &options, &context);
  if (code == ONEFOLD_EXIT_OK) {
    if (g.rows.json) g.json = json_array();
    code = tune(&g, context, rotation);
  }
  json_decref(g.json);
  onefold_cli_gains_free(&g.gains);
  onefold_context_destroy(context);
  onefold_rotation_destroy(rotation);
  onefold_record_close(g.record);
  return code;
}

int onefold_cli_tune_graph(int argc, char **argv) {
  return run(0, argc, argv);
}

int onefold_cli_tune_block(int argc, char **argv) {
  return run(1, argc, argv);
}
