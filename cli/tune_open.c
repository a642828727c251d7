// SPDX-License-Identifier: BSD-3-Clause
// How the commands of onefold tune open a record, and say what failed and what was written.
#include "bench/interrupt.h"
#include "cli/blocks.h"
#include "cli/tuning.h"

#include <stdio.h>

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

const char *onefold_cli_why_left(int code) {
  if (onefold_bench_interrupted()) return "stopped";
  return code == ONEFOLD_EXIT_OK ? "no time" : "failed";
}
