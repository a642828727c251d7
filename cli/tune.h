// SPDX-License-Identifier: BSD-3-Clause
// What the commands of `onefold tune` share: the record, and which of its rows are meant.
#ifndef ONEFOLD_CLI_TUNE_H
#define ONEFOLD_CLI_TUNE_H

#include "cli/options.h"

#include <onefold/tune.h>

#include <argp.h>
#include <jansson.h>

int onefold_cli_tune_show(int argc, char **argv);
int onefold_cli_tune_export(int argc, char **argv);
int onefold_cli_tune_import(int argc, char **argv);
int onefold_cli_tune_merge(int argc, char **argv);
int onefold_cli_tune_prune(int argc, char **argv);

/// Options of all these commands. What is not given is 0, NULL or, of a number, -1; a row is meant
/// where all that is given holds.
typedef struct cli_tune_options {
  const char *command, *record;
  int json;
  const char *problem;
  int here, elsewhere, stale, situation, accuracy;
  int64_t threads, days;
  // Made by onefold_cli_tune_ready.
  char machines[ONEFOLD_ISA_COUNT][sizeof((onefold_record_key *)0)->machine];
  uint64_t kernels[ONEFOLD_ISA_COUNT]; // 0: the level does not run here
  char oldest[24];
} cli_tune_options;

/// Children of an argp, whose input is a cli_tune_options: --json; --record; those that choose
/// rows.
extern const struct argp onefold_cli_tune_json_argp, onefold_cli_tune_record_argp,
    onefold_cli_tune_rows_argp;

/// Before the options are read, and after.
void onefold_cli_tune_init(cli_tune_options *options, const char *command);
void onefold_cli_tune_ready(cli_tune_options *options);

/// Non-zero where rows are chosen by something.
int onefold_cli_tune_chooses(const cli_tune_options *options);

/// Non-zero where the row is meant.
int onefold_cli_tune_means(const cli_tune_options *options, const onefold_record_row *row);

/// Non-zero where the row is of this machine, at any level.
int onefold_cli_tune_is_here(const cli_tune_options *options, const onefold_record_row *row);

/// Opens options->record, or `path` where that is not NULL; warnings go to the standard error. A
/// file that is to be written, or that was named, and cannot be had is a failure.
onefold_exit onefold_cli_tune_open(const cli_tune_options *options, const char *path, int read_only,
                                   onefold_record **record);

/// Writes the sentence of the record's last failure.
onefold_exit onefold_cli_tune_fail(const cli_tune_options *options, const onefold_record *record,
                                   onefold_status status);

/// Says what became of rows, as a sentence or as JSON.
onefold_exit onefold_cli_tune_counted(const cli_tune_options *options, const onefold_record *record,
                                      const onefold_record_counts *counts);

#endif
