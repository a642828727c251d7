// SPDX-License-Identifier: BSD-3-Clause
// onefold tune: its commands, and how they open the record.
#include "cli/blocks.h"
#include "cli/commands.h"
#include "cli/tuning.h"

#include <stdio.h>
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

/// A command, and what it has warned of.
typedef struct opening {
  const char *command;
  int warned;
} opening;

static void warn(void *user, const char *sentence) {
  opening *o = user;
  o->warned = 1;
  onefold_cli_say(o->command, ONEFOLD_EXIT_OK, "warning: %s", sentence);
}

onefold_exit onefold_cli_tune_open(const cli_tune_options *options, const char *path, int read_only,
                                   onefold_record **record) {
  opening o = {.command = options->command};
  const onefold_record_options asked = {.struct_size = sizeof asked,
                                        .path = path ? path : options->record,
                                        .read_only = read_only,
                                        .warning = warn,
                                        .warning_user = &o};
  const onefold_status status = onefold_record_open(&asked, record);
  if (status != ONEFOLD_OK)
    return onefold_cli_say(options->command, ONEFOLD_EXIT_FAILURE, "no record: %s",
                           onefold_status_name(status));
  if (*onefold_record_path(*record) || (read_only && !o.warned)) return ONEFOLD_EXIT_OK;
  onefold_record_close(*record);
  *record = NULL;
  return onefold_cli_say(options->command, ONEFOLD_EXIT_FAILURE, "there is no record to %s",
                         read_only ? "read" : "write to");
}

onefold_exit onefold_cli_tune_fail(const cli_tune_options *options, const onefold_record *record,
                                   onefold_status status) {
  char sentence[512] = "";
  onefold_record_last_error(record, sentence, sizeof sentence);
  return onefold_cli_say(options->command, ONEFOLD_EXIT_FAILURE, "%s (%s)", sentence,
                         onefold_status_name(status));
}

onefold_exit onefold_cli_tune_counted(const cli_tune_options *options, const onefold_record *record,
                                      const onefold_record_counts *counts) {
  if (options->json)
    return onefold_cli_print_json(
        options->command,
        json_pack("{s:s, s:I, s:I, s:I}", "record", onefold_record_path(record), "written",
                  (json_int_t)counts->written, "kept", (json_int_t)counts->kept, "skipped",
                  (json_int_t)counts->skipped));
  printf("%s: %lld rows written", onefold_record_path(record), (long long)counts->written);
  if (counts->kept) printf(", %lld were there with better evidence", (long long)counts->kept);
  if (counts->skipped) printf(", %lld are of a newer version", (long long)counts->skipped);
  puts("");
  return ONEFOLD_EXIT_OK;
}
