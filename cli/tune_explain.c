// SPDX-License-Identifier: BSD-3-Clause
// onefold tune explain: every candidate for a problem, its estimate, and what became of it.
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/tuning.h"

#include <stdio.h>

enum { OPT_PER_SHAPE = 0x400, OPT_ESTIMATES, OPT_ALL };

/// The table of one problem.
typedef struct explaining {
  cli_tuning tuning;
  int estimates, all;
  json_t *json; // of the candidates
  int64_t fates[ONEFOLD_TUNE_FATES];
  int failed;
} explaining;

static const struct argp_option explain_options[] = {
    {"per-shape", OPT_PER_SHAPE, "TIME", 0, "Most time for a problem (default 2s)", 0},
    {"estimates", OPT_ESTIMATES, NULL, 0, "Time nothing", 0},
    {"all", OPT_ALL, NULL, 0, "Also candidates that come to the same plan as another", 0},
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
  case OPT_ESTIMATES:
    e->estimates = 1;
    return 0;
  case OPT_ALL:
    e->all = 1;
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
  e->fates[c->fate]++;
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

static int stopped(void *user) {
  (void)user;
  return onefold_cli_interrupted();
}

/// What a plan by the record comes to, and which rung of the look-up it is from.
static void print_recorded(const explaining *e, const onefold_conv2d_desc *desc) {
  const cli_tuning *t = &e->tuning;
  char text[512];
  onefold_context *context = NULL;
  onefold_tilings *tilings = NULL;
  onefold_conv2d_plan *plan = NULL;
  onefold_tiling tiling;
  if (onefold_cli_tuned_context(t->rows.command, t->threads, t->isa, t->accuracy, t->rows.record,
                                t->situation, &context, &tilings) == ONEFOLD_EXIT_OK &&
      onefold_conv2d_plan_create(context, desc, &plan) == ONEFOLD_OK) {
    onefold_conv2d_plan_get_tiling(plan, &tiling);
    onefold_cli_tiling_text(&tiling, text, sizeof text);
    printf("planned now: %s, from %s\n", text, tiling.source);
  }
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
  onefold_bench_tilings_free(&tilings);
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

static int explain(explaining *e, const onefold_conv2d_desc *desc, json_t *all) {
  cli_tuning *t = &e->tuning;
  char problem[256];
  const onefold_tune_options options = {.struct_size = sizeof options,
                                        .situation = t->situation,
                                        .budget = t->per_shape,
                                        .plan_only = e->estimates,
                                        .peak = &t->peak,
                                        .stopped = stopped,
                                        .visit = visit,
                                        .user = e};
  onefold_tune_result result = {.struct_size = sizeof result};
  for (int i = 0; i < ONEFOLD_TUNE_FATES; i++) e->fates[i] = 0;
  onefold_conv2d_desc_print(desc, problem, sizeof problem);
  if (all) e->json = json_array();
  if (!all) {
    printf("%s\n", problem);
    print_recorded(e, desc);
    onefold_bench_table_head(stdout, columns, COLUMNS);
  }
  const onefold_status status = onefold_tune_conv2d(t->context, desc, &options, &result);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, t->context, status);
  if (!all) print_counts(e, &result);
  if (all &&
      (e->failed ||
       json_array_append_new(
           all, json_pack("{s:s, s:o, s:I, s:f}", "problem", problem, "candidates", e->json,
                          "samples", (json_int_t)result.samples, "seconds", result.seconds))))
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "no memory for the JSON");
  return ONEFOLD_EXIT_OK;
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
      "Exit codes: 0 done; 1 it could not be done; 2 a bad option or problem.",
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
  onefold_cli_catch_interrupt();
  for (size_t i = 0; i < problems.count && code == ONEFOLD_EXIT_OK; i++)
    code = explain(&e, &problems.desc[i], all);
  if (all && code == ONEFOLD_EXIT_OK)
    code = onefold_cli_print_json(t->rows.command, all);
  else
    json_decref(all);
  onefold_cli_problems_free(&problems);
  onefold_cli_tuning_close(t);
  return code;
}
