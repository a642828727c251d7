// SPDX-License-Identifier: BSD-3-Clause
// onefold tune run: finds the fastest tilings of problems and records them.
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/tune_results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  OPT_BUDGET = 0x400,
  OPT_PER_SHAPE,
  OPT_EXHAUSTIVE,
  OPT_RESUME,
  OPT_AGAIN,
  OPT_MPI,
  OPT_RANKS_PER_NODE,
  OPT_MPI_AS
};

static const struct argp_option run_options[] = {
    {"budget", OPT_BUDGET, "TIME", 0, "Time for all problems together (default 60s)", 0},
    {"per-shape", OPT_PER_SHAPE, "TIME", 0,
     "Most time for one problem (default: its share of what is left)", 0},
    {"exhaustive", OPT_EXHAUSTIVE, NULL, 0,
     "Prune nothing, and measure until the noise decides: no budget but --per-shape", 0},
    {"resume", OPT_RESUME, NULL, 0,
     "Leave out what this library has recorded on this machine (default)", 0},
    {"again", OPT_AGAIN, NULL, 0, "Tune that as well", 0},
    {"mpi", OPT_MPI, NULL, 0,
     "Share the problems with the other ranks of this MPI job on machines like this one: see "
     "docs/fleet.md",
     0},
    {"ranks-per-node", OPT_RANKS_PER_NODE, "N", 0,
     "With --mpi: ranks of a node that measure, each on cores of its own (default: one for each "
     "package)",
     0},
    {"mpi-as", OPT_MPI_AS, "NODE[/MACHINE]", OPTION_HIDDEN, "For tests", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  cli_tuning *t = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = t;
    state->child_inputs[1] = state->child_inputs[2] = &t->rows;
    return 0;
  case OPT_BUDGET:
    t->budget = onefold_cli_seconds(state, "budget", text);
    return 0;
  case OPT_PER_SHAPE:
    t->per_shape = onefold_cli_seconds(state, "per-shape", text);
    return 0;
  case OPT_EXHAUSTIVE:
    t->exhaustive = 1;
    return 0;
  case OPT_RESUME:
    t->again = 0;
    return 0;
  case OPT_AGAIN:
    t->again = 1;
    return 0;
  case OPT_MPI:
    t->mpi = 1;
    return 0;
  case OPT_RANKS_PER_NODE:
    t->ranks_per_node = (int32_t)onefold_argument_number(state, "ranks-per-node", text, 1, 4096);
    return 0;
  case OPT_MPI_AS:
    t->mpi_as = text;
    return 0;
  case ARGP_KEY_END:
    if (t->ranks_per_node > 0 && !t->mpi)
      argp_error(state, "--ranks-per-node=%d: of --mpi alone", (int)t->ranks_per_node);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/// A run over all problems.
typedef struct run {
  cli_tuning *tuning;
  onefold_record *record;
  json_t *json; // of the shapes
  double end;   // of the budget
  size_t index, total, skipped, tuned;
  cli_gains gains; // also of what is skipped
  int64_t samples;
  cli_places places;
  cli_label label;
  int code; // an onefold_exit
} run;

static const bench_column columns[] = {{"problem", -36}, {"default", 8}, {"best", 8},
                                       {"gain", 7},      {"spread", 7},  {"tiling", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)

static void advanced(void *user, double part) {
  const run *r = user;
  const double shapes = (double)(r->total - r->index) - part, each = r->tuning->per_shape;
  const double budget = r->end - onefold_bench_now();
  onefold_cli_bar(r->label, r->index, r->total, part,
                  each > 0 ? fmin(budget, each * shapes) : budget);
}

static void print_row(const run *r, const onefold_tune_result *result) {
  const onefold_record_row *row = &result->row;
  char tiling[512];
  bench_cell cells[COLUMNS];
  const bench_stat best = {.count = 1, .median = row->median_ns * 1e-9, .spread = row->spread};
  const bench_stat other = {.count = 1, .median = row->default_ns * 1e-9};
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  onefold_cli_tiling_text(&row->tiling, tiling, sizeof tiling);
  cells[0] = onefold_bench_cell("%s", r->label);
  cells[1] = onefold_bench_cell_time(other);
  cells[2] = onefold_bench_cell_time(best);
  cells[3] = onefold_bench_cell("%.3fx", row->default_ns / row->median_ns);
  cells[4] = onefold_bench_cell_spread(best);
  cells[5] = onefold_bench_cell("%s", tiling);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  fflush(stdout);
}

static int collect_row(run *r, const onefold_tune_result *result) {
  char text[4096];
  onefold_record_row_print(&result->row, text, sizeof text);
  json_t *shape = json_pack("{s:o, s:I, s:I, s:I, s:f, s:b}", "row", json_loads(text, 0, NULL),
                            "candidates", (json_int_t)result->candidates, "timed",
                            (json_int_t)result->timed, "samples", (json_int_t)result->samples,
                            "seconds", result->seconds, "separated", (int)result->separated);
  return shape && json_array_append_new(r->json, shape) == 0;
}

static int no_memory(const run *r) {
  return (int)onefold_cli_say(r->tuning->rows.command, ONEFOLD_EXIT_FAILURE, "no memory");
}

/// Seconds for a problem, 0 where there are none left.
static double share_of(const run *r) {
  const cli_tuning *t = r->tuning;
  const double share = (r->end - onefold_bench_now()) / (double)(r->total - r->index);
  return t->per_shape > 0 && share > t->per_shape ? t->per_shape : fmax(share, 0);
}

/// Returns an onefold_exit after a sentence.
static int tune(run *r, const cli_problem *problem) {
  cli_tuning *t = r->tuning;
  const onefold_conv2d_desc *desc = &problem->desc;
  cli_place place;
  onefold_record_row key, old;
  const int code = onefold_cli_place(t, &r->places, problem, &place);
  if (code != ONEFOLD_EXIT_OK) return code;
  onefold_status status = onefold_record_row_init(place.context, NULL, desc, t->situation, &key);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
  onefold_cli_problem_label(t, &key.key, r->label);
  if (!t->again && onefold_cli_is_recorded(r->record, &key, &old)) {
    r->skipped++;
    return onefold_cli_gains_add(&r->gains, &old, problem->lists) ? ONEFOLD_EXIT_OK : no_memory(r);
  }
  const double share = share_of(r);
  if (!(share > 0)) return ONEFOLD_EXIT_OK;
  const onefold_tune_options options = {.struct_size = sizeof options,
                                        .situation = t->situation,
                                        .budget = share,
                                        .exhaustive = t->exhaustive,
                                        .peak = &place.peak,
                                        .stopped = onefold_cli_stopped,
                                        .advanced = advanced,
                                        .user = r};
  onefold_tune_result result = {.struct_size = sizeof result};
  status = onefold_tune_conv2d(place.context, desc, &options, &result);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
  r->samples += result.samples;
  if (!result.finished) return ONEFOLD_EXIT_OK;
  status = onefold_record_put(r->record, &result.row, ONEFOLD_RECORD_REPLACE, NULL);
  if (status != ONEFOLD_OK) return (int)onefold_cli_tune_fail(&t->rows, r->record, status);
  r->tuned++;
  if (!onefold_cli_gains_add(&r->gains, &result.row, problem->lists)) return no_memory(r);
  if (!r->json) print_row(r, &result);
  return r->json && !collect_row(r, &result) ? no_memory(r) : ONEFOLD_EXIT_OK;
}

static int print_end(run *r, double seconds) {
  const cli_tuning *t = r->tuning;
  const char *path = onefold_record_path(r->record);
  const size_t left = r->total - r->tuned - r->skipped;
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  if (r->json) {
    json_t *root = json_pack("{s:s, s:O, s:I, s:I, s:I, s:o, s:f, s:I}", "record", path, "shapes",
                             r->json, "tuned", (json_int_t)r->tuned, "recorded_before",
                             (json_int_t)r->skipped, "left", (json_int_t)left, "gains",
                             onefold_cli_gains_json(&r->gains, t->lists, t->list_count), "seconds",
                             seconds, "samples", (json_int_t)r->samples);
    const cli_tune_results results = {.context = t->context,
                                      .peak = &t->peak,
                                      .pinned = t->pinned,
                                      .situation = t->situation,
                                      .gains = &r->gains};
    return onefold_cli_print_json(t->rows.command, onefold_cli_tune_results(root, &results));
  }
  onefold_cli_gains_print(&r->gains, "the default choice's time over that of the fastest", t->lists,
                          t->list_count);
  printf("%s%zu tuned in %.1f s with %lld samples", r->gains.count ? "\n" : "", r->tuned, seconds,
         (long long)r->samples);
  if (r->skipped) printf("; %zu recorded before (--again tunes them)", r->skipped);
  if (left) printf("; %zu left: %s", left, onefold_cli_why_left(r->code));
  printf("; %s\n", path);
  return ONEFOLD_EXIT_OK;
}

static int run_all(run *r, const cli_problems *problems) {
  const double start = onefold_bench_now();
  r->end = start + (r->tuning->budget > 0   ? r->tuning->budget
                    : r->tuning->exhaustive ? INFINITY
                                            : 60);
  r->total = problems->count;
  onefold_bench_catch_interrupt();
  if (!r->json) {
    const onefold_peak *peak = &r->tuning->peak;
    printf("%s, %d threads, %s weights; peak %.0f GFLOP/s, L3 %.0f GB/s, DRAM %.0f GB/s\n\n",
           onefold_isa_name(onefold_context_isa(r->tuning->context)),
           (int)onefold_context_threads(r->tuning->context),
           onefold_situation_name(r->tuning->situation), peak->threads_gflops, peak->l3.read_gbs,
           peak->dram.read_gbs);
    onefold_bench_table_head(stdout, columns, COLUMNS);
  }
  for (; r->index < r->total && r->code == ONEFOLD_EXIT_OK && !onefold_bench_interrupted();
       r->index++)
    r->code = tune(r, &problems->one[r->index]);
  const int printed = print_end(r, onefold_bench_now() - start);
  if (r->code != ONEFOLD_EXIT_OK) return r->code;
  if (printed != ONEFOLD_EXIT_OK) return printed;
  return onefold_bench_interrupted() ? ONEFOLD_EXIT_FAILURE : ONEFOLD_EXIT_OK;
}

/// Threads of a log that this process has no cores for would be measured in each other's way.
/// Returns an onefold_exit after a sentence. The main thread may be pinned where --threads is
/// given.
static int have_cores(const cli_tuning *t, const cli_problems *problems) {
  onefold_machine machine;
  onefold_machine_query(&machine);
  for (size_t i = 0; i < problems->count && !t->has_threads; i++) {
    if (problems->one[i].threads > machine.usable_cores)
      return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_USAGE,
                                  "a log has a problem of %d threads, and this process has %d "
                                  "cores; --threads names others",
                                  (int)problems->one[i].threads, (int)machine.usable_cores);
  }
  return ONEFOLD_EXIT_OK;
}

int onefold_cli_tune_run(int argc, char **argv) {
  static const struct argp_child children[] = {{&onefold_cli_tuning_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_record_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_json_argp, 0, NULL, 0},
                                               {0}};
  static const struct argp argp = {
      run_options,
      parse_option,
      "[PROBLEM...]",
      "Finds the fastest tiling of each problem on this machine, and records it. Run, bench and "
      "net then use it."
      "\vPROBLEM is in benchdnn's form, such as mb1ic64ih56oc64kh3ph1. A row is recorded as soon "
      "as its problem is done; ctrl-C ends the run and keeps them. What is measured in which order "
      "is in docs/tuning.md. Problems of a log are tuned for the threads, the accuracy class "
      "and the ISA level that it tells, unless --threads, --accuracy and --isa name others; more "
      "threads than there are cores are refused. The "
      "table at the end is of all "
      "problems that have a row, and of each "
      "list "
      "where there are several.\n\n"
      "Exit codes: 0 done; 1 it could not be done, or was stopped; 2 a bad option or problem.",
      children,
      NULL,
      NULL};
  cli_tuning t;
  onefold_cli_tuning_init(&t, argv[0]);
  if (argp_parse(&argp, argc, argv, 0, NULL, &t)) return ONEFOLD_EXIT_FAILURE;
  if (t.mpi) return onefold_cli_fleet_run(&t);
  cli_problems problems = {0};
  run r = {.tuning = &t};
  int code = onefold_cli_tuning_open(&t);
  if (code == ONEFOLD_EXIT_OK) code = onefold_cli_problems_read(&t, &problems);
  if (code == ONEFOLD_EXIT_OK) code = have_cores(&t, &problems);
  if (code == ONEFOLD_EXIT_OK) code = (int)onefold_cli_tune_open(&t.rows, NULL, 0, &r.record);
  if (code == ONEFOLD_EXIT_OK) {
    if (t.rows.json) r.json = json_array();
    code = run_all(&r, &problems);
  }
  json_decref(r.json);
  onefold_cli_gains_free(&r.gains);
  onefold_record_close(r.record);
  onefold_cli_problems_free(&problems);
  onefold_cli_places_free(&r.places);
  onefold_cli_tuning_close(&t);
  return code;
}
