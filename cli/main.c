// SPDX-License-Identifier: BSD-3-Clause
// The onefold program: its commands, by name.
#include "bench/bench.h"
#include "cli/commands.h"

#include <onefold/onefold.h>

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const onefold_command benches[] = {
    {"main", onefold_bench_main, "RepVGG blocks: eager, as branches, folded (the main job)"},
    {"block", onefold_bench_block, "blocks at given problems, in each form, with all steps"},
    {"net", onefold_bench_net, "whole networks, in each form, layer by layer"},
    {"conv", onefold_bench_conv, "convolutions at given problems, with all steps"},
    {"pair", onefold_bench_pair, "depthwise and pointwise convolutions as one operator"},
    {"accuracy", onefold_bench_accuracy, "errors of 3x3 layers by each algorithm"},
    {NULL, NULL, NULL},
};

static int bench(int argc, char **argv) {
  return onefold_cli_dispatch(benches, "Measures, by Google Benchmark.", argc, argv);
}

static const onefold_command commands[] = {
    {"info", onefold_cli_info, "what this machine has, which kernels are used, measured peaks"},
    {"fold", onefold_cli_fold, "fold the blocks of a checkpoint"},
    {"list", onefold_cli_list, "what is in a checkpoint, and what can be folded"},
    {"net", onefold_cli_net, "the layers of a network, and how each is run"},
    {"bench", bench, "measure networks, blocks and convolutions"},
    {"report", onefold_cli_report, "show what bench wrote: a page, charts, tables, comparisons"},
    {"cache", onefold_cli_cache,
     "the packed networks of --cache: list them, remove the stale ones"},
    {"run", onefold_cli_run, "run a block or a network on arrays in .npy files"},
#ifdef ONEFOLD_HAVE_TUNE
    {"tune", onefold_cli_tune, "the record of the fastest tilings"},
#endif
    {NULL, NULL, NULL},
};

int main(int argc, char **argv) {
  argp_err_exit_status = ONEFOLD_EXIT_USAGE;
  char name[] = "onefold";
  if (argc > 0) argv[0] = name;
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("onefold %s\n", onefold_version());
    return ONEFOLD_EXIT_OK;
  }
  return onefold_cli_dispatch(
      commands, "Folds re-parameterised convolution blocks and runs them fast on CPUs.", argc,
      argv);
}
