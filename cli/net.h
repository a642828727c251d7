// SPDX-License-Identifier: BSD-3-Clause
// A network and how it would be run, as a table or JSON.
#ifndef ONEFOLD_CLI_NET_H
#define ONEFOLD_CLI_NET_H

#include "cli/options.h"

#include <onefold/onefold.h>
#include <onefold/record.h>

/// A network, planned.
typedef struct cli_net {
  const char *command, *name;
  int form; // of onefold_bench_forms
  onefold_accuracy accuracy;
  onefold_context *context;
  onefold_tilings *tilings;
  onefold_graph *built, *folded; // NULL: the form is the training graph itself
  onefold_exec *exec;
} cli_net;

/// Each returns an onefold_exit.
int onefold_cli_net_print(const cli_net *net);
int onefold_cli_net_print_json(const cli_net *net);

#endif
