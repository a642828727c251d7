// SPDX-License-Identifier: BSD-3-Clause
// The program's commands. argv[0] is the command's whole name, for messages;
// each returns an onefold_exit.
#ifndef ONEFOLD_CLI_COMMANDS_H
#define ONEFOLD_CLI_COMMANDS_H

int onefold_cli_info(int argc, char **argv);
int onefold_cli_run(int argc, char **argv);
int onefold_cli_fold(int argc, char **argv);
int onefold_cli_list(int argc, char **argv);
int onefold_cli_tune(int argc, char **argv); // where ONEFOLD_HAVE_TUNE is defined
int onefold_cli_net(int argc, char **argv);
int onefold_cli_report(int argc, char **argv);
int onefold_cli_cache(int argc, char **argv);

/// A row of a table of commands, which a row without a name ends.
typedef struct onefold_command {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *summary;
} onefold_command;

/// Runs the command that argv[1] names, as "<argv[0]> <name>"; "help", "--help"
/// and no name print the table after `about`.
int onefold_cli_dispatch(const onefold_command *commands, const char *about, int argc, char **argv);

#endif
