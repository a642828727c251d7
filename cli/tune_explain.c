// SPDX-License-Identifier: BSD-3-Clause
// onefold tune explain: every candidate for a problem, its estimate, and what became of it.
#include "bench/interrupt.h"
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/tune_figure.h"
#include "cli/tuning.h"

#include <math.h>
#include <stdio.h>

enum { OPT_PER_SHAPE = 0x400, OPT_EXHAUSTIVE, OPT_ESTIMATES, OPT_ALL, OPT_SVG };

/// The table of one problem.
typedef struct explaining {
  cli_tuning tuning;
  int estimates, all;
  const char *svg;   // a file; NULL: none is asked for
  cli_figure figure; // of the problem
  cli_places places;
  cli_label label;
  size_t index, total;
  json_t *json; // of the candidates
  int64_t fates[ONEFOLD_TUNE_FATES];
  int failed;
} explaining;

static const struct argp_option explain_options[] = {
    {"per-shape", OPT_PER_SHAPE, "TIME", 0, "Most time for a problem (default 2s)", 0},
    {"exhaustive", OPT_EXHAUSTIVE, NULL, 0,
     "Prune nothing, and measure until the noise decides, or for --per-shape", 0},
    {"estimates", OPT_ESTIMATES, NULL, 0, "Time nothing", 0},
    {"all", OPT_ALL, NULL, 0, "Also candidates that come to the same plan as another", 0},
    {"svg", OPT_SVG, "FILE", 0, "Also draw the search of the one problem that is given", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  explaining *e = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &e->tuning;
    state->child_inputs[1] = state->child_inputs[2] = &e->tuning.rows;
    return 0;
  case OPT_PER_SHAPE:
    e->tuning.per_shape = onefold_cli_seconds(state, "per-shape", text);
    return 0;
  case OPT_EXHAUSTIVE:
    e->tuning.exhaustive = 1;
    return 0;
  case OPT_ESTIMATES:
    e->estimates = 1;
    return 0;
  case OPT_ALL:
    e->all = 1;
    return 0;
  case OPT_SVG:
    e->svg = text;
    return 0;
  case ARGP_KEY_END:
    if (e->svg && e->estimates) argp_error(state, "--svg draws what is timed, not --estimates");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const bench_column columns[] = {{"estimate", 9}, {"median", 8}, {"spread", 7},
                                       {"samples", 7},  {"fate", -8},  {"tiling", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)

static void print_candidate(const onefold_tune_candidate *c) {
  char tiling[512];
  bench_cell cells[COLUMNS];
  const bench_stat estimate = {.count = c->fate != ONEFOLD_TUNE_REFUSED,
                               .median = c->estimate_ns * 1e-9};
  const bench_stat timed = {
      .count = c->median_ns > 0, .median = c->median_ns * 1e-9, .spread = c->spread};
  onefold_cli_tiling_text(&c->tiling, tiling, sizeof tiling);
  cells[0] = onefold_bench_cell_time(estimate);
  cells[1] = onefold_bench_cell_time(timed);
  cells[2] = onefold_bench_cell_spread(timed);
  cells[3] = timed.count ? onefold_bench_cell("%d", (int)c->trials) : onefold_bench_cell("-");
  cells[4] = onefold_bench_cell("%s", onefold_tune_fate_name(c->fate));
  cells[5] = onefold_bench_cell("%s%s", c->is_default ? "(default) " : "", tiling);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  if (c->reason[0]) printf("%*s%s\n", 38, "", c->reason);
}

static int visit(void *user, const onefold_tune_candidate *c) {
  explaining *e = user;
  char tiling[512];
  if (c->is_default) onefold_cli_bar(NULL, 0, 0, 0, 0); // the first
  e->fates[c->fate]++;
  if (e->svg) onefold_cli_figure_candidate(&e->figure, c);
  if (!e->json) {
    if (e->all || c->fate != ONEFOLD_TUNE_SAME) print_candidate(c);
    return 0;
  }
  onefold_tiling_print(&c->tiling, tiling, sizeof tiling);
  return e->failed =
             json_array_append_new(
                 e->json,
                 json_pack("{s:s, s:b, s:f, s:s, s:s, s:f, s:f, s:i, s:i}", "tiling", tiling,
                           "default", (int)c->is_default, "estimate_ns", c->estimate_ns, "fate",
                           onefold_tune_fate_name(c->fate), "reason", c->reason, "median_ns",
                           c->median_ns, "spread", c->spread, "rounds", (int)c->rounds, "samples",
                           (int)c->trials)) != 0;
}

static void advanced(void *user, double part) {
  const explaining *e = user;
  const double budget = e->tuning.per_shape > 0 ? e->tuning.per_shape : 2;
  const int open_end = e->tuning.exhaustive && !(e->tuning.per_shape > 0);
  onefold_cli_bar(e->label, e->index, e->total, part,
                  open_end ? INFINITY : budget * ((double)(e->total - e->index) - part));
}

static void sampled(void *user, const onefold_tune_sample *sample) {
  explaining *e = user;
  if (e->svg) onefold_cli_figure_sample(&e->figure, sample);
}

static void print_planned(const cli_planned *planned) {
  char text[512];
  onefold_cli_tiling_text(&planned->tiling, text, sizeof text);
  printf("planned now: %s, from %s\n", text, planned->source);
  if (planned->pairs) printf("%s\n", planned->pairs);
}

/// Without one it is null.
static json_t *planned_json(const cli_planned *planned) {
  char text[512];
  if (!planned) return json_null();
  onefold_tiling_print(&planned->tiling, text, sizeof text);
  return json_pack("{s:s, s:s, s:s?}", "tiling", text, "source", planned->source, "pairs",
                   planned->pairs);
}

static void print_counts(const explaining *e, const onefold_tune_result *result) {
  printf("%lld candidates", (long long)result->candidates);
  for (int i = 0; i < ONEFOLD_TUNE_FATES; i++) {
    if (e->fates[i])
      printf(", %lld %s", (long long)e->fates[i], onefold_tune_fate_name((onefold_tune_fate)i));
  }
  if (result->finished)
    printf("; %lld samples in %.2f s; gain %.3fx", (long long)result->samples, result->seconds,
           result->row.default_ns / result->row.median_ns);
  printf("\n\n");
}

/// Adds the problem and its candidates, where JSON is wanted.
static int add_json(explaining *e, json_t *all, const cli_planned *planned,
                    const onefold_tune_result *result) {
  const onefold_record_key *key = &result->row.key;
  if (all && (e->failed ||
              json_array_append_new(
                  all, json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:I, s:f}", "problem",
                                 key->problem, "layouts", key->layouts, "epilogue", key->epilogue,
                                 "threads", (int)key->threads, "accuracy",
                                 onefold_accuracy_name(key->accuracy), "isa",
                                 onefold_isa_name((onefold_isa)onefold_record_key_isa(key)),
                                 "planned", planned_json(planned), "candidates", e->json, "samples",
                                 (json_int_t)result->samples, "seconds", result->seconds))))
    return (int)onefold_cli_say(e->tuning.rows.command, ONEFOLD_EXIT_FAILURE,
                                "no memory for the JSON");
  return ONEFOLD_EXIT_OK;
}

static int explain(explaining *e, const cli_problem *problem, json_t *all) {
  cli_tuning *t = &e->tuning;
  const onefold_conv2d_desc *desc = &problem->desc;
  onefold_record_row row;
  cli_place place;
  cli_planned now;
  const int code = onefold_cli_place(t, &e->places, problem, &place);
  if (code != ONEFOLD_EXIT_OK) return code;
  const onefold_tune_options options = {.struct_size = sizeof options,
                                        .situation = t->situation,
                                        .budget = t->per_shape,
                                        .exhaustive = t->exhaustive,
                                        .plan_only = e->estimates,
                                        .peak = &place.peak,
                                        .stopped = onefold_cli_stopped,
                                        .advanced = advanced,
                                        .sampled = sampled,
                                        .visit = visit,
                                        .user = e};
  onefold_tune_result result = {.struct_size = sizeof result};
  for (int i = 0; i < ONEFOLD_TUNE_FATES; i++) e->fates[i] = 0;
  onefold_status status = onefold_record_row_init(place.context, NULL, desc, t->situation, &row);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
  onefold_cli_problem_label(t, &row.key, e->label);
  const cli_planned *planned = onefold_cli_planned(t, problem, &now) ? &now : NULL;
  if (all) e->json = json_array();
  if (!all) {
    printf("%s\n", e->label);
    if (planned) print_planned(planned);
    onefold_bench_table_head(stdout, columns, COLUMNS);
  }
  status = onefold_tune_conv2d(place.context, desc, &options, &result);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
  if (!all) print_counts(e, &result);
  if (e->svg && !onefold_bench_interrupted()) {
    const int drawn =
        onefold_cli_figure_write(&e->figure, t->rows.command, row.key.problem, e->svg);
    if (drawn == ONEFOLD_EXIT_OK) return add_json(e, all, planned, &result);
    json_decref(e->json);
    return drawn;
  }
  return add_json(e, all, planned, &result);
}

int onefold_cli_tune_explain(int argc, char **argv) {
  static const struct argp_child children[] = {{&onefold_cli_tuning_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_record_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_json_argp, 0, NULL, 0},
                                               {0}};
  static const struct argp argp = {
      explain_options,
      parse_option,
      "PROBLEM...",
      "Prints the candidates for each problem in the order of their estimates: why one was refused "
      "or pruned, and what the others measured. Nothing is recorded."
      "\vfate: refused, the algorithm does not apply; pruned, by the estimate; same, it comes to "
      "the plan of another; untimed, there was no time; slower, than others in its last round; no "
      "gain, the fastest, but not beyond the margin over the default choice; best.\n\n"
      "Exit codes: 0 done; 1 it could not be done, or was stopped; 2 a bad option or problem.",
      children,
      NULL,
      NULL};
  explaining e = {.failed = 0};
  onefold_cli_tuning_init(&e.tuning, argv[0]);
  if (argp_parse(&argp, argc, argv, 0, NULL, &e)) return ONEFOLD_EXIT_FAILURE;
  cli_tuning *t = &e.tuning;
  cli_problems problems = {0};
  json_t *all = t->rows.json ? json_array() : NULL;
  int code = onefold_cli_tuning_open(t);
  if (code == ONEFOLD_EXIT_OK) code = onefold_cli_problems_read(t, &problems);
  if (code == ONEFOLD_EXIT_OK && e.svg && problems.count > 1)
    code = (int)onefold_cli_say(argv[0], ONEFOLD_EXIT_USAGE, "--svg draws one problem, not %zu",
                                problems.count);
  onefold_bench_catch_interrupt();
  e.total = problems.count;
  for (; e.index < e.total && code == ONEFOLD_EXIT_OK && !onefold_bench_interrupted(); e.index++)
    code = explain(&e, &problems.one[e.index], all);
  if (all && code == ONEFOLD_EXIT_OK)
    code = onefold_cli_print_json(t->rows.command, all);
  else
    json_decref(all);
  if (code == ONEFOLD_EXIT_OK && onefold_bench_interrupted()) code = ONEFOLD_EXIT_FAILURE;
  onefold_cli_figure_free(&e.figure);
  onefold_cli_problems_free(&problems);
  onefold_cli_places_free(&e.places);
  onefold_cli_tuning_close(t);
  return code;
}
