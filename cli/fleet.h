// SPDX-License-Identifier: BSD-3-Clause
// onefold tune --mpi: the ranks of a job, each of which measures its share of its group's problems.
// A group's root has the record; the others send it their rows as texts.
#ifndef ONEFOLD_CLI_FLEET_H
#define ONEFOLD_CLI_FLEET_H

#include "cli/blocks.h"
#include "cli/fleet_plan.h"
#include "cli/link.h"
#include "cli/tune_gains.h"

/// What a text is.
enum {
  FLEET_WORK,   // to a rank: its problems, as lines that onefold_verbose_print writes
  FLEET_ROW,    // to a root: a row, as onefold_record_row_print writes it
  FLEET_DONE,   // to a root: what a rank has done, as JSON; its last text
  FLEET_SUMMARY // to rank 0: what a group has done, as JSON; "" where none is asked for
};

/// What a root knows of its group.
typedef struct fleet_root {
  onefold_record *record;
  cli_problems problems; // that are not recorded
  cli_places places;     // of theirs
  size_t total, skipped; // of the list; recorded before
  size_t tuned;          // rows that were written
  int64_t samples;
  double gains;         // sum of logarithms
  cli_gains found;      // also of what was recorded before
  int32_t done;         // ranks of the group
  json_t *rows, *ranks; // NULL without --json; what ranks have done
  json_t *summaries;    // of rank 0: [group]
  int32_t groups_done;  // of rank 0
  int code;             // the worst onefold_exit
} fleet_root;

typedef struct fleet {
  cli_tuning *tuning;
  cli_link link;
  int32_t groups;
  fleet_member *members;  // [link.size]
  fleet_seat *seats;      // [link.size]
  int32_t *numbers;       // [link.size]: one of each rank
  const fleet_seat *seat; // this rank's
  int is_root;
  fleet_root root;
} fleet;

/// The root's preparations: the record, and the problems that are not in it. Returns an
/// onefold_exit after a sentence; close all the same.
int onefold_cli_fleet_root_open(fleet *f);
void onefold_cli_fleet_root_close(fleet *f);

/// Sends the others of the group their shares; returns the root's own, to be freed, or NULL where
/// there is no memory.
char *onefold_cli_fleet_root_share(fleet *f);

/// What is to be done with a text from `from`.
void onefold_cli_fleet_root_take(fleet *f, int32_t from, int tag, const char *text);

/// The table's head, and what is to be done with a row from `from`: it is recorded, and printed or
/// kept for the JSON. Returns an onefold_exit.
void onefold_cli_fleet_head(void);
int onefold_cli_fleet_row(fleet *f, int32_t from, const char *text);

/// Waits for the others of the group, and rank 0 for the other groups; says what was done since
/// `start`. Returns an onefold_exit.
int onefold_cli_fleet_root_end(fleet *f, double start);

/// Measures this rank's share until it is done or time is over, its rows and then what it has done
/// going to the root.
void onefold_cli_fleet_rank(fleet *f, const char *share);

/// Takes what has come. On other ranks than roots nothing comes, but what they sent goes on its
/// way.
void onefold_cli_fleet_poll(fleet *f);

#endif
