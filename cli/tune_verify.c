// SPDX-License-Identifier: BSD-3-Clause
// onefold tune verify: measures rows again, against the default choice, and removes those that are
// shown to hold no longer.
#include "bench/interrupt.h"
#include "bench/pin.h"
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_PER_SHAPE = 0x400, OPT_DRY_RUN };

static const struct argp_option verify_options[] = {
    {"per-shape", OPT_PER_SHAPE, "TIME", 0, "Most time for a row (default 1s)", 0},
    {"dry-run", OPT_DRY_RUN, NULL, 0, "Remove nothing", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

typedef struct verifying {
  cli_tune_options rows;
  double per_shape;
  int dry_run;
  onefold_record_row *row; // [count], those to measure
  size_t count, capacity, index;
  size_t behind; // rows that are to be measured after this one
  int32_t cores; // that this process may use
  int64_t held, dropped, unclear;
  int64_t in_place, elsewhere, beyond; // rows that are not measured
  json_t *json;
  int failed;
} verifying;

static error_t parse_option(int key, char *text, struct argp_state *state) {
  verifying *v = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    for (int i = 0; i < 3; i++) state->child_inputs[i] = &v->rows;
    return 0;
  case OPT_PER_SHAPE:
    v->per_shape = onefold_cli_seconds(state, "per-shape", text);
    return 0;
  case OPT_DRY_RUN:
    v->dry_run = 1;
    return 0;
  case ARGP_KEY_ARG:
    argp_error(state, "%s: no argument is expected", text);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static int is_default(const onefold_tiling *tiling) {
  return onefold_tiling_print(tiling, NULL, 0) == 0;
}

/// The level whose fingerprint is the row's.
static onefold_isa level_of(const verifying *v, const onefold_record_row *row) {
  int level = 0;
  while (level + 1 < ONEFOLD_ISA_COUNT && strcmp(v->rows.machines[level], row->key.machine) != 0)
    level++;
  return (onefold_isa)level;
}

/// Non-zero where this process lacks the row's level, or the cores to measure it.
static int is_beyond(const verifying *v, const onefold_record_row *row) {
  return !v->rows.kernels[level_of(v, row)] ||
         (row->key.threads > v->cores && !is_default(&row->tiling));
}

/// Rows of this machine that a convolution alone can show to hold or not; the others are counted.
static int collect(void *user, const onefold_record_row *row) {
  verifying *v = user;
  if (!onefold_cli_tune_means(&v->rows, row)) return 0;
  const int here = onefold_cli_tune_is_here(&v->rows, row);
  if (!here || row->key.situation == ONEFOLD_IN_PLACE) {
    v->elsewhere += !here;
    v->in_place += here;
    return 0;
  }
  if (is_beyond(v, row)) {
    v->beyond++;
    return 0;
  }
  if (v->count == v->capacity) {
    const size_t wanted = v->capacity ? 2 * v->capacity : 64;
    onefold_record_row *grown = realloc(v->row, wanted * sizeof *grown);
    if (!grown) return v->failed = 1;
    v->row = grown;
    v->capacity = wanted;
  }
  v->row[v->count++] = *row;
  v->behind += !is_default(&row->tiling);
  return 0;
}

/// Pins to as many cores as all rows that are to be measured have threads, as tune run --threads
/// does; where these differ, not at all.
static void pin(const verifying *v) {
  char text[160];
  int32_t threads = 0;
  for (size_t i = 0; i < v->count; i++) {
    const onefold_record_row *row = &v->row[i];
    if (is_default(&row->tiling)) continue;
    if (threads && threads != row->key.threads) return;
    threads = row->key.threads;
  }
  if (threads) onefold_bench_pin(threads, text, sizeof text);
}

static double each(const verifying *v) {
  return v->per_shape > 0 ? v->per_shape : 1;
}

static void advanced(void *user, double part) {
  const verifying *v = user;
  onefold_cli_bar(v->row[v->index].key.problem, v->index, v->count, part,
                  each(v) * ((double)v->behind + 1 - part));
}

/// Measures a row again: *again is what came of it. Returns an onefold_exit after a sentence.
static int measure(verifying *v, const onefold_record_row *row, onefold_tune_result *again) {
  const onefold_isa isa = level_of(v, row);
  onefold_context *context = NULL;
  onefold_conv2d_desc desc;
  int code = (int)onefold_cli_context(v->rows.command, row->key.threads, &isa, row->key.accuracy,
                                      &context);
  if (code != ONEFOLD_EXIT_OK) return code;
  const onefold_tune_options options = {.struct_size = sizeof options,
                                        .situation = row->key.situation,
                                        .budget = each(v),
                                        .only = &row->tiling,
                                        .stopped = onefold_cli_stopped,
                                        .advanced = advanced,
                                        .user = v};
  onefold_status status = onefold_record_key_desc(context, &row->key, &desc);
  if (status == ONEFOLD_OK) status = onefold_tune_conv2d(context, &desc, &options, again);
  if (status != ONEFOLD_OK) code = (int)onefold_cli_fail(v->rows.command, context, status);
  onefold_context_destroy(context);
  return code;
}

static int say(verifying *v, const onefold_record_row *row, const onefold_tune_result *again,
               const char *verdict) {
  const double before = row->default_ns > 0 ? row->default_ns / row->median_ns : 0;
  const double after = again->finished ? again->row.default_ns / again->row.median_ns : 0;
  if (v->json)
    return json_array_append_new(v->json, json_pack("{s:s, s:s, s:f, s:f}", "problem",
                                                    row->key.problem, "verdict", verdict,
                                                    "gain_before", before, "gain", after)) == 0;
  char now[32] = "";
  if (again->finished) snprintf(now, sizeof now, ", now %.3fx", after);
  printf("%-36s  %-4s  %d threads  gain %.3fx%s  %s\n", row->key.problem,
         onefold_situation_name(row->key.situation), (int)row->key.threads, before, now, verdict);
  fflush(stdout);
  return 1;
}

/// What a row that was looked at is.
typedef enum verdict { HOLDS, DROPPED, UNCLEAR } verdict;

static int verify(verifying *v, onefold_record *record, const onefold_record_row *row) {
  static const char *const says[] = {"holds", "no longer holds", "unclear"};
  onefold_tune_result again = {.struct_size = sizeof again};
  // That the default choice is best holds for the kernels that it was measured with.
  const int stale = row->kernels != v->rows.kernels[level_of(v, row)];
  verdict is = stale ? DROPPED : HOLDS;
  if (!is_default(&row->tiling)) {
    v->behind--;
    advanced(v, 0);
    const int code = measure(v, row, &again);
    if (code != ONEFOLD_EXIT_OK) return code;
    if (!again.finished) return ONEFOLD_EXIT_OK;
    is = !is_default(&again.row.tiling) ? HOLDS : again.no_gain ? DROPPED : UNCLEAR;
  }
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  if (!say(v, row, &again, says[is]))
    return (int)onefold_cli_say(v->rows.command, ONEFOLD_EXIT_FAILURE, "no memory for the JSON");
  ++*(is == HOLDS ? &v->held : is == DROPPED ? &v->dropped : &v->unclear);
  onefold_status status = ONEFOLD_OK;
  if (!v->dry_run && is == DROPPED) status = onefold_record_delete(record, &row->key);
  if (!v->dry_run && is == HOLDS && again.finished)
    status = onefold_record_put(record, &again.row, ONEFOLD_RECORD_REPLACE, NULL);
  return status == ONEFOLD_OK || status == ONEFOLD_NOT_FOUND
             ? ONEFOLD_EXIT_OK
             : (int)onefold_cli_tune_fail(&v->rows, record, status);
}

static int print_end(verifying *v, const onefold_record *record) {
  onefold_cli_bar(NULL, 0, 0, 0, 0);
  if (v->json)
    return (int)onefold_cli_print_json(
        v->rows.command,
        json_pack("{s:s, s:O, s:I, s:I, s:I, s:I, s:I, s:I}", "record", onefold_record_path(record),
                  "rows", v->json, "held", (json_int_t)v->held, "dropped", (json_int_t)v->dropped,
                  "unclear", (json_int_t)v->unclear, "beyond", (json_int_t)v->beyond, "in_place",
                  (json_int_t)v->in_place, "elsewhere", (json_int_t)v->elsewhere));
  printf("%lld rows hold, %lld %s", (long long)v->held, (long long)v->dropped,
         v->dry_run ? "would be removed" : "removed");
  if (v->unclear)
    printf("; %lld are left as they are: neither that they gain nor that they do not is shown",
           (long long)v->unclear);
  if (v->beyond)
    printf("; %lld are left as they are: they want more than the %d cores of this process, or a "
           "level that does not run here",
           (long long)v->beyond, (int)v->cores);
  if (v->in_place)
    printf("; %lld measured in place are left as they are: tune graph measures them",
           (long long)v->in_place);
  if (v->elsewhere)
    printf("; %lld of other machines are left as they are: what is borrowed of them, tune run "
           "measures here",
           (long long)v->elsewhere);
  puts("");
  return ONEFOLD_EXIT_OK;
}

/// What was done is told however it ends.
static int verify_all(verifying *v, onefold_record *record) {
  onefold_machine machine;
  onefold_machine_query(&machine);
  v->cores = machine.usable_cores;
  onefold_status status = onefold_record_visit(record, collect, v, NULL);
  if (status != ONEFOLD_OK) return (int)onefold_cli_tune_fail(&v->rows, record, status);
  if (v->failed) return (int)onefold_cli_say(v->rows.command, ONEFOLD_EXIT_FAILURE, "no memory");
  if (v->rows.json) v->json = json_array();
  pin(v);
  onefold_bench_catch_interrupt();
  int code = ONEFOLD_EXIT_OK;
  for (; v->index < v->count && code == ONEFOLD_EXIT_OK && !onefold_bench_interrupted(); v->index++)
    code = verify(v, record, &v->row[v->index]);
  const int printed = print_end(v, record);
  if (code != ONEFOLD_EXIT_OK) return code;
  if (printed != ONEFOLD_EXIT_OK) return printed;
  return onefold_bench_interrupted() ? ONEFOLD_EXIT_FAILURE : ONEFOLD_EXIT_OK;
}

int onefold_cli_tune_verify(int argc, char **argv) {
  static const struct argp_child children[] = {{&onefold_cli_tune_record_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_json_argp, 0, NULL, 0},
                                               {&onefold_cli_tune_rows_argp, 0, NULL, 0},
                                               {0}};
  static const struct argp argp = {
      verify_options,
      parse_option,
      NULL,
      "Measures the rows of this machine that all the options given choose against the default "
      "choice: those that are still faster by more than the margin are written anew, those that "
      "are shown not to be are removed. Of rows that say the default choice is best, those of "
      "other kernels are removed. What the noise or --per-shape leaves open, rows of more threads "
      "than this process has cores, rows measured in place, and those of other machines are "
      "counted and left as they are. Where all rows are of as many threads, the process is pinned "
      "to as many cores."
      "\vExit codes: 0 done; 1 it could not be done, or was stopped; 2 a bad option.",
      children,
      NULL,
      NULL};
  verifying v = {.failed = 0};
  onefold_record *record = NULL;
  onefold_cli_tune_init(&v.rows, argv[0]);
  if (argp_parse(&argp, argc, argv, 0, NULL, &v)) return ONEFOLD_EXIT_FAILURE;
  onefold_cli_tune_ready(&v.rows);
  int code = (int)onefold_cli_tune_open(&v.rows, NULL, 0, &record);
  if (code == ONEFOLD_EXIT_OK) code = verify_all(&v, record);
  json_decref(v.json);
  free(v.row);
  onefold_record_close(record);
  return code;
}
