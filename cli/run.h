// SPDX-License-Identifier: BSD-3-Clause
// Options of onefold run.
#ifndef ONEFOLD_CLI_RUN_H
#define ONEFOLD_CLI_RUN_H

#include "cli/options.h"

#define MAX_FILES 8
#define MAX_SETS  64

/// Texts of an option that may be given several times.
typedef struct cli_texts {
  const char *items[MAX_SETS];
  size_t count;
} cli_texts;

typedef struct cli_run_options {
  const char *command, *model, *weights, *prefix, *cache, *record; // record NULL: the default
  cli_texts inputs, outputs, sets;
  int form; // of onefold_bench_forms
  int32_t threads;
  int has_isa, has_seed, verbose;
  onefold_isa isa;
  onefold_accuracy accuracy;
  uint64_t seed;
} cli_run_options;

/// Fills `options`; on a mistake writes a sentence and exits. Returns an onefold_exit.
onefold_exit onefold_cli_run_parse(int argc, char **argv, cli_run_options *options);

#endif
