// SPDX-License-Identifier: BSD-3-Clause
// Which rows of a record are meant: options, and the test of a row.
#include "bench/argument.h"
#include "cli/tune.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
  OPT_RECORD = 0x200,
  OPT_PROBLEM,
  OPT_HERE,
  OPT_ELSEWHERE,
  OPT_STALE,
  OPT_SITUATION,
  OPT_ACCURACY,
  OPT_OLDER
};

#define END_OF_OPTIONS                                                                             \
  { NULL, 0, NULL, 0, NULL, 0 }

static const struct argp_option json_options[] = {
    {"json", 'j', NULL, 0, "As JSON", 0},
    END_OF_OPTIONS,
};

static const struct argp_option record_options[] = {
    {"record", OPT_RECORD, "FILE", 0,
     "The record (default: ONEFOLD_RECORD, else onefold/tilings.db in XDG_CACHE_HOME or ~/.cache)",
     0},
    END_OF_OPTIONS,
};

static const struct argp_option row_options[] = {
    {"problem", OPT_PROBLEM, "TEXT", 0, "Rows whose problem contains TEXT", 0},
    {"threads", 't', "N", 0, "Rows of N threads", 0},
    {"situation", OPT_SITUATION, "WORD", 0, "Rows measured warm, cold or in_place", 0},
    {"accuracy", OPT_ACCURACY, "CLASS", 0, "Rows of standard, strict or fast", 0},
    {"here", OPT_HERE, NULL, 0, "Rows of this machine", 0},
    {"elsewhere", OPT_ELSEWHERE, NULL, 0, "Rows of other machines", 0},
    {"stale", OPT_STALE, NULL, 0,
     "Rows that another version, or a build with other kernels, has measured", 0},
    {"older-than", OPT_OLDER, "DAYS", 0, "Rows of more than DAYS days ago", 0},
    END_OF_OPTIONS,
};

static const char *situation_name(int i) {
  return onefold_situation_name((onefold_situation)i);
}

static error_t parse_option(int key, char *text, struct argp_state *state) {
  cli_tune_options *o = state->input;
  switch (key) {
  case OPT_RECORD:
    o->record = text;
    return 0;
  case 'j':
    o->json = 1;
    return 0;
  case OPT_PROBLEM:
    o->problem = text;
    return 0;
  case 't':
    o->threads = (int64_t)onefold_argument_number(state, "threads", text, 1, ONEFOLD_MAX_THREADS);
    return 0;
  case OPT_SITUATION:
    o->situation =
        onefold_argument_word(state, "situation", text, ONEFOLD_SITUATION_COUNT, situation_name);
    return 0;
  case OPT_ACCURACY:
    o->accuracy = onefold_argument_accuracy(state, text);
    return 0;
  case OPT_HERE:
    o->here = 1;
    return 0;
  case OPT_ELSEWHERE:
    o->elsewhere = 1;
    return 0;
  case OPT_STALE:
    o->stale = 1;
    return 0;
  case OPT_OLDER:
    o->days = (int64_t)onefold_argument_number(state, "older-than", text, 0, 36500);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

const struct argp onefold_cli_tune_json_argp = {json_options, parse_option, NULL, NULL,
                                                NULL,         NULL,         NULL};
const struct argp onefold_cli_tune_record_argp = {record_options, parse_option, NULL, NULL,
                                                  NULL,           NULL,         NULL};
const struct argp onefold_cli_tune_rows_argp = {row_options, parse_option, NULL, NULL,
                                                NULL,        NULL,         NULL};

void onefold_cli_tune_init(cli_tune_options *options, const char *command) {
  *options = (cli_tune_options){
      .command = command, .situation = -1, .accuracy = -1, .threads = -1, .days = -1};
}

void onefold_cli_tune_ready(cli_tune_options *options) {
  onefold_machine machine;
  onefold_machine_query(&machine);
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    onefold_context *context = NULL;
    const onefold_context_options asked = {
        .struct_size = sizeof asked, .threads = 1, .has_max_isa = 1, .max_isa = (onefold_isa)i};
    machine.capped_isa = (onefold_isa)i;
    onefold_machine_fingerprint(&machine, options->machines[i], sizeof options->machines[i]);
    if (onefold_context_create(&asked, &context) != ONEFOLD_OK) continue;
    if (onefold_context_isa(context) == (onefold_isa)i)
      options->kernels[i] = onefold_kernel_list_hash(context);
    onefold_context_destroy(context);
  }
  if (options->days < 0) return;
  struct tm parts;
  const time_t oldest = time(NULL) - (time_t)(options->days * 24 * 3600);
  gmtime_r(&oldest, &parts);
  strftime(options->oldest, sizeof options->oldest, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

int onefold_cli_tune_chooses(const cli_tune_options *o) {
  return o->problem || o->here || o->elsewhere || o->stale || o->situation >= 0 ||
         o->accuracy >= 0 || o->threads >= 0 || o->days >= 0;
}

int onefold_cli_tune_is_here(const cli_tune_options *options, const onefold_record_row *row) {
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    if (strcmp(options->machines[i], row->key.machine) == 0) return 1;
  }
  return 0;
}

/// Measured by another version, or with kernels that are not this build's of the row's level.
static int is_stale(const cli_tune_options *o, const onefold_record_row *row) {
  if (strcmp(row->version, onefold_version()) != 0) return 1;
  const int isa = onefold_record_key_isa(&row->key);
  return isa >= 0 && o->kernels[isa] && o->kernels[isa] != row->kernels;
}

int onefold_cli_tune_means(const cli_tune_options *o, const onefold_record_row *row) {
  const onefold_record_key *key = &row->key;
  if (o->problem && !strstr(key->problem, o->problem)) return 0;
  if (o->threads >= 0 && key->threads != o->threads) return 0;
  if (o->situation >= 0 && (int)key->situation != o->situation) return 0;
  if (o->accuracy >= 0 && (int)key->accuracy != o->accuracy) return 0;
  if (o->here && !onefold_cli_tune_is_here(o, row)) return 0;
  if (o->elsewhere && onefold_cli_tune_is_here(o, row)) return 0;
  if (o->stale && !is_stale(o, row)) return 0;
  return o->days < 0 || strcmp(row->date, o->oldest) < 0;
}
