// SPDX-License-Identifier: BSD-3-Clause
// onefold tune: its commands.
#include "cli/commands.h"
#include "cli/tuning.h"

#include <string.h>

static const onefold_command commands[] = {
    {"run", onefold_cli_tune_run, "find the fastest tilings of problems and record them"},
    {"graph", onefold_cli_tune_graph, "tune the layers of a network where they run"},
    {"block", onefold_cli_tune_block, "the same of a block"},
    {"explain", onefold_cli_tune_explain, "all candidates for a problem, and what became of them"},
    {"gap", onefold_cli_tune_gap, "what a search leaves against an exhaustive one"},
    {"verify", onefold_cli_tune_verify, "measure rows again, and drop those that no longer hold"},
    {"show", onefold_cli_tune_show, "the tilings that are recorded"},
    {"export", onefold_cli_tune_export, "write rows as lines of JSON"},
    {"import", onefold_cli_tune_import, "add the rows of an export"},
    {"merge", onefold_cli_tune_merge, "add the rows of other records; the better evidenced stay"},
    {"prune", onefold_cli_tune_prune, "remove rows"},
    {NULL, NULL, NULL},
};

/// "--budget=10s", "mb1ic64ih56...": `run` is not said.
static int is_problem(const char *word) {
  if (word[0] == '-')
    return strcmp(word, "--help") != 0 && strcmp(word, "-h") != 0 && strcmp(word, "-?") != 0;
  const char *channels = strstr(word, "ic");
  return channels && channels[2] >= '0' && channels[2] <= '9';
}

int onefold_cli_tune(int argc, char **argv) {
  if (argc > 1 && is_problem(argv[1])) return onefold_cli_tune_run(argc, argv);
  return onefold_cli_dispatch(
      commands, "Finds the fastest tilings and records them; PROBLEM... alone is run.", argc, argv);
}
