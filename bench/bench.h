// SPDX-License-Identifier: BSD-3-Clause
// The benchmarks as the program sees them.
#ifndef ONEFOLD_BENCH_BENCH_H
#define ONEFOLD_BENCH_BENCH_H

/// Exit codes of the whole program.
typedef enum onefold_exit {
  ONEFOLD_EXIT_OK = 0,
  ONEFOLD_EXIT_FAILURE = 1, // something could not be done: memory, a file, the machine
  ONEFOLD_EXIT_USAGE = 2,   // a bad option, argument or problem string
  ONEFOLD_EXIT_WRONG = 3    // results differ by more than the stated bound
} onefold_exit;

/// argv[0] is what is shown as the command's name. Each returns an onefold_exit.
int onefold_bench_main(int argc, char **argv);     // RepVGG blocks: eager, branches, folded
int onefold_bench_block(int argc, char **argv);    // one kind of block at given problems
int onefold_bench_net(int argc, char **argv);      // whole networks
int onefold_bench_conv(int argc, char **argv);     // convolutions at given problems
int onefold_bench_pair(int argc, char **argv);     // depthwise and pointwise as one operator
int onefold_bench_accuracy(int argc, char **argv); // errors of 3x3 layers by each algorithm

#endif
