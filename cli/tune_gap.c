// SPDX-License-Identifier: BSD-3-Clause
// onefold tune gap: a search within its budget against an exhaustive one. The two bests and the
// default choice are then timed in turns, so that the noise of the searches does not decide.
#include "bench/interrupt.h"
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/tuning.h"

#include <math.h>
#include <stdio.h>

enum { OPT_PER_SHAPE = 0x400, OPT_TURNS };

static const struct argp_option gap_options[] = {
    {"per-shape", OPT_PER_SHAPE, "TIME", 0, "Time of the search for a problem (default 2s)", 0},
    {"turns", OPT_TURNS, "N", 0, "Turns of the comparison (default 51)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

/// The sides of a comparison: the exhaustive search's best comes first, as the others are compared
/// with it.
enum { EXHAUSTIVE, SEARCHED, DEFAULT, SIDES };

typedef struct gap {
  cli_tuning tuning;
  int32_t turns;
  json_t *json; // of the problems
  size_t index, total, compared;
  double logs[SIDES];     // sums of the logarithms of ratios
  onefold_tiling fastest; // of a search, whether or not it gains enough to be recorded
  double default_ns;      // of the same
  cli_places places;
  cli_label label;
} gap;

static error_t parse_option(int key, char *text, struct argp_state *state) {
  gap *g = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &g->tuning;
    state->child_inputs[1] = &g->tuning.rows;
    return 0;
  case OPT_PER_SHAPE:
    g->tuning.per_shape = onefold_cli_seconds(state, "per-shape", text);
    return 0;
  case OPT_TURNS:
    g->turns = (int32_t)onefold_argument_number(state, "turns", text, 5, 100000);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void advanced(void *user, double part) {
  const gap *g = user;
  (void)part;
  onefold_cli_bar(g->label, g->index, g->total, 0, INFINITY);
}

static int visit(void *user, const onefold_tune_candidate *c) {
  gap *g = user;
  const int leads = c->fate == ONEFOLD_TUNE_BEST || c->fate == ONEFOLD_TUNE_NO_GAIN;
  if (c->is_default)
    g->default_ns = c->median_ns; // the first
  else if (leads && c->median_ns < g->default_ns)
    g->fastest = c->tiling;
  return 0;
}

static const bench_column columns[] = {{"problem", -36}, {"timed", 9},   {"samples", 12},
                                       {"seconds", 13},  {"default", 7}, {"search", 7},
                                       {"noise", 6},     {"best", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)

static void print_row(const gap *g, const onefold_tune_result *results,
                      const onefold_tune_side *sides) {
  char tiling[512];
  bench_cell cells[COLUMNS];
  const onefold_tune_result *a = &results[SEARCHED], *b = &results[EXHAUSTIVE];
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  onefold_cli_tiling_text(&b->row.tiling, tiling, sizeof tiling);
  cells[0] = onefold_bench_cell("%s", g->label);
  cells[1] = onefold_bench_cell("%lld/%lld", (long long)a->timed, (long long)b->timed);
  cells[2] = onefold_bench_cell("%lld/%lld", (long long)a->samples, (long long)b->samples);
  cells[3] = onefold_bench_cell("%.1f/%.1f", a->seconds, b->seconds);
  cells[4] = onefold_bench_cell("%.3fx", sides[DEFAULT].ratio);
  cells[5] = onefold_bench_cell("%.3fx", sides[SEARCHED].ratio);
  cells[6] = onefold_bench_cell("%.1f %%", 100 * sides[SEARCHED].noise);
  cells[7] = onefold_bench_cell("%s", tiling);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  fflush(stdout);
}

static json_t *search_json(const onefold_tune_result *result, const onefold_tune_side *side) {
  char tiling[512];
  onefold_tiling_print(&result->row.tiling, tiling, sizeof tiling);
  return json_pack("{s:s, s:I, s:I, s:f, s:f}", "tiling", tiling, "timed",
                   (json_int_t)result->timed, "samples", (json_int_t)result->samples, "seconds",
                   result->seconds, "median_ns", side->median_ns);
}

static int collect_row(gap *g, const onefold_tune_result *results, const onefold_tune_side *sides) {
  const onefold_record_key *key = &results[SEARCHED].row.key;
  json_t *row =
      json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:i}", "problem",
                key->problem, "layouts", key->layouts, "epilogue", key->epilogue, "threads",
                (int)key->threads, "accuracy", onefold_accuracy_name(key->accuracy), "isa",
                onefold_isa_name((onefold_isa)onefold_record_key_isa(key)), "search",
                search_json(&results[SEARCHED], &sides[SEARCHED]), "exhaustive",
                search_json(&results[EXHAUSTIVE], &sides[EXHAUSTIVE]), "default_ns",
                sides[DEFAULT].median_ns, "gap", sides[SEARCHED].ratio, "gap_noise",
                sides[SEARCHED].noise, "default_gap", sides[DEFAULT].ratio, "default_gap_noise",
                sides[DEFAULT].noise, "turns", (int)sides[SEARCHED].turns);
  return row && json_array_append_new(g->json, row) == 0;
}

/// Both searches, then the comparison. Returns an onefold_exit after a sentence.
static int measure(gap *g, const cli_problem *problem) {
  const cli_tuning *t = &g->tuning;
  const onefold_conv2d_desc *desc = &problem->desc;
  onefold_record_row row;
  cli_place place;
  const int code = onefold_cli_place(t, &g->places, problem, &place);
  if (code != ONEFOLD_EXIT_OK) return code;
  onefold_tune_result results[2] = {{.struct_size = sizeof *results},
                                    {.struct_size = sizeof *results}};
  onefold_status status = onefold_record_row_init(place.context, NULL, desc, t->situation, &row);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
  onefold_cli_problem_label(t, &row.key, g->label);
  onefold_tune_options options = {.struct_size = sizeof options,
                                  .situation = t->situation,
                                  .peak = &place.peak,
                                  .stopped = onefold_cli_stopped,
                                  .advanced = advanced,
                                  .visit = visit,
                                  .user = g};
  for (int i = SEARCHED; i >= EXHAUSTIVE && status == ONEFOLD_OK && !onefold_bench_interrupted();
       i--) {
    options.exhaustive = i == EXHAUSTIVE;
    options.budget = i == EXHAUSTIVE ? 0 : t->per_shape;
    g->fastest = (onefold_tiling){.threads = 0};
    status = onefold_tune_conv2d(place.context, desc, &options, &results[i]);
  }
  results[EXHAUSTIVE].row.tiling = g->fastest;
  onefold_tune_side sides[SIDES] = {[EXHAUSTIVE] = {.tiling = &results[EXHAUSTIVE].row.tiling},
                                    [SEARCHED] = {.tiling = &results[SEARCHED].row.tiling}};
  options.budget = 0;
  if (status == ONEFOLD_OK && !onefold_bench_interrupted())
    status = onefold_tune_compare(place.context, desc, &options, g->turns, sides, SIDES);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
  if (onefold_bench_interrupted()) return ONEFOLD_EXIT_OK;
  g->compared++;
  for (int i = 0; i < SIDES; i++) g->logs[i] += log(sides[i].ratio);
  if (!g->json) print_row(g, results, sides);
  if (g->json && !collect_row(g, results, sides))
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "no memory for the JSON");
  return ONEFOLD_EXIT_OK;
}

static double mean(const gap *g, int side) {
  return g->compared ? exp(g->logs[side] / (double)g->compared) : 1;
}

static int print_end(gap *g) {
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  if (g->json)
    return onefold_cli_print_json(g->tuning.rows.command,
                                  json_pack("{s:O, s:f, s:f, s:I}", "shapes", g->json,
                                            "geometric_mean_gap", mean(g, SEARCHED),
                                            "geometric_mean_default_gap", mean(g, DEFAULT), "left",
                                            (json_int_t)(g->total - g->compared)));
  printf("\n%zu compared; geometric mean of the time over the exhaustive search's best: %.3fx of "
         "the default choice, %.3fx of the search\n",
         g->compared, mean(g, DEFAULT), mean(g, SEARCHED));
  return ONEFOLD_EXIT_OK;
}

static int compare_all(gap *g, const cli_problems *problems) {
  int code = ONEFOLD_EXIT_OK;
  g->total = problems->count;
  if (g->tuning.rows.json) g->json = json_array();
  if (!g->json) onefold_bench_table_head(stdout, columns, COLUMNS);
  onefold_bench_catch_interrupt();
  for (; g->index < g->total && code == ONEFOLD_EXIT_OK && !onefold_bench_interrupted(); g->index++)
    code = measure(g, &problems->one[g->index]);
  const int printed = print_end(g);
  json_decref(g->json);
  if (code != ONEFOLD_EXIT_OK) return code;
  if (printed != ONEFOLD_EXIT_OK) return printed;
  return onefold_bench_interrupted() ? ONEFOLD_EXIT_FAILURE : ONEFOLD_EXIT_OK;
}

int onefold_cli_tune_gap(int argc, char **argv) {
  static const struct argp_child children[] = {
      {&onefold_cli_tuning_argp, 0, NULL, 0}, {&onefold_cli_tune_json_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      gap_options,
      parse_option,
      "PROBLEM...",
      "Searches each problem twice, as onefold tune run does and exhaustively: nothing pruned, "
      "each "
      "plan timed until the noise decides. Then the two bests and the default choice are timed in "
      "turns. Nothing is recorded."
      "\vdefault, search: the time over that of the exhaustive search's best, medians of the "
      "ratios "
      "in each turn; noise: twice the standard error of the second. timed, samples, seconds: of "
      "the "
      "search and of the exhaustive one. This takes minutes.\n\n"
      "Exit codes: 0 done; 1 it could not be done, or was stopped; 2 a bad option or problem.",
      children,
      NULL,
      NULL};
  gap g = {.turns = 0};
  onefold_cli_tuning_init(&g.tuning, argv[0]);
  if (argp_parse(&argp, argc, argv, 0, NULL, &g)) return ONEFOLD_EXIT_FAILURE;
  cli_problems problems = {0};
  int code = onefold_cli_tuning_open(&g.tuning);
  if (code == ONEFOLD_EXIT_OK) code = onefold_cli_problems_read(&g.tuning, &problems);
  if (code == ONEFOLD_EXIT_OK) code = compare_all(&g, &problems);
  onefold_cli_problems_free(&problems);
  onefold_cli_places_free(&g.places);
  onefold_cli_tuning_close(&g.tuning);
  return code;
}
