// SPDX-License-Identifier: BSD-3-Clause
// Finds a command in a table and runs it.
#include "bench/bench.h"
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

static void print_help(FILE *out, const onefold_command *commands, const char *about,
                       const char *program) {
  fprintf(out, "Usage: %s COMMAND [OPTION...]\n%s\n\nCommands:\n", program, about);
  for (const onefold_command *c = commands; c->name; c++) {
    fprintf(out, "  %-8s %s\n", c->name, c->summary);
  }
  fprintf(out,
          "\n%s COMMAND --help says more.\n\n"
          "Exit codes:\n"
          "  0  done\n"
          "  1  it could not be done: memory, a file, the machine\n"
          "  2  a bad command, option, argument or problem string\n"
          "  3  results differ by more than is allowed\n",
          program);
}

static int is_help(const char *word) {
  return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
         strcmp(word, "-?") == 0;
}

int onefold_cli_dispatch(const onefold_command *commands, const char *about, int argc,
                         char **argv) {
  if (argc < 2) {
    print_help(stderr, commands, about, argv[0]);
    return ONEFOLD_EXIT_USAGE;
  }
  for (const onefold_command *c = commands; c->name; c++) {
    if (strcmp(c->name, argv[1]) != 0) continue;
    char name[256];
    snprintf(name, sizeof name, "%s %s", argv[0], argv[1]);
    argv[1] = name;
    return c->run(argc - 1, argv + 1);
  }
  if (is_help(argv[1])) {
    print_help(stdout, commands, about, argv[0]);
    return ONEFOLD_EXIT_OK;
  }
  fprintf(stderr, "%s: %s: no such command; %s help lists them\n", argv[0], argv[1], argv[0]);
  return ONEFOLD_EXIT_USAGE;
}
